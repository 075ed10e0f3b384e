"""`taxonaut labels map|mapping`: files with former ids of labels, and where the ids went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.state.errors import InputError
from taxonaut.workspace import labels as label_work

if TYPE_CHECKING:
    from taxonaut.workspace.labels.mapping_files import MappedColumn

SHOWN = 5


@command(
    "map",
    example="taxonaut labels map items.csv --column labels -o items_now.csv\n"
    "taxonaut labels map gold.jsonl --column gold -o -",
)
def map_file(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Table with label ids in a column.")],
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="Column with the ids.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File to write. Default: FILE with -mapped."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over FILE itself.")] = False,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Encoding of FILE.")] = "utf-8",
    json: JsonOption = False,
) -> None:
    """Rewrite the label ids in a column of a file to those of today.

    Ids of merged, replaced and renamed labels become those of their successors. A cell may hold several ids, divided
    by ; | or , or as a list. Ids of labels that were split, or have no successor, stay and are listed. Everything
    else in the file stays as it is.
    """
    if overwrite and output is not None:
        raise InputError("--overwrite writes over FILE itself; leave out -o, or --overwrite")
    path = Path(file)
    target = path if overwrite else output or path.with_name(f"{path.stem}-mapped{path.suffix}")
    with session.open() as workspace:
        found = label_work.mapping_files.map_column(
            workspace.index, file, column, target, encoding=encoding, overwrite=overwrite
        )
        if json:
            print_json(mapped_row(found))
            return
        if session.quiet:
            return
        for line in describe(found):
            say(line)
        say(f"wrote {counted(found.rows, 'row')} to {target}")


def describe(found: MappedColumn) -> list[str]:
    """Say what was rewritten, and what could not be."""
    lines = []
    count = sum(found.rewritten.values())
    pairs = ", ".join(
        f"{old!r} to {new!r} ({times:,})" for (old, new), times in found.rewritten.most_common(SHOWN)
    )
    more = len(found.rewritten) - SHOWN
    lines.append(
        f"{counted(count, 'id')} rewritten"
        + (f": {pairs}" if pairs else "")
        + (f" and {more:,} more" if more > 0 else "")
    )
    kinds: tuple[tuple[str, Mapping[Any, int]], ...] = (
        ("of labels that were split, so that any of the new ones may be right; they stay", found.ambiguous),
        ("of retired labels without a successor; they stay", found.gone),
        ("that no label has or had; they stay", found.unknown),
    )
    for what, ids in kinds:
        if ids:
            lines.append(f"{counted(sum(ids.values()), 'id')} {what}: {listed(ids)}")
    return lines


def listed(ids: Mapping[Any, int]) -> str:
    """Return ids with how often they were met."""
    shown = ", ".join(f"{id_!r} ({count:,})" for id_, count in Counter(ids).most_common(SHOWN))
    return shown + (f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else "")


def mapped_row(found: MappedColumn) -> dict[str, object]:
    """Return what was rewritten as JSON has it."""
    return {
        "rows": found.rows,
        "rewritten": [
            {"from": old, "to": new, "count": count} for (old, new), count in found.rewritten.items()
        ],
        "ambiguous": dict(found.ambiguous),
        "gone": dict(found.gone),
        "unknown": dict(found.unknown),
    }


@command("mapping", example="taxonaut labels mapping\ntaxonaut labels mapping -o map.xlsx")
def mapping(
    session: Session,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Table (.csv, .tsv, .xlsx, .json, .jsonl, .parquet, .arrow) or SKOS (.ttl).",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List or export where the ids of retired, merged, split and renamed labels went.

    Each has its date and reason. With -o map.ttl they are SKOS: skos:exactMatch for another id,
    dct:isReplacedBy for other labels. With --json, one object a line.
    """
    with session.open() as workspace:
        if output is not None:
            count = label_work.mapping_files.write_mappings(workspace.index, output)
            if not session.quiet:
                say(f"wrote {counted(count, 'mapping')} to {output}")
            return
        rows = label_work.mapping_files.mapping_rows(workspace.index)
    if json:
        for row in rows:
            print_json(row, indent=None)
        return
    if not rows:
        say("no label id was mapped yet")
        return
    table = Table.grid(padding=(0, 2))
    for style in ("", "dim", "", "dim", "dim"):
        table.add_column(style=style, overflow="fold")
    for row in rows:
        to = str(row["new_id"]) or "nothing"
        cells = (str(row["id"]), str(row["kind"]), to, str(row["date"])[:10], str(row["reason"]))
        table.add_row(*map(styled, cells))
    out().print(table)
