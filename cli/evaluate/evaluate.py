"""`taxonaut evaluate`: methods side by side on one file, quality next to cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxonaut import evaluation
from taxonaut.cli.evaluate import class_view
from taxonaut.cli.evaluate import evaluation_view as view
from taxonaut.cli.evaluate.attribution_view import Losses, attribute_losses, check_attribution
from taxonaut.cli.shared.exit_codes import InterruptedWork
from taxonaut.cli.shared.file_options import LabelledFileArgument, LabelledFileOptions, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_command import fail_if_some_failed
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError

if TYPE_CHECKING:
    from taxonaut.evaluation.curves import Point
    from taxonaut.evaluation.incremental import IncrementalReport
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.workspace import Workspace

EXAMPLES = """\
taxonaut evaluate test.jsonl --methods navigate,navigate:start=anchored,dense,bm25 --limit 200
taxonaut evaluate test.jsonl --methods navigate,kmeans-index,shortlist --figure recall.png
taxonaut evaluate test.jsonl --methods navigate --attribution 20
taxonaut evaluate test.jsonl --methods expert,dual,tfidf-svm,linear-head --examples train.jsonl
taxonaut evaluate test.jsonl --methods navigate,dense,bm25 --incremental 0 --build kmeans"""


@command("evaluate", example=EXAMPLES)
def evaluate(
    session: Session,
    file: LabelledFileArgument,
    methods: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Methods to compare, of navigate, tree, both, dense, bm25, kmeans-index, "
            "shortlist, linear, icxml, expert, dual, general, fasttext, tfidf-svm, knn and "
            "linear-head. Settings may follow a name: navigate:terminals=40, "
            "dual:threshold=0.7.",
        ),
    ] = "navigate,dense,bm25",
    k: Annotated[str, typer.Option(metavar="NUMBERS", help="Values of k for P@k, R@k and RP@k.")] = (
        "1,3,5,10"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Use only the first N items.", show_default=False)
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Plot the recall of the shortlist by requests and by size, for walks from the "
            "root, anchored walks and flat search (.png, .svg or .pdf).",
            show_default=False,
        ),
    ] = None,
    attribution: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Show the N nodes at which walks lost the most right labels, with the texts.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        bool,
        typer.Option(
            "--classes",
            help="Show accuracy, F1 and macro-F1 by class. Methods that choose one class always show them.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = False,
    shortlist: Annotated[
        int,
        typer.Option(
            min=1, help="Method shortlist: rank N labels of exact search.", rich_help_panel=ADVANCED_PANEL
        ),
    ] = 500,
    shots: Annotated[
        int,
        typer.Option(
            min=0,
            help="Method linear: show the model N examples of each label.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = 0,
    examples: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Labelled items, laid out as the first FILE: fasttext, tfidf-svm, knn and "
            "linear-head are trained on them, linear takes its examples from them.",
            rich_help_panel=ADVANCED_PANEL,
            show_default=False,
        ),
    ] = None,
    incremental: Annotated[
        int | None,
        typer.Option(
            metavar="SEED",
            min=0,
            help="Split the labels at random, build an index on one part, add the other, and "
            "compare with an index built on all. Your own index is not changed.",
            rich_help_panel=ADVANCED_PANEL,
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option(help="Share of the labels in the first part.", rich_help_panel=ADVANCED_PANEL),
    ] = 0.5,
    build: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="How to build these indexes; see index build.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = "kmeans",
    *,
    layout: LabelledFileOptions,
    json: JsonOption = False,
) -> None:
    """Compare methods on items with known labels: quality and cost.

    P@k is the share of hits among the first k labels, R@k the share of the right labels found there; RP@k divides
    the hits by the most that are possible. Each is printed with half of its 95% bootstrap interval. hP, hR and
    hF also count the ancestors of the first label. Texts about which a request of some method failed are counted
    and left out of the measures of all methods (exit code 6); run the same command again to ask for them. Finished
    items are kept. docs/evaluation.md describes the
    methods.
    """
    ks = parse_cutoffs(k)
    picked = evaluation.methods.registry.parse_methods(methods.split(","))
    names = [each.title for each in picked]
    if figure is not None:
        evaluation.curve_figure.check_figure(figure)
    if attribution is not None:
        check_attribution(names, incremental=incremental is not None)

    rows = layout.read(file)[:limit]
    learned = layout.read(examples) if examples is not None else []
    with progress(session, json=json) as bar, session.open() as workspace:
        rows = match_gold(session, workspace.index, rows)
        if not any(row.gold for row in rows):
            raise InputError(
                f"{file!r} has no gold labels, so nothing can be measured; name their column with --labels-column"
            )
        settings = evaluation.methods.method.MethodSettings(
            shortlist=shortlist, shots=shots, examples=match_gold(session, workspace.index, learned)
        )
        bar.stage("embedding labels")
        if workspace.compares_vectors and any(each.method.reads_labels for each in picked):
            workspace.embed_labels()
        try:
            report: evaluation.harness.Report | IncrementalReport
            if incremental is None:
                report = compare_methods(workspace, rows, names, ks, settings, classes)
            else:
                report = compare_incrementally(
                    workspace, rows, names, ks, settings, incremental, share, build
                )
            losses = attribute_losses(workspace, rows, names, ks, attribution) if attribution else []
            points = draw_figure(workspace, rows, figure, file) if figure is not None else []
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None
    print_report(report, points, figure, losses, json=json)
    failed = [(each.method, each.failed) for each in report.methods]
    failed += [(f"figure, {point.series} of {point.budget:,}", point.failed) for point in points]
    fail_if_some_failed(
        failures=[f"{what}: {counted(count, 'text')} failed" for what, count in failed if count]
    )


def compare_methods(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    names: Sequence[str],
    ks: Sequence[int],
    settings: evaluation.methods.method.MethodSettings,
    classes: bool,
) -> evaluation.harness.Report:
    """Run the methods on the workspace's index."""
    return evaluation.harness.evaluate(workspace, rows, names, ks, settings, classes)


