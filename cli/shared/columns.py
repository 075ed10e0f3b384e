"""The options that say how a person's file is laid out, shared by the commands that read one."""

from typing import Annotated, Any

import typer

from taxonaut.workspace.files.label_files import LabelColumns

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


LabelFileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="CSV, TSV, JSONL, JSON, Parquet, a label a line, or -.")
]
NameColumn = Annotated[str, column("--name-column", "the label's name")]
IdColumn = Annotated[str, column("--id-column", "its id; without one its path or name is the id")]
PathColumn = Annotated[str, column("--path-column", "the path to it, from the top")]
ParentsColumn = Annotated[str, column("--parents-column", "the ids of its parents")]
DescriptionColumn = Annotated[str, column("--description-column", "a description")]
KindColumn = Annotated[str, column("--kind-column", "the kind of row, see --node-kinds")]
PathSeparator = Annotated[
    str, typer.Option(metavar="SIGN", help="What divides the steps of a path.", rich_help_panel=FILE_PANEL)
]
ParentSeparator = Annotated[
    str, typer.Option(metavar="SIGN", help="What divides several parents.", rich_help_panel=FILE_PANEL)
]
PathToParent = Annotated[
    bool,
    typer.Option(
        "--path-to-parent", help="Paths stop at the parent of the label.", rich_help_panel=FILE_PANEL
    ),
]
NodeKinds = Annotated[
    str,
    typer.Option(
        metavar="KINDS",
        help="Rows of these kinds are nodes of the tree and no labels to predict.",
        rich_help_panel=FILE_PANEL,
    ),
]


def label_columns(
    *,
    name: str,
    id: str,
    path: str,
    parents: str,
    description: str,
    kind: str,
    path_separator: str,
    parent_separator: str,
    path_to_parent: bool,
    node_kinds: str,
) -> LabelColumns:
    """Put a label file's options together."""
    return LabelColumns(
        id=id,
        name=name,
        path=path,
        parents=parents,
        description=description,
        kind=kind,
        path_separator=path_separator,
        parent_separator=parent_separator,
        path_to_parent=path_to_parent,
        node_kinds=tuple(each.strip() for each in node_kinds.split(",")),
    )
