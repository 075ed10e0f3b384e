"""`taxonaut prompts eject`: a copy of a template, or of single blocks of it, to change."""

from typing import Annotated

import typer

from taxonaut.cli.prompts.show import NameArgument, library
from taxonaut.cli.shared.session import Session, command

app = typer.Typer()

BlockOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block",
        metavar="BLOCK",
        help="Copy only this block: system, context or item; may be given several times.",
        show_default=False,
    ),
]

EXAMPLES = """\
taxonaut prompts eject navigator/expand -w my-workspace
taxonaut prompts eject navigator/expand --block system"""


@command(app, "eject", example=EXAMPLES)
def eject(session: Session, name: NameArgument, block: BlockOption = None) -> None:
    """Copy a packaged template into the workspace, where the copy counts at once and can be changed.

    With --block the copy holds only these blocks; all others stay the packaged ones, also in later versions. Again
    with another block adds that one.
    """
    from taxonaut.cli.shared.exit_codes import say
    from taxonaut.state.errors import WorkspaceError

    if not session.has_workspace:
        raise WorkspaceError(
            f"{str(session.folder)!r} is no workspace, and templates are copied into one; name it with -w DIR"
        )
    path = library(session).eject(name, tuple(block or ()))
    typer.echo(str(path))
    if not session.quiet:
        say("edit it; delete it to return to the packaged one")
        say(f"then: {session.again(f'prompts check {name}')}")
        say(f"      {session.again(f'prompts try {name} --on ITEMS')}")
