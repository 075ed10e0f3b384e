"""`taxonaut evaluate`: methods side by side on one file, quality next to cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from taxonaut import evaluation
from taxonaut.cli.evaluate import class_view, summary_view
from taxonaut.cli.evaluate import evaluation_view as view
from taxonaut.cli.evaluate.attribution_view import Losses, attribute_losses, check_attribution
from taxonaut.cli.evaluate.distribution_view import DistributionOptions, evaluate_distributions
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import LabelledFileArgument, LabelledFileOptions, match_gold
from taxonaut.cli.shared.global_options import ADVANCED_PANEL
from taxonaut.cli.shared.item_command import fail_if_some_failed
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.workspace import files

if TYPE_CHECKING:
    from taxonaut.evaluation.curves import Point
    from taxonaut.evaluation.incremental import IncrementalReport
    from taxonaut.workspace.files.item_files import ItemRow
    from taxonaut.workspace.workspace import Workspace

EMPTY = "empty"
"""The value of --out-of-scope that means texts without a right label."""

EXAMPLES = """\
taxonaut evaluate test.jsonl
taxonaut evaluate test.jsonl --per-label labels.xlsx --per-item texts.csv
taxonaut evaluate test.jsonl --out-of-scope oos --measures "P,macro F1" -k 1,5
taxonaut evaluate test.jsonl --methods navigate,navigate:start=anchored,dense,bm25 --limit 200
taxonaut evaluate test.jsonl --methods navigate,kmeans-index,shortlist --figure recall.png
taxonaut evaluate test.jsonl --methods navigate --attribution 20
taxonaut evaluate test.jsonl --methods expert,dual,tfidf-svm,linear-head --examples train.jsonl
taxonaut evaluate votes.jsonl --distribution trained,similarity --figure reliability.png
taxonaut evaluate test.jsonl --methods navigate,dense,bm25 --incremental 0 --build kmeans"""


@command("evaluate", example=EXAMPLES, asks_models=True)
def evaluate(
    session: Session,
    file: LabelledFileArgument,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Methods to compare, of navigate, tree, both, dense, bm25, kmeans-index, "
            "shortlist, linear, icxml, expert, dual, general, fasttext, tfidf-svm, knn and "
            "linear-head. Settings may follow a name: navigate:terminals=40, "
            "dual:threshold=0.7. Default: navigate, dense, bm25, and every trained expert.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[
        str, typer.Option("--k", "-k", metavar="NUMBERS", help="Values of k for P@k, R@k, NDCG@k and others.")
    ] = "1,3,5,10",
    measures: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Measures to show: P, R, NDCG, RP, MRR, F1 (micro F1, macro F1, example F1), hP, hR, hF, macro hF, "
            "…, with or without @k; all: every one. Default: those that differ.",
            show_default=False,
        ),
    ] = None,
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
    per_label: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write how well each label is found, those missed most first: support, precision, recall, F1, and "
            "what was answered instead (.csv, .xlsx, .parquet, .jsonl, …).",
            show_default=False,
        ),
    ] = None,
    per_item: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the right labels, answers, hits and misses of each text.",
            show_default=False,
        ),
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Compare methods of distribute with annotators' votes (column annotators) instead: compare-to-none, "
            "platt, hard, unary, binary, max, trained, linear-probe, similarity; --figure then plots reliability.",
            show_default=False,
        ),
    ] = None,
    distribution_model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="With --distribution: the language model. Default: that of [models.general_expert].",
            show_default=False,
        ),
    ] = None,
    out_of_scope: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE",
            help="Texts whose right label is VALUE fit no label and should get none; 'empty': those without a "
            "right label.",
            show_default=False,
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="With --out-of-scope: a first label that scores lower is a refusal. Default, of methods that walk: "
            "that of classify.",
            show_default=False,
        ),
    ] = None,
    skip_unknown: Annotated[
        bool,
        typer.Option(
            "--skip-unknown",
            help="Leave out right labels that match no label of the index, and say which.",
            rich_help_panel=ADVANCED_PANEL,
        ),
    ] = False,
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

    Prints how good, where it fails and what to try next; then the measures, of which those that equal another are
    named with it, with their 95% bootstrap intervals, the differences from the first method, what it costs, and the
    labels missed most. Texts about which a request of some method failed are counted and left out of the measures of
    all methods (exit code 6); run the same command again to ask for them. Finished items are kept.
    docs/evaluation.md describes methods and measures.
    """
    if distribution is not None:
        evaluate_distributions(
            session,
            layout.read(file)[:limit],
            distribution.split(","),
            DistributionOptions(distribution_model, figure, skip_unknown, json),
            [] if examples is None else layout.read(examples),
        )
        return
    if distribution_model is not None:
        raise InputError("--model goes with --distribution; set models in taxonaut.toml otherwise")
    ks = parse_cutoffs(k)
    wanted = [] if measures is None else evaluation.measures.selection.parse_measures(measures, ks)
    default = ",".join(evaluation.harness.METHODS)
    names = [
        each.title for each in evaluation.methods.registry.parse_methods((methods or default).split(","))
    ]
    if figure is not None:
        evaluation.curve_figure.check_figure(figure)
    if attribution is not None:
        check_attribution(names, incremental=incremental is not None)

    if out_of_scope is None and min_score is not None:
        raise InputError("--min-score needs --out-of-scope VALUE, which says which texts should be refused")
    if out_of_scope is not None and incremental is not None:
        raise InputError("--out-of-scope does not go with --incremental; give one of the two")
    inputs = [file, *([] if examples is None else [examples])]
    evaluation.quality_files.check_quality_files(inputs, per_label=per_label, per_item=per_item)
    if incremental is not None and (per_label or per_item):
        raise InputError("--per-label and --per-item do not go with --incremental")

    rows = layout.read(file)[:limit]
    refusing = set[ItemId]()
    if out_of_scope not in (None, EMPTY):
        rows, refusing = take_out_of_scope(rows, str(out_of_scope))
    learned = layout.read(examples) if examples is not None else []
    with progress(session, json=json) as bar, session.open() as workspace:
        rows = match_gold(session, workspace.index, rows, keep_unknown=skip_unknown)
        if out_of_scope == EMPTY:
            refusing = {row.item.id for row in rows if not row.gold}
        rows, notes = files.gold_forms.drop_unknown(workspace.index, rows) if skip_unknown else (rows, [])
        if not any(row.gold for row in rows) and not refusing:
            raise InputError(
                f"{file!r} has no gold labels, so nothing can be measured; name their column with --labels-column"
            )
        said: list[str] = []
        if incremental is None:
            trained = evaluation.methods.workspace_experts
            if methods is None:
                experts = trained.find_experts(workspace, rows)
                names += experts.methods
                notes += experts.notes
            notes += trained.seen_notes(workspace, rows, names)
        picked = evaluation.methods.registry.parse_methods(names)
        settings = evaluation.methods.method.MethodSettings(
            shortlist=shortlist, shots=shots, examples=match_gold(session, workspace.index, learned)
        )
        bar.stage("embedding labels")
        if workspace.compares_vectors and any(each.method.reads_labels for each in picked):
            workspace.embed_labels()
        try:
            report: evaluation.harness.Report | IncrementalReport
            if incremental is None:
                report = evaluation.harness.evaluate(
                    workspace, rows, names, ks, settings, classes, out_of_scope=refusing, min_score=min_score
                )
            else:
                report = compare_incrementally(
                    workspace, rows, names, ks, settings, incremental, share, build
                )
            if isinstance(report, evaluation.harness.Report):
                if per_label is not None:
                    said += evaluation.quality_files.write_label_file(per_label, report, inputs)
                if per_item is not None:
                    said += evaluation.quality_files.write_item_file(
                        per_item, workspace.index, report, rows, inputs
                    )
            losses = attribute_losses(workspace, rows, names, ks, attribution) if attribution else []
            points = draw_figure(workspace, rows, figure, file) if figure is not None else []
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None
    for line in [*(f"note: {note}" for note in notes), *said] if not session.quiet else ():
        say(line)
    print_report(report, points, figure, losses, wanted, json=json)
    failed = [(each.method, each.failed) for each in report.methods]
    failed += [(f"figure, {point.series} of {point.budget:,}", point.failed) for point in points]
    fail_if_some_failed(
        failures=[f"{what}: {counted(count, 'text')} failed" for what, count in failed if count]
    )


