"""`taxonaut prompts log` and `restore`: list the versions of templates that ran here, and restore one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled
from taxonaut.workspace import prompt_lab

if TYPE_CHECKING:
    from taxonaut.workspace.prompt_lab.template_versions import LoggedVersion, Restored

DASH = "–"


@command("log", example="taxonaut prompts log\ntaxonaut prompts log navigator/expand")
def log(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A template. Default: all that ran.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the versions of templates that ran here, the latest first, with quality and cost.

    P@1 is the share of items whose first label was right, measured by prompts try or by a run over items with known
    labels; the number of items follows it. Tokens and seconds are means per decision; cached is the share of
    decisions that came from the cache. prompts restore HASH restores a version.
    """

    with session.open() as workspace:
        rows = prompt_lab.template_versions.list_versions(workspace, name)
    if json:
        print_json([asdict(row) for row in rows])
    elif not rows:
        hint = "no template has been used here yet; classify something, or try one: taxonaut prompts try"
        out().print(styled(hint, "dim"))
    else:
        out().print(table(rows, named=name is not None))


@command("restore", example="taxonaut prompts restore 4f2c9a")
def restore(
    session: Session,
    hash: Annotated[
        str, typer.Argument(metavar="HASH", help="A hash of prompts log, or the beginning of one.")
    ],
    json: JsonOption = False,
) -> None:
    """Restore a version of a template.

    The present copy is kept first, so that it can be restored too. Restoring the packaged version removes the copy.
    """

    with session.open() as workspace:
        done = prompt_lab.template_versions.restore(workspace, hash)
    if json:
        print_json({**asdict(done), "path": str(done.path)})
        return
    for line, style in describe_restored(session, done):
        out().print(styled(line, style))


def describe_restored(session: Session, done: Restored) -> list[tuple[str, str]]:
    """Return the lines that say what was done, each with its style."""
    if done.way == "already":
        return [(f"{done.name} {done.hash} is in use already", "")]
    lines = []
    if done.way == "removed":
        lines.append(
            (f"{done.name} {done.hash}, the packaged version, is in use again; the copy is removed", "")
        )
    else:
        lines.append((f"{done.name} {done.wanted} is in use again, in {done.path}", ""))
    if done.way == "whole":
        lines.append(
            (
                "what it extends has changed since, so the whole template was written; "
                f"its hash is now {done.hash}, and it renders as {done.wanted} did",
                "yellow",
            )
        )
    if done.set_aside:
        again = session.again(f"prompts restore {done.set_aside}")
        lines.append((f"the copy before is kept as {done.set_aside}: {again}", "dim"))
    return lines


def table(rows: list[LoggedVersion], *, named: bool) -> Table:
    """Return the table of versions, with the templates' names unless one was given."""

    shown = Table(box=None, pad_edge=False, header_style="bold")
    heads = ["version", *([] if named else ["template"]), "", "last ran"]
    for head in heads:
        shown.add_column(head)
    for head in ("runs", "decisions", "failed", "none", "P@1", "tokens", "cached", "seconds"):
        shown.add_column(head, justify="right")
    shown.add_column("model")
    for row in rows:
        shown.add_row(*cells(row, named=named))
    return shown


def cells(row: LoggedVersion, *, named: bool) -> list[Text]:
    """Return the cells of one version."""

    status = ", ".join(
        word for word, holds in (("in use", row.in_use), ("packaged", row.is_packaged)) if holds
    )
    first = [
        styled(row.hash, "bold" if row.in_use else ""),
        *([] if named else [styled(row.template)]),
        styled(status, "green" if row.in_use else "dim"),
    ]
    right = (
        styled(DASH, "dim")
        if row.measured is None
        else styled(f"{100 * row.measured.first_right:.1f} of {row.measured.items:,}")
    )
    use = row.use
    if use is None:
        return [
            *first,
            styled("never ran", "dim"),
            *[styled(DASH, "dim")] * 4,
            right,
            *[styled(DASH, "dim")] * 3,
            styled(""),
        ]
    tokens = (use.prompt_tokens + use.completion_tokens) / use.decisions
    return [
        *first,
        styled(use.last.replace("T", " ")[:16]),
        styled(f"{use.runs:,}"),
        styled(f"{use.decisions:,}"),
        styled(f"{use.errors:,}", "red" if use.errors else "dim"),
        styled(f"{use.abstained:,}"),
        right,
        styled(f"{tokens:,.0f}"),
        styled(f"{use.cached / use.decisions:.0%}"),
        styled(DASH if use.latency_s is None else f"{use.latency_s:.2f}"),
        styled(", ".join(use.models), "dim"),
    ]
