"""`taxonaut evaluate`: methods side by side on one file, quality beside cost."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.columns import FILE_PANEL, EncodingOption, FormatOption, column
from taxonaut.cli.reporting import InterruptedWork
from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from rich.table import Table

    from taxonaut.cli.progress import Bar
    from taxonaut.evaluation.harness import MethodReport, Report

app = typer.Typer()


@command(
    app,
    "evaluate",
    example="taxonaut evaluate test.jsonl --methods tree,dense,both,bm25 --k 1,5,10 --limit 200",
)
def evaluate(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Texts with their right labels, as label ids.")],
    methods: Annotated[
        str, typer.Option(metavar="NAMES", help="Of tree, dense, both and bm25, those to compare.")
    ] = "tree,dense,both,bm25",
    k: Annotated[str, typer.Option(metavar="NUMBERS", help="How many labels count, for P, R and RP.")] = (
        "1,3,5,10"
    ),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many texts, from the top.", show_default=False)
    ] = None,
    text_column: Annotated[str, column("--text-column", "the text")] = "text",
    id_column: Annotated[str, column("--id-column", "its id; without one its line number is the id")] = "id",
    labels_column: Annotated[str, column("--labels-column", "the ids of its right labels")] = "labels",
    label_separator: Annotated[
        str,
        typer.Option(metavar="SIGN", help="What divides labels in a cell.", rich_help_panel=FILE_PANEL),
    ] = ";",
    format: FormatOption = None,
    encoding: EncodingOption = "utf-8",
    json: JsonOption = False,
) -> None:
    """Label texts whose labels are known by several methods, and compare: quality beside cost.

    P@k counts hits among the first k, R@k the share of the right labels found there, RP@k divides by what
    could be hit. hP, hR and hF count ancestors of the first label too. What was labelled before is kept.
    """
    from taxonaut.cli.progress import progress
    from taxonaut.cli.terminal import counted, out, print_json, styled
    from taxonaut.evaluation import harness
    from taxonaut.workspace.item_files import ItemColumns, open_items

    ks = cutoffs(k)
    names = [name.strip() for name in methods.split(",") if name.strip()]
    columns = ItemColumns(
        id=id_column, text=text_column, labels=labels_column, label_separator=label_separator
    )
    rows = list(
        islice(open_items(file, columns, format=format, encoding=encoding).rows(), limit)  # type: ignore[arg-type]
    )
    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage("embedding labels")
        if workspace.compares_vectors and names != ["bm25"]:
            workspace.embed_labels(bar.at)
        stages = Stages(bar, names, len(rows))
        try:
            report = harness.evaluate(workspace, rows, names, ks, stages.at)
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None
    if json:
        print_json(report_row(report))
    else:
        console = out()
        said = f"{counted(report.items, 'text')}, {report.with_gold:,} with right labels"
        console.print(styled(f"{said}; {counted(report.labels, 'label')} in the index", "dim"))
        console.print(comparison(report))


class Stages:
    """Turns a harness's progress into the bar's: each method is a stage, which begins as the one before ends."""

    def __init__(self, bar: "Bar", methods: "Sequence[str]", total: int) -> None:
        self.bar, self.total = bar, total
        self.waiting = list(methods)
        self.begin()

    def begin(self) -> None:
        """Begin the next method's stage, if there is one."""
        if self.waiting:
            self.bar.stage(self.waiting.pop(0), self.total)

    def at(self, method: str, done: int, total: int) -> None:
        """Show how far a method is."""
        self.bar.at(done, total)
        if done >= total:
            self.begin()


def cutoffs(given: str) -> list[int]:
    """Read `1,3,5`; raises InputError."""
    from taxonaut.state.errors import InputError

    parts = [part.strip() for part in given.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"--k is {given!r}; give whole numbers from 1, such as 1,3,5,10")
    return sorted({int(part) for part in parts})


def comparison(report: "Report") -> "Table":
    """Return the table: a row for each measure, a column for each method, the best of a row standing out."""
    from rich.table import Table

    from taxonaut.cli.terminal import styled

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for method in report.methods:
        table.add_column(method.method, justify="right")
    for name, values in quality(report):
        best = max((value for value in values if value is not None), default=None)
        table.add_row(
            styled(name),
            *(
                styled("–" if value is None else f"{100 * value:.1f}", "bold green" if value == best else "")
                for value in values
            ),
        )
    table.add_section()
    for name, shown in costs(report):
        table.add_row(styled(name, "dim"), *(styled(value, "dim") for value in shown))
    return table


def quality(report: "Report") -> "Iterator[tuple[str, list[float | None]]]":
    """Give each measure with every method's value, shares from 0 to 1."""
    scores = [method.scores for method in report.methods]
    known = next((each for each in scores if each is not None), None)
    if known is None:
        return
    for name, field in (("P", "precision"), ("R", "recall"), ("RP", "rp")):
        for k in known.precision:
            if name != "RP" or k > 1:
                yield f"{name}@{k}", [None if each is None else getattr(each, field)[k] for each in scores]
    yield "MRR", [None if each is None else each.mrr for each in scores]
    for name, field in (("hP", "precision"), ("hR", "recall"), ("hF", "f")):
        yield (
            name,
            [
                None if each is None or each.hierarchy is None else getattr(each.hierarchy, field)
                for each in scores
            ],
        )


def costs(report: "Report") -> "Iterator[tuple[str, list[str]]]":
    """Give what the methods cost, written out."""
    methods = report.methods
    yield "requests", [f"{method.requests:,}" for method in methods]
    yield "asked now", [f"{method.asked:,}" for method in methods]
    if any(method.prompt_tokens for method in methods):
        yield "tokens read", [f"{method.prompt_tokens:,}" for method in methods]
        yield "of them reused", [f"{method.reused_tokens:,}" for method in methods]
        yield "tokens written", [f"{method.completion_tokens:,}" for method in methods]
    yield "seconds", [f"{method.seconds:,.1f}" for method in methods]
    if any(method.failed for method in methods):
        yield "texts failed", [f"{method.failed:,}" for method in methods]


def report_row(report: "Report") -> dict[str, Any]:
    """Return a report as JSON has it."""
    return {
        "items": report.items,
        "with_gold": report.with_gold,
        "labels": report.labels,
        "methods": [method_row(method) for method in report.methods],
    }


def method_row(method: "MethodReport") -> dict[str, Any]:
    """Return one method's quality and cost as JSON has it."""
    from dataclasses import asdict

    return {
        "method": method.method,
        "scores": None if method.scores is None else asdict(method.scores),
        "requests": method.requests,
        "asked": method.asked,
        "prompt_tokens": method.prompt_tokens,
        "completion_tokens": method.completion_tokens,
        "reused_tokens": method.reused_tokens,
        "seconds": round(method.seconds, 3),
        "failed": method.failed,
    }
