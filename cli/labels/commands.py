"""`taxonaut labels`: bring labels in and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

import taxonaut
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import LabelFileArgument, LabelFileOptions
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, out, path_text, print_json, styled
from taxonaut.state import stores
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item, Label

if TYPE_CHECKING:
    from taxonaut.state.stores.definitions import Definition
    from taxonaut.workspace.files.label_files import LabelFile

SHOWN = 5
"""Labels of a file that are shown before it is imported."""

LONGEST_ID = 60
LONGEST_PRODUCT = 100
"""Characters of a product that a description was written from."""


@command(
    "import",
    example="taxonaut labels import labels.csv --name-column title --path-column category --path-separator /",
)
def import_labels(
    session: Session,
    file: LabelFileArgument,
    *,
    layout: LabelFileOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the file is taken for; import nothing.")
    ] = False,
) -> None:
    """Import labels into an empty workspace.

    The file may be a table (CSV, TSV, Excel, Parquet) with names, ids, paths, parents, columns of levels or
    codes that hold the hierarchy; JSON, flat or nested; or text with a name or a path a line, an id before each
    path (1 - A > B), or indented lines. What it is taken for is shown first, with the columns that are not read:
    look at it with --dry-run. Columns with other names than usual are named by the options below; an empty name
    means that the column is not read.

    Labels with a hierarchy bring their own tree, which becomes the index. For labels without, run index build
    afterwards. Add more labels later with labels add.
    """
    with progress(session) as bar:
        bar.stage(f"reading {file}")
        labels = layout.read(file)
    if dry_run or not session.quiet:
        show_reading(labels)
    if dry_run:
        say("nothing was imported (--dry-run)")
        return
    with progress(session) as bar, session.open() as workspace:
        bar.stage(f"importing {len(labels.labels):,} labels")
        workspace.import_labels(labels)
        stats = workspace.index.stats()
    if session.quiet:
        return
    for note in labels.notes:
        say(note)
    if labels.has_tree:
        say(
            f"imported {stats.labels:,} labels with their tree: {stats.nodes:,} nodes, {stats.depth} levels; "
            f"next: {session.again('classify FILE')}"
        )
    else:
        say(f"imported {stats.labels:,} labels without a tree; next: {session.again('index build')}")


def show_reading(labels: LabelFile) -> None:
    """Say what a file was taken for, and show its first labels as a tree."""
    reading = labels.reading
    say(f"{labels.name}: {reading.format}; {reading.shape}")
    if reading.used:
        say("  read: " + ", ".join(f"{role} in {column!r}" for role, column in reading.used.items()))
    if reading.unused:
        say(f"  not read: {', '.join(map(repr, reading.unused))}")
    for note in labels.notes:
        say(f"  {note}")
    for depth, name, id in labels.first_labels(SHOWN):
        shown = f" ({id})" if id is not None and id != name and len(id) <= LONGEST_ID else ""
        say(f"    {'  ' * depth}{clipped(name, LONGEST_PRODUCT)}{shown}")
    if len(labels.labels) > SHOWN:
        say(f"    … {len(labels.labels):,} labels in all")


@command("list", example="taxonaut labels list --limit 50")
def list_labels(
    session: Session,
    limit: Annotated[int, typer.Option(min=0, help="Print at most N labels; 0 for all.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Skip the first N labels.")] = 0,
    json: JsonOption = False,
) -> None:
    """List labels, each with its shortest path.

    Labels are listed in the order of their import. With --json, one object a line.
    """
    with session.open() as workspace:
        ids = workspace.index.label_ids()
        shown = ids[offset : offset + limit if limit else None]
        labels = workspace.index.labels(shown)
        paths = workspace.index.paths_of(shown)
    print_labels(labels, [paths.get(label.id, []) for label in labels], json=json)
    left = len(ids) - offset - len(shown)
    if left > 0 and not (json or session.quiet):
        say(f"… and {left:,} more of {len(ids):,}; show all with --limit 0")


@command("show", example="taxonaut labels show sports-shoes")
def show_label(
    session: Session,
    label: Annotated[str, typer.Argument(metavar="ID", help="Label id.")],
    json: JsonOption = False,
) -> None:
    """Show a label: names, description and all paths.

    A description that expert define wrote is shown with its sources.
    """
    with session.open() as workspace:
        found = workspace.index.label(LabelId(label))
        paths = workspace.index.paths(found.id)
        written = stores.definitions.Definitions(workspace.database).standing([found.id]).get(found.id)
        products = workspace.items.known(written.items) if written is not None else []
    if json:
        row = {
            **label_row(found, paths),
            "description": found.description,
            "batch": found.batch,
        }
        print_json(row if written is None else {**row, "written": definition_row(written)})
        return
    console = out()
    console.print(styled(found.name, "bold"))
    console.print(styled(f"id {found.id}   batch {found.batch}", "dim"))
    if found.alternatives:
        console.print(styled(f"also called {', '.join(found.alternatives)}"))
    if found.description:
        console.print(styled(found.description))
    for path in paths:
        console.print(path_text(path))
    if written is not None:
        print_origin(found.name, written, products)


def print_origin(name: str, written: Definition, products: Sequence[Item]) -> None:
    """Say that a description was generated, and from what."""
    composed = written.template == stores.definitions.COMPOSED
    how = "composed of telling words and products for" if composed else "written by"
    console = out()
    if written.title.casefold() != name.casefold():
        console.print(styled(f"also called {written.title}", "dim"))
    source = (
        f"from {counted(len(written.items), 'product')}"
        if written.items
        else "from its place, without products"
    )
    console.print(
        styled(f"description {how} {written.model}, {written.made.replace('T', ' ')} UTC, {source}", "dim")
    )
    for product in products:
        console.print(styled(f"  {clipped(product.text, LONGEST_PRODUCT)}", "dim"))


@command("search", example='taxonaut labels search "running shoes"')
def search(
    session: Session,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words to search for.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="Print at most N labels.")] = 10,
    json: JsonOption = False,
) -> None:
    """Search labels by words, best match first.

    Names, alternative names, ids and descriptions are searched. With --json, one object a line.
    """
    if not query.strip():
        raise InputError(f"the query {query!r} is empty; give one or more words of a label")
    with session.open() as workspace:
        hits = taxonaut.tools.search_labels(workspace.index, query, limit)
        labels = workspace.index.labels([hit.label_id for hit in hits])
    print_labels(labels, [hit.paths for hit in hits], json=json)
    if not hits and not session.quiet:
        say(f"no label has a word of {query!r}; see some with: taxonaut labels list")


def label_row(label: Label, paths: Sequence[Sequence[str]]) -> dict[str, object]:
    """Return a label as JSON has it."""
    return {
        "id": label.id,
        "name": label.name,
        "alternatives": list(label.alternatives),
        "paths": [list(path) for path in paths],
    }


def print_labels(labels: Sequence[Label], paths: Sequence[Sequence[Sequence[str]]], *, json: bool) -> None:
    """Print labels, one a line, with the first path to each."""
    if json:
        for label, ways in zip(labels, paths, strict=True):
            print_json(label_row(label, ways), indent=None)
        return

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for label, ways in zip(labels, paths, strict=True):
        shown = path_text(ways[0] if ways else (label.name,))
        if len(ways) > 1:
            shown.append(f"  (+{len(ways) - 1} paths)", "dim not bold")
        table.add_row(styled(label.id), shown)
    if labels:
        out().print(table)


def definition_row(one: Definition) -> dict[str, Any]:
    """Return a definition, with what it was written from, as JSON has it."""
    return {
        "label_id": one.label,
        "title": one.title,
        "definition": one.definition,
        "products": list(one.items),
        "model": one.model,
        "template": one.template,
        "template_hash": one.template_hash,
    }
