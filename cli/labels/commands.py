"""`taxonaut labels`: bring labels in and look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

import taxonaut
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.file_options import LabelFileArgument, LabelFileOptions, LanguageOption
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import clipped, counted, is_interactive, out, path_text, print_json, styled
from taxonaut.state import label_mappings, stores
from taxonaut.state.errors import InputError
from taxonaut.state.records import Item, Label
from taxonaut.workspace import files
from taxonaut.workspace import labels as label_work

if TYPE_CHECKING:
    from taxonaut.state.label_mappings import LabelMapping
    from taxonaut.state.stores.definitions import Definition
    from taxonaut.workspace.files.index_formats.label_languages import ShownNames
    from taxonaut.workspace.files.label_files import LabelFile

SHOWN = 5
"""Labels of a file that are shown before it is imported."""

LONGEST_ID = 60
LONGEST_TEXT = 200
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
    path (1 - A > B), or indented lines. A folder is read as one file, of which each file in it is a part; an address
    (https) is downloaded. What it is taken for is shown first, with the columns that are not read: look at it with
    --dry-run; at a terminal you are asked. Columns with other names than usual are named by the options below; an
    empty name means that the column is not read.

    Labels with a hierarchy bring their own tree, which becomes the index. For labels without, run index build
    afterwards. Add more labels later with labels add.
    """
    with progress(session) as bar:
        bar.stage(f"reading {file}")
        labels = layout.read(file, language=session.settings()[0].labels.language)
    if dry_run or not session.quiet:
        show_reading(labels)
    if dry_run:
        say("nothing was imported (--dry-run)")
        return
    if not is_confirmed(labels, session):
        say("nothing was imported")
        return
    with progress(session) as bar, session.open() as workspace:
        bar.stage(f"importing {len(labels.labels):,} labels")
        workspace.import_labels(labels)
        stats = workspace.index.stats()
    if session.quiet:
        return
    if labels.has_tree:
        say(
            f"imported {counted(stats.labels, 'label')} with their tree: {counted(stats.nodes, 'node')}, "
            f"{counted(stats.depth, 'level')}; next: {session.again('classify FILE')}"
        )
    else:
        say(f"imported {stats.labels:,} labels without a tree; next: {session.again('index build')}")


def is_confirmed(labels: LabelFile, session: Session) -> bool:
    """Ask at a terminal whether labels are imported as they were shown; True where nobody can be asked."""
    if session.quiet or session.yes or not is_interactive():
        return True
    count = counted(len(labels.labels), "label")
    return typer.confirm(f"Import {count} like this?", default=True, err=True)


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
    language: LanguageOption = "",
    json: JsonOption = False,
) -> None:
    """List labels, each with its shortest path.

    Labels are listed in the order of their import. With --json, one object a line.
    """
    with session.open_in(language) as workspace:
        ids = workspace.index.label_ids()
        shown = ids[offset : offset + limit if limit else None]
        labels = workspace.index.labels(shown)
        paths = workspace.index.paths_of(shown)
        names = files.index_formats.label_languages.shown_names(workspace)
    print_labels(labels, [paths.get(label.id, []) for label in labels], names, json=json)
    left = len(ids) - offset - len(shown)
    if left > 0 and not (json or session.quiet):
        say(f"… and {left:,} more of {len(ids):,}; show all with --limit 0")


