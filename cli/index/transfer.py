"""`taxonaut index export|import`: the tree as a file for people and for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from taxonaut.cli.index.changes import change_and_print
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.workspace import files

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="Format of the file: jsonl, csv, xlsx or skos. Default: by its suffix.",
        show_default=False,
    ),
]


@command(
    "export",
    example="taxonaut index export tree.jsonl\ntaxonaut index export tree.csv --for-spreadsheet\n"
    "taxonaut index export tree.xlsx\n"
    "taxonaut index export tree.ttl --language en",
)
def export(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="File to write (.jsonl, .csv, .xlsx, .ttl, each also as .gz), or - for standard output.",
        ),
    ],
    format: FormatOption = None,
    for_spreadsheet: Annotated[
        bool,
        typer.Option("--for-spreadsheet", help="CSV: put ' before cells that start with =, +, - or @."),
    ] = False,
    language: Annotated[
        str,
        typer.Option(metavar="TAG", help="SKOS: language of all texts, such as en.", show_default=False),
    ] = "",
    base: Annotated[
        str | None,
        typer.Option(metavar="URI", help="SKOS: base URI of the concepts.", show_default=False),
    ] = None,
) -> None:
    """Export the labels and their tree to a file.

    JSON Lines keeps everything: index import restores the same index from it. CSV and Excel have a row for each path
    to a label, and rows for retired labels and former ids; labels import reads them. SKOS (Turtle) is for other
    programs.
    """
    with session.open() as workspace:
        stats = workspace.index.stats()
        report = files.index_formats.index_transfer.export_index(
            workspace, file, format, guarded=for_spreadsheet, language=language, base=base
        )
    if session.quiet:
        return
    where = "standard output" if file == "-" else file
    say(f"wrote {stats.labels:,} labels and {stats.nodes:,} nodes to {where}")
    for note in report.notes:
        say(note)
    if report.formulas and not for_spreadsheet:
        say(
            f"{report.formulas:,} cells start with =, +, - or @, which a spreadsheet may run as formulas; "
            "for a spreadsheet, export with --for-spreadsheet"
        )


@command("import", example="taxonaut index import tree.jsonl --dry-run\ntaxonaut index import esco.ttl")
def import_(
    session: Session,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="File of index export, CSV or Excel with paths, or SKOS; or - for standard input.",
        ),
    ],
    format: FormatOption = None,
    allow_unplaced: Annotated[
        bool, typer.Option("--allow-unplaced", help="Leave labels that the file does not have in no node.")
    ] = False,
    language: Annotated[
        str, typer.Option(metavar="TAG", help="SKOS: language of the names.", show_default=False)
    ] = "",
    leaves_only: Annotated[
        bool,
        typer.Option("--leaves-only", help="SKOS: make concepts with narrower concepts nodes, not labels."),
    ] = False,
    collections: Annotated[
        bool, typer.Option("--collections", help="SKOS: make a branch of every collection.")
    ] = False,
    encoding: Annotated[str, typer.Option(metavar="NAME", help="Encoding of a CSV file.")] = "utf-8",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Replace the tree with one from a file.

    Labels that are new are added; those that the index has already keep their names. The import is one change,
    which index undo reverts.
    """
    with session.open() as workspace:
        read = files.index_formats.index_transfer.read_index(
            file,
            format,
            encoding=encoding,
            language=language or workspace.config.labels.language,
            leaves_only=leaves_only,
            collections=collections,
            known=workspace.index.has_label,
        )
        if not session.quiet:
            for note in (
                *read.notes,
                *files.index_formats.label_history.describe_history(workspace.index, read.history),
            ):
                say(note)
            if renamed := files.index_formats.index_transfer.count_renamed(workspace, read):
                say(f"{renamed:,} labels have other names in {read.name}; those of the index stay")
        change_and_print(
            session,
            workspace,
            lambda: files.index_formats.index_transfer.import_index(
                workspace, read, allow_unplaced=allow_unplaced
            ),
            f"import {read.name}",
            dry_run=dry_run,
            json=json,
        )
