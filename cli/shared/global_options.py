"""The options that every command has: the workspace, how much is printed, tracebacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from taxonaut.models.embedder import Embedder
    from taxonaut.models.expert.classifier import Classifier
    from taxonaut.models.weights import ModelCatalog
    from taxonaut.workspace.core.injected import RoleModel

WORKSPACE_VARIABLE = "TAXONAUT_WORKSPACE"
PULL_VARIABLE = "TAXONAUT_PULL"
GLOBAL_PANEL = "Global options"
ADVANCED_PANEL = "Advanced options"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help=f"Workspace directory. [env: {WORKSPACE_VARIABLE}] [default: the nearest one at or above the current "
        "directory]",
        rich_help_panel=GLOBAL_PANEL,
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print no progress and no summary.", rich_help_panel=GLOBAL_PANEL),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Print a traceback with errors.", rich_help_panel=GLOBAL_PANEL)
]
YesOption = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        help=f"Ask nothing: make changes as shown, download missing weights. [env, for weights: {PULL_VARIABLE}=1]",
        rich_help_panel=GLOBAL_PANEL,
    ),
]


@dataclass(slots=True)
class GlobalOptions:
    """The options that every command has, given before its name or after it.

    A program that calls the command line can pass one as Click's `obj`, with the objects that `Workspace.open` takes:
    every workspace is then opened with them. `catalog` has the models that `taxonaut models` downloads.
    """

    chosen: Path | None = None
    quiet: bool = False
    debug: bool = False
    yes: bool = False
    models: "Mapping[str, RoleModel] | None" = None
    embedder: "Embedder | None" = None
    classifier: "Classifier | None" = None
    catalog: "ModelCatalog | None" = None
