"""`taxonaut tools`: what agents can do to the index, as a model sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

import taxonaut
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled
from taxonaut.state.errors import NotFoundError
from taxonaut.state.records import ToolSpec


@command("tools", example="taxonaut tools\ntaxonaut tools expand_node --json")
def tools(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Tool to show.")] = None,
    json: JsonOption = False,
) -> None:
    """List the agents' tools, or show one with its JSON schema.

    A schema has the ids of the index as it is now; without a workspace, those of an empty index.
    """
    with index_or_empty(session) as index:
        specs = taxonaut.tools.catalog(index)
    if name is not None:
        specs = [find_tool(specs, name)]
    if json:
        rows = [asdict(spec) for spec in specs]
        print_json(rows[0] if name is not None else rows)
    elif name is not None:
        print_tool(specs[0])
    else:
        print_tools(specs)


@contextmanager
def index_or_empty(session: Session) -> Iterator[taxonaut.Index]:
    """Open the workspace's index, or an empty one where no workspace is."""
    if session.has_workspace:
        with session.open() as workspace:
            yield workspace.index
        return

    with taxonaut.Database.in_memory() as database:
        yield taxonaut.Index(database)


def find_tool(specs: list[ToolSpec], name: str) -> ToolSpec:
    """Return the tool of this name; NotFoundError lists those there are."""
    found = next((spec for spec in specs if spec.name == name), None)
    if found is None:
        raise NotFoundError(f"there is no tool {name!r}; there are: {', '.join(spec.name for spec in specs)}")
    return found


def print_tool(spec: ToolSpec) -> None:
    """Print one tool's text and schema."""
    console = out()
    console.print(styled(spec.name, "bold"))
    for line in spec.description.splitlines():
        console.print(styled(line.strip()))
    console.print()
    for line in json.dumps(dict(spec.parameters), indent=2, ensure_ascii=False).splitlines():
        console.print(styled(line, "dim"), soft_wrap=True)


def print_tools(specs: list[ToolSpec]) -> None:
    """Print all tools, each with the first sentence of its text."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for spec in specs:
        table.add_row(styled(spec.name), styled(spec.description.partition("\n\n")[0]))
    out().print(table)