@command("show", example="taxonaut labels show sports-shoes")
def show_label(
    session: Session,
    label: Annotated[str, typer.Argument(metavar="ID", help="Label id.")],
    language: LanguageOption = "",
    json: JsonOption = False,
) -> None:
    """Show a label: names, description and all paths.

    A retired label is shown with what replaces it, and a label with the ids that are mapped to it. A label that came
    from SKOS is shown with its notations and its names and notes in all languages. A description that expert define
    wrote is shown with its sources.
    """
    with session.open_in(language) as workspace:
        languages = files.index_formats.label_languages
        wanted = label_work.label_changes.find_label(workspace.index, label, retired=True)
        found = workspace.index.label(wanted)
        mapping = workspace.index.mapping_of(wanted)
        former = [each for each in workspace.index.mappings() if wanted in each.new]
        paths: Sequence[Sequence[str]] = workspace.index.paths(found.id)
        read = languages.find_readings(workspace).get(found.id)
        names = languages.shown_names(workspace)
        if names is not None:
            paths = [names.path(path, found.id) for path in paths]
            found = names.label(found)
        written = stores.definitions.Definitions(workspace.database).standing([found.id]).get(found.id)
        products = workspace.items.known(written.items) if written is not None else []
    if json:
        row = {
            **label_row(found, paths),
            "description": found.description,
            "batch": found.batch,
            "retired": None if mapping is None else mapping_row(mapping),
            "former_ids": [mapping_row(each) for each in former],
        }
        if read is not None:
            row["texts"] = [{"kind": kind, "language": tag, "text": text} for kind, tag, text in read.texts]
        print_json(row if written is None else {**row, "written": definition_row(written)})
        return
    console = out()
    console.print(styled(found.name, "bold"))
    code = f"   notation {found.notation}" if found.notation else ""
    console.print(styled(f"id {found.id}{code}   batch {found.batch}", "dim"))
    if found.alternatives:
        console.print(styled(f"also called {', '.join(found.alternatives)}"))
    if found.description:
        console.print(styled(found.description))
    for path in paths:
        console.print(path_text(path))
    for each in [mapping] if mapping is not None else former:
        reason = f": {each.reason}" if each.reason else ""
        said = f"{each.old!r} {label_mappings.describe_mapping(each)}"
        console.print(styled(f"{said}{reason}", "yellow" if mapping is not None else "dim"))
    for kind, tag, text in read.texts if read is not None else ():
        console.print(styled(f"  {kind}{f' @{tag}' if tag else ''}  {clipped(text, LONGEST_TEXT)}", "dim"))
    if written is not None:
        print_origin(found.name, written, products)


@command("language", example="taxonaut labels language\ntaxonaut labels language de")
def label_language(
    session: Session,
    language: Annotated[
        str, typer.Argument(metavar="TAG", help="Language to take names and texts in, such as de.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Show the languages of labels that came from SKOS, or take another.

    With TAG labels get their names, alternative names and descriptions in that language, for matching as well as for
    showing; their vectors are computed anew. It is one change, which index undo reverts. To show names in another
    language only, set [labels] language in taxonaut.toml, or give a command --language.
    """
    with progress(session, json=json) as bar, session.open() as workspace:
        languages = files.index_formats.label_languages
        changed = None
        if language:
            bar.stage(f"reading names in {language}")
            changed = languages.switch_language(workspace, language)
            workspace.embed_labels()
        found = languages.find_languages(workspace)
    if json:
        print_json({"language": found.language, "names": dict(found.names), "changed": changed})
        return
    if changed is not None and not session.quiet:
        say(f"{counted(changed, 'label')} renamed; take it back with: {session.again('index undo')}")
    for tag, count in found.names.items():
        now = "   (used)" if tag == found.language else ""
        out().print(styled(f"{tag or 'no language'}  {count:,}{now}"))


def mapping_row(mapping: LabelMapping) -> dict[str, Any]:
    """Return a mapping as JSON has it."""
    return {
        "id": mapping.old,
        "new_ids": list(mapping.new),
        "kind": mapping.kind,
        "date": mapping.at,
        "reason": mapping.reason,
    }


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
    language: LanguageOption = "",
    json: JsonOption = False,
) -> None:
    """Search labels by words, best match first.

    Names, alternative names, ids and descriptions are searched. With --json, one object a line.
    """
    if not query.strip():
        raise InputError(f"the query {query!r} is empty; give one or more words of a label")
    with session.open_in(language) as workspace:
        hits = taxonaut.tools.search_labels(workspace.index, query, limit)
        labels = workspace.index.labels([hit.label_id for hit in hits])
        names = files.index_formats.label_languages.shown_names(workspace)
    print_labels(labels, [hit.paths for hit in hits], names, json=json)
    if not hits and not session.quiet:
        say(f"no label has a word of {query!r}; see some with: taxonaut labels list")


def label_row(label: Label, paths: Sequence[Sequence[str]]) -> dict[str, object]:
    """Return a label as JSON has it."""
    return {
        "id": label.id,
        "name": label.name,
        "notation": label.notation,
        "alternatives": list(label.alternatives),
        "paths": [list(path) for path in paths],
    }


def print_labels(
    labels: Sequence[Label],
    paths: Sequence[Sequence[Sequence[str]]],
    names: ShownNames | None = None,
    *,
    json: bool,
) -> None:
    """Print labels, one a line, with the first path to each; `names` are those in another language."""
    if names is not None:
        paths = [
            [names.path(path, label.id) for path in ways] for label, ways in zip(labels, paths, strict=True)
        ]
        labels = [names.label(label) for label in labels]
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
        if label.notation:
            shown = styled(f"{label.notation}  ", "dim") + shown
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
