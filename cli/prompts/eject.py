"""`taxonaut prompts eject`: copy a packaged template, or some of its blocks, into the workspace."""

from typing import Annotated

import typer

from taxonaut.cli.prompts.show import NameArgument, library
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session, command
from taxonaut.prompts.eject import eject as eject_template
from taxonaut.state.errors import WorkspaceError

BlockOption = Annotated[
    list[str] | None,
    typer.Option(
        "--block",
        metavar="BLOCK",
        help="Copy only this block: system, context or item. Repeatable.",
        show_default=False,
    ),
]

EXAMPLES = """\
taxonaut prompts eject navigator/expand -w my-workspace
taxonaut prompts eject navigator/expand --block system"""


@command("eject", example=EXAMPLES)
def eject(session: Session, name: NameArgument, block: BlockOption = None) -> None:
    """Copy a packaged template into the workspace's prompts folder, to be edited there.

    The copy replaces the packaged template at once. With --block it overrides only these blocks; run again with
    another block to add that one.
    """

    if not session.has_workspace:
        raise WorkspaceError(
            f"{str(session.folder)!r} is no workspace, and templates are copied into one; name one with -w DIR"
        )
    path = eject_template(library(session), name, block or ())
    typer.echo(str(path))
    if not session.quiet:
        say("edit it; delete it to return to the packaged one")
        say(f"then: {session.again(f'prompts check {name}')}")
        say(f"      {session.again(f'prompts try {name} --on ITEMS')}")