def take_out_of_scope(rows: Sequence[ItemRow], value: str) -> tuple[list[ItemRow], set[ItemId]]:
    """Return the rows without the gold label `value`, which stands for no label, and the ids of those that had it."""
    found = {
        row.item.id
        for row in rows
        if [label.strip().casefold() for label in row.gold] == [value.strip().casefold()]
    }
    if not found:
        raise InputError(
            f"no text has the right label {value!r}; give --out-of-scope the value of the labels' column that means "
            f"that no label fits, or {EMPTY!r} for texts without one"
        )
    return [replace(row, gold=(), cell=None) if row.item.id in found else row for row in rows], found


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
    wanted: Sequence[str] = (),
    *,
    json: bool,
) -> None:
    """Print what was found."""
    if json:
        print_report_json(report, points, losses)
        return
    console = out()
    if isinstance(report, evaluation.harness.Report):
        print_comparison(console, report, wanted)
    else:
        print_incremental(console, report)
    if report.left_out:
        console.print(
            styled(
                f"{counted(report.left_out, 'text')} with right labels, about which a request of some method "
                "failed, left out of the measures of all methods.",
                "bold",
            )
        )
    if points:
        console.print()
        console.print(view.curve_table(points))
        console.print(styled(f"drawn in {figure}", "dim"))
    for each in losses:
        console.print()
        for part in each.parts:
            console.print(part)


