"""`taxonaut prompts log` and `restore`: the versions of a template that ran here, and one of them again."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.shared.session import JsonOption, Session, command

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from taxonaut.workspace.prompt_lab.log import LoggedVersion
    from taxonaut.workspace.prompt_lab.template_versions import Restored

app = typer.Typer()

DASH = "–"


@command(app, "log", example="taxonaut prompts log\ntaxonaut prompts log navigator/expand")
def log(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A template; else all that ran.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the versions of templates that ran here, the latest first: how much, how good, at what cost.

    P@1 is the share of texts whose first label was right, on as many texts as stand behind it: measured by
    prompts try, or by a run over texts whose labels an evaluation knew. Tokens and seconds are means of a decision;
    cached is the share that no model was asked for. prompts restore HASH brings a version back.
    """
    from taxonaut.cli.shared.terminal import out, print_json, styled
    from taxonaut.workspace.prompt_lab.log import template_log

    with session.open() as workspace:
        rows = template_log(workspace, name)
    if json:
        print_json([as_row(row) for row in rows])
    elif not rows:
        hint = "no model has read a template here yet; classify something, or try one: taxonaut prompts try"
        out().print(styled(hint, "dim"))
    else:
        out().print(table(rows, named=name is not None))


@command(app, "restore", example="taxonaut prompts restore 4f2c9a")
def restore(
    session: Session,
    hash: Annotated[str, typer.Argument(metavar="HASH", help="Of prompts log; its beginning is enough.")],
    json: JsonOption = False,
) -> None:
    """Make a version of a template the one that counts again.

    The copy that counted is kept first, so that it can come back the same way. Restoring the packaged version removes
    the copy.
    """
    from taxonaut.cli.shared.terminal import out, print_json, styled
    from taxonaut.workspace.prompt_lab.template_versions import restore as bring_back

    with session.open() as workspace:
        done = bring_back(workspace, hash)
    if json:
        print_json({**asdict(done), "path": str(done.path)})
        return
    for line, style in said(session, done):
        out().print(styled(line, style))


def said(session: Session, done: "Restored") -> list[tuple[str, str]]:
    """Say what was done, a line each with its style."""
    if done.way == "already":
        return [(f"{done.name} {done.hash} counts already", "")]
    lines = []
    if done.way == "removed":
        lines.append(
            (f"{done.name} {done.hash}, the packaged version, counts again; the copy is removed", "")
        )
    else:
        lines.append((f"{done.name} {done.wanted} counts again, in {done.path}", ""))
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
        lines.append((f"the copy that counted before is kept as {done.set_aside}: {again}", "dim"))
    return lines


def table(rows: "list[LoggedVersion]", *, named: bool) -> "Table":
    """Return a line for each version; the template's name stands in it unless it was given."""
    from rich.table import Table

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


def cells(row: "LoggedVersion", *, named: bool) -> "list[Text]":
    """Write one version."""
    from taxonaut.cli.shared.terminal import styled

    status = ", ".join(
        word for word, holds in (("counts now", row.counts), ("packaged", row.is_packaged)) if holds
    )
    first = [
        styled(row.hash, "bold" if row.counts else ""),
        *([] if named else [styled(row.template)]),
        styled(status, "green" if row.counts else "dim"),
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


def as_row(row: "LoggedVersion") -> dict[str, Any]:
    """Return a version as JSON has it."""
    return asdict(row)
