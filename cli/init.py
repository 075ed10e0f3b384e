"""`taxonaut init`: make a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import taxonaut
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session, command


@command("init", example="taxonaut init my-workspace")
def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty directory.")],
) -> None:
    """Create a workspace: a directory with an index, settings and prompt templates."""
    taxonaut.Workspace.init(folder).close()
    if not session.quiet:
        session.chosen = folder
        say(f"made a workspace in {folder}; next: {session.again('labels import FILE')}")
