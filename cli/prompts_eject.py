"""`taxonaut prompts eject`: a copy of a template to change."""

import typer

from taxonaut.cli.prompts_show import NameArgument, library
from taxonaut.cli.session import Session, command

app = typer.Typer()


@command(app, "eject", example="taxonaut prompts eject navigator/expand -w my-workspace")
def eject(session: Session, name: NameArgument) -> None:
    """Copy a packaged template into the workspace, where the copy counts and can be changed."""
    from taxonaut.cli.reporting import say
    from taxonaut.state.errors import WorkspaceError

    if not session.has_workspace:
        raise WorkspaceError(
            f"{str(session.folder)!r} is no workspace, and templates are copied into one; name it with -w DIR"
        )
    path = library(session).eject(name)
    typer.echo(str(path))
    if not session.quiet:
        say("edit it; delete it to return to the packaged one")
