"""The options that say how a person's file is laid out, shared by the commands that read one."""

from typing import Annotated, Any

import typer

FILE_PANEL = "The file"


def column(option: str, what: str) -> Any:
    """Make the option that names one column."""
    return typer.Option(option, metavar="NAME", help=f"Column with {what}.", rich_help_panel=FILE_PANEL)


FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="csv, tsv, jsonl, json, lines or parquet, where the suffix does not tell.",
        rich_help_panel=FILE_PANEL,
        show_default=False,
    ),
]
EncodingOption = Annotated[
    str,
    typer.Option("--encoding", metavar="NAME", help="Such as latin-1.", rich_help_panel=FILE_PANEL),
]
