"""`taxonaut demo`: label the packages of this environment with PyPI's classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from taxonaut import evaluation
from taxonaut.cli.classify.explanation_view import print_explanation
from taxonaut.cli.shared.item_view import quoted
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import Session, command
from taxonaut.cli.shared.terminal import clipped, out, path_text, printable, styled
from taxonaut.graphs.sync_bridge import PORTAL

if TYPE_CHECKING:
    from taxonaut.evaluation.demo import DemoReport, Package
    from taxonaut.evaluation.harness import MethodReport

NAMES = {
    "both": "walk and dense",
    "tree": "walk alone",
    "dense": "dense retrieval",
    "bm25": "BM25",
}
MARKS = {
    "hit": ("hit", "bold green"),
    "ancestor": ("near", "yellow"),
    "descendant": ("near", "yellow"),
    "sibling": ("near", "yellow"),
    "miss": ("miss", "red"),
    None: ("", "dim"),
}
SHOWN_LABELS = 2
LONGEST_SUMMARY = 60
SHOWN_GOLD = 3
DASH = "–"


def print_demo(console: Console, report: DemoReport, most: int) -> None:
    """Print the whole report; `most` packages, each the surest of its first label, or all of them."""
    found = sum(bool(package.gold) for package in report.packages)
    console.print(Rule(styled("What the walk found", "bold")))
    console.print(
        styled(
            f"{len(report.packages)} packages of this environment, labelled with {report.stats.labels} "
            f"classifiers of PyPI from their summaries and descriptions alone; {found} have classifiers "
            "of their author's to compare with, which no model saw.",
            "dim",
        )
    )
    console.print(packages_table(report, most))
    left = len(report.packages) - most
    if left > 0:
        console.print(
            styled(
                f"Of each label the package it is surest of; {left} more packages with --all.",
                "dim",
            )
        )
    console.print()
    console.print(Rule(styled("How good, and at what cost", "bold")))
    console.print(measures_table(report))
    console.print(outcome_line(report))
    console.print()


def packages_table(report: DemoReport, most: int) -> Table:
    """Return a row for each package: its summary, its labels, the phrases behind them, its author's choice."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("", no_wrap=True, width=4)
    table.add_column("package", overflow="ellipsis", no_wrap=True, ratio=30)
    table.add_column("found, because of", overflow="fold", ratio=54)
    table.add_column("its author chose", overflow="fold", ratio=36)
    for package in select_surest(report, most):
        table.add_row(*package_row(report, package))
    return table


def select_surest(report: DemoReport, most: int) -> list[Package]:
    """Return packages by the score of their first label; where not all fit, no two with one first label."""

    def first(package: Package) -> tuple[float, str]:
        labels = report.results[package.id].labels
        return (labels[0].score, labels[0].label_id) if labels else (0.0, "")

    ordered = sorted(report.packages, key=lambda package: (-first(package)[0], package.name))
    if most >= len(ordered):
        return ordered
    best: dict[str, Package] = {}
    for package in ordered:
        best.setdefault(first(package)[1], package)
    return list(best.values())[:most]


def package_row(report: DemoReport, package: Package) -> list[RenderableType]:
    """Return one package's cells."""
    labels = report.results[package.id].labels[:SHOWN_LABELS]
    about = styled(package.name, "bold")
    about.append("\n" + clipped(printable(package.summary), LONGEST_SUMMARY), "dim not bold")
    mark, style = MARKS[report.outcomes[package.id]]
    gold = [path_text(label.split(" :: ")[1:]) for label in package.gold[:SHOWN_GOLD]] or [Text(DASH, "dim")]
    if len(package.gold) > SHOWN_GOLD:
        gold.append(styled(f"and {len(package.gold) - SHOWN_GOLD} more", "dim"))
    return [
        Text(mark, style),
        about,
        Text("\n").join(path_text(label.path) + " " + quoted(label.evidence) for label in labels),
        Text("\n").join(gold),
    ]


def measures_table(report: DemoReport) -> Table:
    """Return a row for each method: quality on the packages with classifiers, cost on all."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("method")
    for column in ("P@1", "P@3", "R@5", "R@10", "hP", "hR", "hF", "requests", "tokens", "seconds"):
        table.add_column(column, justify="right")
    for method in report.report.methods:
        table.add_row(*measures_row(method))
    return table


def measures_row(method: MethodReport) -> list[str]:
    """Return one method's cells; scores in per cent, hierarchical ones count ancestors (first label)."""
    cells = [NAMES.get(method.method, method.method)]
    scores = method.scores
    if scores is None:
        cells += [DASH] * 7
    else:
        values = [scores.precision[1], scores.precision[3], scores.recall[5], scores.recall[10]]
        if scores.hierarchy is not None:
            values += [scores.hierarchy.precision, scores.hierarchy.recall, scores.hierarchy.f]
        cells += [f"{100 * value:.1f}" for value in values]
    tokens = method.prompt_tokens + method.completion_tokens
    return [*cells, f"{method.requests:,}", f"{tokens:,}", f"{method.seconds:,.1f}"]


def outcome_line(report: DemoReport) -> Text:
    """Say how the first three labels of the walk relate to what the authors chose."""
    judged = [outcome for outcome in report.outcomes.values() if outcome is not None]
    hits = judged.count("hit")
    near = sum(outcome in ("ancestor", "descendant", "sibling") for outcome in judged)
    return styled(
        f"Among its first three labels: {hits} hits, {near} near hits (above, below or next to the right one), "
        f"{len(judged) - hits - near} misses of {len(judged)}. Authors choose few classifiers, and many by "
        "habit (… > Python Modules): look at what was found before you count. The first method's seconds "
        "include embedding all phrases, which the next ones find there.",
        "dim",
    )


DEFAULT_FOLDER = Path("taxonaut-demo")
SHOWN = 20

AllOption = Annotated[bool, typer.Option("--all", help=f"Print all packages, not only {SHOWN}.")]


@command("demo", example="taxonaut demo\ntaxonaut demo --workspace /tmp/demo --all")
def demo(session: Session, all_packages: AllOption = False) -> None:
    """Label the Python packages of this environment with PyPI's classifiers.

    The command reports how well it went. The workspace is kept (in --workspace, else in taxonaut-demo): a second
    run asks no model again.
    """
    folder = session.folder if session.is_named else DEFAULT_FOLDER
    report = run_demo(session, folder)
    console = out()
    print_demo(console, report, len(report.packages) if all_packages else SHOWN)
    print_explanation(console, report.walk)
    asked = (
        f"{report.asked:,} requests in this run"
        if report.asked
        else "no model was asked: all was kept from before"
    )
    console.print(styled(f"\n{asked}. Try it yourself:", "dim"))
    console.print(styled(f'  taxonaut classify -w {report.folder} "a library for resizing photos"', "bold"))


def run_demo(session: Session, folder: Path) -> DemoReport:
    """Run the demo under a bar."""
    with progress(session) as bar:
        bar.stage("reading packages and classifiers")
        return PORTAL.run(evaluation.demo.arun_demo(folder))
