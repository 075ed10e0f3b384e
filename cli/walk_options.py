"""Options that say how a walk goes; every one replaces a setting of `[walk]` in taxonaut.toml."""

from typing import Annotated, Literal

import typer

WALK_PANEL = "The walk"

ShortlistOption = Annotated[
    Literal["tree", "dense", "both"] | None,
    typer.Option(
        help="Where labels to rank come from: the walk, dense retrieval, or both.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
TerminalsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Terminal nodes that the walk of a text may reach. Else 20.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
OrderOption = Annotated[
    Literal["breadth", "depth"] | None,
    typer.Option(
        help="A level at a time, or the best branch first, on a stack. Else breadth.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
StartOption = Annotated[
    Literal["root", "anchored"] | None,
    typer.Option(
        help="At the root, or around the labels that dense retrieval finds. Else root.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
AnchorsOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Labels an anchored walk starts from. Else 20.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
BeamOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Most branches kept of a level; 0: as many as fit. Else 0.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        metavar="SCORE",
        help="Branches that score lower stay closed. Else none.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
AncestorsOption = Annotated[
    bool | None,
    typer.Option(
        "--ancestors/--no-ancestors",
        help="Compare branches by their paths, or by their names. Else paths in your own tree.",
        show_default=False,
        rich_help_panel=WALK_PANEL,
    ),
]
