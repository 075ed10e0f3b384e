"""`taxonaut recommend slots`: how semantic ids use their slots."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import taxonaut
from taxonaut import recommend
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.cli.vocabulary.export import FurtherOption, ResolverOption, UncoveredOption, find_nearest
from taxonaut.state.errors import InputError
from taxonaut.workspace import files
from taxonaut.workspace import vocabulary as vocabularies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taxonaut.workspace.vocabulary.semantic_ids import SemanticIds


FURTHER = 2


@command(
    "slots",
    example="taxonaut recommend slots\ntaxonaut recommend slots rqvae_index.json\n"
    "taxonaut recommend slots --uncovered pad -o slots.csv",
)
def slots(
    session: Session,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Semantic ids of any kind: JSON, {item: [token, …]}. Default: those of the workspace's vocabulary.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the table to FILE: .csv or .json.",
            show_default=False,
        ),
    ] = None,
    further: FurtherOption = FURTHER,
    resolver: ResolverOption = True,
    uncovered: UncoveredOption = "nearest",
    json: JsonOption = False,
) -> None:
    """Show collisions, balance and entropy of semantic ids, a row a slot.

    size: tokens the slot can have; used: has; pads, near: items with a pad, or a descriptor that is only near.
    entropy is in bits, given before that of a token when those before are known; balance is 1 where all used tokens
    are equally frequent; largest: share of the most frequent one. prefixes: different ids up to the slot;
    collisions: items that have the prefix of an earlier item; largest group: most items with one prefix.
    """
    suffix = Path(output).suffix.lower() if output else ""
    if output and suffix not in (".csv", ".json"):
        raise InputError(f"invalid suffix of {output!r}; use .csv or .json")
    if output:
        files.output_files.check_output(Path(output), [file] if file else [])
    ids: SemanticIds | Mapping[str, Sequence[str]]
    if file is not None:
        if (further, resolver, uncovered) != (FURTHER, True, "nearest"):
            raise InputError(
                "--further, --resolver and --uncovered are for the workspace's vocabulary; leave them out, or FILE"
            )
        ids = recommend.item_codes.read_code_rows(Path(file))
        count = len(ids)
    else:
        with session.open() as workspace:
            vocabulary = taxonaut.read_vocabulary(workspace)
            vocabularies.export.check_tagged(vocabulary)
            nearest = find_nearest(workspace, vocabulary, uncovered)
            ids = recommend.semantic_ids(vocabulary, further, resolver=resolver, nearest=nearest)
            count = len(ids.ids)
    rows = recommend.slot_table(ids)
    if output:
        text = recommend.slot_rows_csv(rows)
        with files.output_files.write_atomically(Path(output)) as raw:
            raw.write(text.encode() if suffix == ".csv" else recommend.slot_statistics.slot_rows_json(rows))
        if not session.quiet:
            say(f"wrote {counted(len(rows), 'slot')} of {counted(count, 'item')} to {output}")
    if json:
        print_json([asdict(row) for row in rows])
    elif not output:
        for line in recommend.slot_rows_text(rows):
            typer.echo(line)
