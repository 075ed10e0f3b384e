"""`taxonaut demo`: label the packages of this environment with PyPI's classifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
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
from taxonaut.cli.shared.item_command import describe_cost
from taxonaut.cli.shared.item_view import print_item, quoted
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import Session, command
from taxonaut.cli.shared.terminal import clipped, out, path_text, printable, styled
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.records import Item

if TYPE_CHECKING:
    from taxonaut.evaluation.demo import DemoReport, Package
    from taxonaut.evaluation.harness import MethodReport

NAMES = {"both": "taxonaut", "bm25": "BM25"}
MARKS = {
    "hit": ("hit", "bold green"),
    "ancestor": ("above", "yellow"),
    "descendant": ("below", "yellow"),
    "sibling": ("next to", "yellow"),
    "miss": ("miss", "red"),
}
"""How a package's first label lies to the closest of its author's."""

NEAR = ("ancestor", "descendant", "sibling")
SHOWN = (("hit",), 6), (NEAR, 2), (("miss",), 1)
"""Packages that are shown, by how they came out: enough for one screen."""

HABIT = 0.1
"""A label that more than this share of the authors choose, and more than three, is chosen by habit."""

SHOWN_LABELS = 2
LONGEST_SUMMARY = 60
DASH = "–"


def print_demo(console: Console, report: DemoReport, packages: Sequence[Package]) -> None:
    """Print a text with its labels, these packages with theirs, and how well it went."""
    console.print(Rule(styled("A text", "bold")))
    example = replace(report.example, labels=report.example.labels[:SHOWN_LABELS])
    print_item(console, Item(example.item_id, evaluation.demo.TEXT), example)
    console.print(Rule(styled(f"{len(report.packages)} packages of this environment", "bold")))
    console.print(
        styled(
            f"From their summaries and descriptions alone, with {report.stats.labels} classifiers of PyPI as labels; "
            "no model saw what their authors chose.",
            "dim",
        )
    )
    console.print(packages_table(report, packages))
    console.print(outcome_line(report, len(packages)))
    console.print(measures_table(report))
    console.print(
        styled(
            "P@1: the first label is one of the author's. R@10: share of the author's among the first ten. hF: first "
            "labels and theirs compared with all that is above them, so that a near one counts in part.",
            "dim",
        )
    )


def packages_table(report: DemoReport, packages: Sequence[Package]) -> Table:
    """Return a row for each package: its summary, its label, the phrase behind it, its author's choice."""
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("", no_wrap=True, width=7)
    table.add_column("package", overflow="ellipsis", no_wrap=True, ratio=36)
    table.add_column("found, because of", overflow="fold", ratio=36)
    table.add_column("its author chose", overflow="fold", ratio=28)
    for package in packages:
        table.add_row(*package_row(report, package))
    return table


def first_label(report: DemoReport, package: Package) -> tuple[float, str]:
    """Return the score and the id of a package's first label; 0 and no id without labels."""
    labels = report.results[package.id].labels
    return (labels[0].score, labels[0].label_id) if labels else (0.0, "")


def select_shown(report: DemoReport) -> list[Package]:
    """Return some hits, near hits and misses, surest first; no two with one first label.

    Hits are of labels that few authors choose: others say little.
    """
    chosen: dict[str, Package] = {}
    authors = Counter(label for package in report.packages for label in package.gold)
    most = max(3, HABIT * len(report.compared))
    habits = {label for label, count in authors.items() if count > most}
    for relations, most in SHOWN:
        found: dict[str, Package] = {}
        for package in by_score(report):
            compared, label = report.compared.get(package.id), first_label(report, package)[1]
            if compared is None or label in habits:
                continue
            if compared.first in relations and label not in chosen:
                found.setdefault(label, package)
        chosen |= dict(islice(found.items(), most))
    return list(chosen.values())


def by_score(report: DemoReport) -> list[Package]:
    """Return all packages, those with the surest first label first."""
    return sorted(report.packages, key=lambda package: (-first_label(report, package)[0], package.name))


def package_row(report: DemoReport, package: Package) -> list[RenderableType]:
    """Return one package's cells."""
    about = styled(package.name, "bold")
    about.append("\n" + clipped(printable(package.summary), LONGEST_SUMMARY), "dim not bold")
    labels = report.results[package.id].labels
    found = path_text(labels[0].path) + " " + quoted(labels[0].evidence) if labels else Text(DASH, "dim")
    compared = report.compared.get(package.id)
    if compared is None:
        return ["", about, found, Text(DASH, "dim")]
    gold = path_text(compared.closest.split(" :: ")[1:])
    if len(package.gold) > 1:
        gold.append(f" and {len(package.gold) - 1} more", "dim")
    mark, style = MARKS[compared.first]
    return [Text(mark, style), about, found, gold]


def measures_table(report: DemoReport) -> Table:
    """Return a row for each method: quality on the packages with classifiers, seconds for all."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for column in ("P@1", "R@10", "hF", "seconds"):
        table.add_column(column, justify="right")
    for method in report.report.methods:
        table.add_row(*measures_row(method))
    return table


def measures_row(method: MethodReport) -> list[str]:
    """Return one method's cells; scores in per cent, hF of the first label."""
    scores = method.scores
    if scores is None:
        values = [DASH] * 3
    else:
        found = (scores.precision[1], scores.recall[10], scores.hierarchy.f if scores.hierarchy else None)
        values = [DASH if value is None else f"{100 * value:.1f}" for value in found]
    return [NAMES.get(method.method, method.method), *values, f"{method.seconds:,.1f}"]


def outcome_line(report: DemoReport, shown: int) -> Text:
    """Say how the first labels lie to what the authors chose."""
    firsts = [compared.first for compared in report.compared.values()]
    hits, near = firsts.count("hit"), sum(relation in NEAR for relation in firsts)
    among_three = sum(compared.among_three == "hit" for compared in report.compared.values())
    said = (
        f"Of {len(firsts)} packages whose author chose any, the first label is one of these for {hits}, above, below "
        f"or next to one for {near}; one is among the first three for {among_three}. Authors choose few, and many by "
        "habit (Python Modules)."
    )
    left = len(report.packages) - shown
    return styled(f"{said} {left} more packages with --all." if left else said, "dim")


DEFAULT_FOLDER = Path("taxonaut-demo")
TRY = "parse log files of a web server"

AllOption = Annotated[bool, typer.Option("--all", help="Print all packages, and the walk of the first text.")]


@command("demo", example="taxonaut demo\ntaxonaut demo --workspace /tmp/demo --all")
def demo(session: Session, all_packages: AllOption = False) -> None:
    """Label the Python packages of this environment with PyPI's classifiers.

    The command reports how well it went. The workspace is kept (in --workspace, else in taxonaut-demo): a second
    run asks no model again.
    """
    folder = session.folder if session.is_named else DEFAULT_FOLDER
    report = run_demo(session, folder)
    console = out()
    print_demo(console, report, by_score(report) if all_packages else select_shown(report))
    if all_packages:
        print_explanation(console, report.walk)
    console.print(styled(f"\n{describe_cost(report.spent)}. Try it yourself:", "dim"))
    console.print(styled(f'  taxonaut classify -w {report.folder} "{TRY}"', "bold"))


def run_demo(session: Session, folder: Path) -> DemoReport:
    """Run the demo under a bar."""
    with progress(session) as bar:
        bar.stage("reading packages and classifiers")
        return PORTAL.run(evaluation.demo.arun_demo(folder))