def print_report_json(
    report: evaluation.harness.Report | IncrementalReport, points: Sequence[Point], losses: Sequence[Losses]
) -> None:
    """Print all measures of all methods as JSON."""
    if isinstance(report, evaluation.harness.Report):
        row = {**view.report_row(report), **class_view.class_rows(report)}
    else:
        row = view.incremental_row(report)
    more = {"figure": view.curve_rows(points)} if points else {}
    lost = {"attribution": {each.title: each.row for each in losses}} if losses else {}
    print_json({**row, **more, **lost})


def print_comparison(console: Console, report: evaluation.harness.Report, wanted: Sequence[str]) -> None:
    """Print a comparison of methods: three lines, the tables, the labels missed most."""
    console.print(styled(describe_items(report), "dim"))
    for line in summary_view.summary_lines(report):
        console.print(line)
    shown = evaluation.measures.selection.choose_measures(
        [each.quality.intervals for each in report.methods],
        report.ks,
        report.set_size,
        single=report.single,
        wanted=wanted,
    )
    for table in view.comparison_tables(report, shown, console):
        console.print()
        console.print(table)
    console.print(styled(view.describe_shown(shown, report), "dim"))
    best = summary_view.best_method(report)
    missed = summary_view.missed_table(best) if best is not None else None
    differences = view.difference_table(report, shown, console)
    if differences is not None:
        console.print()
        console.print(differences)
    if best is not None and missed is not None:
        console.print()
        console.print(styled(f"Labels that {summary_view.name_method(best.method)} misses most", "bold"))
        console.print(missed)
    refusals = view.refusal_tables(report, console)
    for table in refusals:
        console.print()
        console.print(table)
    if refusals:
        console.print(styled(view.describe_refusing(report), "dim"))
    classes = class_view.class_tables(report, console)
    for table in classes:
        console.print()
        console.print(table)
    if classes:
        console.print(styled(class_view.describe_measures(report), "dim"))


def describe_items(report: evaluation.harness.Report) -> str:
    """Say how many texts and labels there are, and how many texts have no right label."""
    without = report.items - report.with_gold - report.out_of_scope
    said = counted(report.items, "text")
    if report.out_of_scope:
        said += f", {report.out_of_scope:,} of them fit no label"
    if without:
        said += f", {without:,} of them without a right label and not measured"
    return f"{said}; {counted(report.labels, 'label')} in the index"


def print_incremental(console: Console, report: IncrementalReport) -> None:
    """Print the three readings of the incremental protocol."""
    known, later = len(report.split.known), len(report.split.later)
    said = f"{counted(known, 'label')} known first (Y0), {later:,} later (Y1), seed {report.split.seed}"
    console.print(
        styled(f"{said}; {counted(report.items, 'text')}, {report.items_later:,} with labels of Y1", "dim")
    )
    for title, table in view.incremental_tables(report):
        console.print()
        console.print(styled(title, "bold"))
        console.print(table)
    console.print(styled(view.NOTE, "dim"))


def parse_cutoffs(given: str) -> list[int]:
    """Read `1,3,5`; raises InputError."""
    parts = [part.strip() for part in given.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"--k is {given!r}; give whole numbers from 1, such as 1,3,5,10")
    return sorted({int(part) for part in parts})
