"""`taxonaut expert define`: what each category holds, written from products in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.labels.commands import definition_row
from taxonaut.cli.shared.exit_codes import SOME_FAILED, InterruptedWork, say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, print_json, styled
from taxonaut.state.ids import LabelId
from taxonaut.workspace import expert, files

if TYPE_CHECKING:
    from taxonaut.workspace.expert.definitions import DefinitionReport

SHOWN = 5
"""Definitions that are printed."""

LONGEST = 300
"""Characters of one that are printed."""


@command(
    "define",
    example="taxonaut expert define\n"
    "taxonaut expert define sports-shoes hiking-boots --overwrite\n"
    "taxonaut expert define --limit 20",
    asks_models=True,
)
def define(
    session: Session,
    categories: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Category ids. Default: all.", show_default=False),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--categories",
            metavar="FILE",
            help="Text file with a category id on each line, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Write at most N definitions; 0 for all.")] = 0,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Also replace descriptions that were imported with the labels."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write a name and a definition for each category.

    The general expert writes them from items of the last training: popular or typical ones, and some that differ;
    for categories with few items, from the path and the neighbours. An encoder composes them of characteristic
    words and items. The definitions become the descriptions of the labels, which categorize --shown definition
    uses; index undo restores the former ones. Run it again when items have changed: only definitions that this
    affects are rewritten.
    """
    wanted = parse_ids(categories or [], file)
    with progress(session, json=json) as bar, session.open() as workspace:
        bar.stage("reading products")
        try:
            report = expert.definitions.define(
                workspace,
                wanted,
                limit=limit,
                overwrite=overwrite,
            )
        except KeyboardInterrupt:
            raise InterruptedWork(
                "interrupted: the index is as it was; definitions that were written are kept, and the same command "
                "goes on"
            ) from None
    if json:
        print_json(report_row(report))
    elif not session.quiet:
        print_report(session, report)
    if report.failed:
        label, error = next(iter(report.failed.items()))
        say(
            f"{count_categories(len(report.failed))} got no definition, the first: {label!r}: {error}\n"
            "they keep what they had; the same command asks for these only, and another model may do better"
        )
        raise typer.Exit(SOME_FAILED)


def parse_ids(given: list[str], file: str | None) -> list[LabelId] | None:
    """Return the categories that were named; None if none were."""
    if file is not None:
        rows = files.item_files.open_items(
            file, files.item_files.ItemColumns(id="", text="id", labels="")
        ).rows()
        given = [*given, *(row.item.text.strip() for row in rows if row.item.text.strip())]
    return [LabelId(each) for each in given] or None


def print_report(session: Session, report: DefinitionReport) -> None:
    """Print some definitions, and a summary of the call."""
    for one in report.written[:SHOWN]:
        out().print(styled(one.title, "bold").append_text(styled(f"  {one.label}", "dim not bold")))
        out().print(styled(f"  {clipped(one.definition, LONGEST)}"))
    if len(report.written) > SHOWN:
        out().print(styled(f"… and {len(report.written) - SHOWN:,} more", "dim"))
    for line in describe_definitions(session, report):
        say(line)


def describe_definitions(session: Session, report: DefinitionReport) -> Iterator[str]:
    """Summarize a call, and say what to do next."""
    how = "composed of telling words and products, as it writes no prose" if report.composed else "written"
    if report.written:
        yield f"{count_categories(len(report.written))} defined by {report.model}, {how}"
    if report.decisions:
        tokens = sum(each.usage.prompt_tokens + each.usage.completion_tokens for each in report.decisions)
        yield f"{counted(len(report.decisions), 'request')}, {counted(tokens, 'token')}"
    if report.unchanged:
        yield f"{count_categories(report.unchanged)} as before: nothing they were written from has changed"
    if report.own:
        yield (
            f"{count_categories(report.own)} with a description of your own, left as it is; "
            "replace those with --overwrite"
        )
    if report.left:
        yield f"{count_categories(report.left)} left: {session.again('expert define')}"
    if report.written:
        first = shlex.quote(report.written[0].label)
        yield f"look at one: {session.again(f'labels show {first}')}; take all back: {session.again('index undo')}"
        yield f"next: {session.again('categorize FILE --shown definition')}"
    elif not (report.unchanged or report.own or report.failed):
        yield "there is no category to define"


def count_categories(count: int) -> str:
    """Write a number of categories."""
    return f"{count:,} {'category' if count == 1 else 'categories'}"


def report_row(report: DefinitionReport) -> dict[str, Any]:
    """Return the summary of a call as JSON."""
    return {
        "model": report.model,
        "composed": report.composed,
        "written": [definition_row(each) for each in report.written],
        "unchanged": report.unchanged,
        "own": report.own,
        "left": report.left,
        "failed": dict(report.failed),
        "requests": sum(each.is_request for each in report.decisions),
    }
