"""The options that every command has: the workspace, how much is printed, tracebacks."""

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

WORKSPACE_VARIABLE = "TAXONAUT_WORKSPACE"
GLOBAL_PANEL = "Global options"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help=f"The workspace's folder; else that in ${WORKSPACE_VARIABLE}, else the current one.",
        rich_help_panel=GLOBAL_PANEL,
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=GLOBAL_PANEL)
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show a traceback with an error.", rich_help_panel=GLOBAL_PANEL)
]


@dataclass(slots=True)
class GlobalOptions:
    """The options that every command has, given before its name or after it."""

    chosen: Path | None = None
    quiet: bool = False
    debug: bool = False

    @property
    def folder(self) -> Path:
        """The workspace's folder: the option, else the environment, else the current folder."""
        return self.chosen or Path(os.environ.get(WORKSPACE_VARIABLE) or ".")

    @property
    def is_named(self) -> bool:
        """Whether the person named a workspace, so that it is an error if there is none."""
        return self.chosen is not None or bool(os.environ.get(WORKSPACE_VARIABLE))

    def again(self, arguments: str) -> str:
        """Write a command for this same workspace, to be read in a message."""
        where = (
            "" if self.chosen is None or self.chosen == Path(".") else f" -w {shlex.quote(str(self.chosen))}"
        )
        return f"taxonaut {arguments}{where}"