def compare_incrementally(
    workspace: Workspace,
    rows: Sequence[ItemRow],
    names: Sequence[str],
    ks: Sequence[int],
    settings: evaluation.methods.method.MethodSettings,
    seed: int,
    share: float,
    build: str,
) -> IncrementalReport:
    """Run the methods under the incremental protocol."""
    return evaluation.incremental.incremental(
        workspace,
        rows,
        names,
        seed=seed,
        share=share,
        build=build,
        ks=ks,
        settings=settings,
    )


def draw_figure(workspace: Workspace, rows: Sequence[ItemRow], figure: Path, file: str) -> list[Point]:
    """Measure shortlists at several budgets and draw them."""
    points = PORTAL.run(evaluation.curves.measure_shortlists(workspace, rows))
    judged = sum(bool(row.gold) for row in rows)
    evaluation.curve_figure.draw_curves(
        points, figure, f"{Path(file).stem}: {judged:,} texts, {len(workspace.index.label_ids()):,} labels"
    )
    return points


def print_report(
    report: evaluation.harness.Report | IncrementalReport,
    points: Sequence[Point],
    figure: Path | None,
    losses: Sequence[Losses] = (),
    *,
    json: bool,
) -> None:
    """Print what was found."""
    if json:
        row = (
            view.report_row(report)
            if isinstance(report, evaluation.harness.Report)
            else view.incremental_row(report)
        )
        by_class = class_view.class_rows(report) if isinstance(report, evaluation.harness.Report) else {}
        more = {"figure": view.curve_rows(points)} if points else {}
        lost = {"attribution": {each.title: each.row for each in losses}} if losses else {}
        print_json({**row, **by_class, **more, **lost})
        return
    console = out()
    if isinstance(report, evaluation.harness.Report):
        said = f"{counted(report.items, 'text')}, {report.with_gold:,} with right labels"
        console.print(styled(f"{said}; {counted(report.labels, 'label')} in the index", "dim"))
        console.print(view.comparison_table(report))
    else:
        known, later = len(report.split.known), len(report.split.later)
        said = f"{counted(known, 'label')} known first (Y0), {later:,} later (Y1), seed {report.split.seed}"
        console.print(
            styled(
                f"{said}; {counted(report.items, 'text')}, {report.items_later:,} with labels of Y1", "dim"
            )
        )
        for title, table in view.incremental_tables(report):
            console.print()
            console.print(styled(title, "bold"))
            console.print(table)
    console.print(styled(view.NOTE, "dim"))
    if report.left_out:
        console.print(
            styled(
                f"{counted(report.left_out, 'text')} with right labels, about which a request of some method "
                "failed, left out of the measures of all methods.",
                "bold",
            )
        )
    classes = class_view.class_table(report) if isinstance(report, evaluation.harness.Report) else None
    if isinstance(report, evaluation.harness.Report) and classes is not None:
        console.print()
        console.print(classes)
        console.print(styled(class_view.describe_measures(report), "dim"))
    if points:
        console.print()
        console.print(view.curve_table(points))
        console.print(styled(f"drawn in {figure}", "dim"))
    for each in losses:
        console.print()
        for part in each.parts:
            console.print(part)


def parse_cutoffs(given: str) -> list[int]:
    """Read `1,3,5`; raises InputError."""
    parts = [part.strip() for part in given.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"--k is {given!r}; give whole numbers from 1, such as 1,3,5,10")
    return sorted({int(part) for part in parts})
