"""`taxonaut recommend export`: a folder of files for recommenders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

import taxonaut
from taxonaut import recommend
from taxonaut.cli.recommend.history_options import HistoryOptions
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import counted, print_json
from taxonaut.cli.vocabulary.export import (
    FurtherOption,
    ResolverOption,
    UncoveredOption,
    find_nearest,
    id_counts,
    id_lines,
)
from taxonaut.workspace import vocabulary as vocabularies

if TYPE_CHECKING:
    from taxonaut.recommend.histories import Histories


@command(
    "export",
    example="taxonaut recommend export dataset/office --histories events.csv\n"
    "taxonaut recommend export dataset/office --histories office.inter --unknown-items keep\n"
    "taxonaut recommend export ids --only ids,tree,vectors",
)
def export(
    session: Session,
    folder: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER", help="Folder to write, made if it is not there; files get its name."
        ),
    ],
    histories: Annotated[
        str | None,
        typer.Option(
            "--histories",
            metavar="FILE",
            help="Users' events, or a history a line (.csv, .tsv, .jsonl, .parquet, .xlsx, .inter).",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str,
        typer.Option(
            "--only",
            metavar="PARTS",
            help="Write these alone: item, inter, sequences, ids, tree, vectors, slots; several divided by commas.",
        ),
    ] = "",
    further: FurtherOption = 2,
    resolver: ResolverOption = True,
    uncovered: UncoveredOption = "nearest",
    *,
    layout: HistoryOptions,
    json: JsonOption = False,
) -> None:
    """Write a data set for recommenders: items, events, semantic ids, vectors.

    FOLDER/NAME.item and NAME.inter are RecBole's atomic files, NAME being the folder's name; .sequences.jsonl has a
    history a user; .ids.json the semantic ids as TIGER-style code reads them, next to it what tokens mean; .tree.json
    a prefix tree for constrained decoding; .vectors.npy the items' vectors, with their ids next to it; .slots.csv
    how the ids use their slots. Only items that were assigned are in it; texts tried on the command line are not.
    """
    parts = [part.strip() for part in only.split(",") if part.strip()]
    recommend.dataset.choose_parts(parts, with_histories=histories is not None)
    with session.open() as workspace, progress(session, json=json):
        vocabulary = taxonaut.read_vocabulary(workspace)
        vocabularies.export.check_tagged(vocabulary)
        read = None
        if histories is not None:
            read = layout.read(histories, {tagging.item_id for tagging in vocabulary.taggings})
        made = recommend.export_dataset(
            workspace,
            vocabulary,
            folder,
            histories=read,
            further=further,
            resolver=resolver,
            nearest=find_nearest(workspace, vocabulary, uncovered),
            only=parts,  # type: ignore[arg-type]  # checked above
        )
    notes = [*(read.notes() if read else ()), *made.notes]
    if json:
        print_json(
            {
                "files": [str(file) for file in made.files],
                **id_counts(made.ids),
                "histories": history_counts(read) if read else None,
                "notes": notes,
            }
        )
    elif not session.quiet:
        for file in made.files:
            say(f"wrote {file}")
        if read:
            say(f"{counted(read.events, 'event')} of {counted(len(read.users), 'user')}")
        for line in (*id_lines(made.ids), *(f"note: {note}" for note in notes)):
            say(line)


def history_counts(histories: Histories) -> dict[str, Any]:
    """Return what was read, as JSON has it; all unknown items are listed with their events."""
    return {
        "rows": histories.rows,
        "events": histories.events,
        "users": len(histories.users),
        "timed": histories.timed,
        "duplicates": histories.duplicates,
        "unknown_items": dict(histories.unknown),
        "unknown_dropped": histories.dropped,
    }
