"""`taxonaut prompts`: what agents are told, and a copy of it to change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taxonaut.cli.session import JsonOption, Session, command

if TYPE_CHECKING:
    from taxonaut.prompts.library import PromptLibrary

app = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="See what agents are told, and take a copy to change it.")
app.add_typer(group, name="prompts")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A template, such as navigator/expand.")]


@command(group, "list", example="taxonaut prompts list")
def list_prompts(session: Session, json: JsonOption = False) -> None:
    """List the templates, whose copy of each counts, and their variables."""
    from rich.table import Table

    from taxonaut.cli.terminal import out, print_json, styled

    prompts = library(session)
    rows = [prompt_row(prompts, name) for name in prompts.names()]
    if json:
        print_json(rows)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in ("template", "copy", "hash", "variables"):
        table.add_column(header)
    for row in rows:
        table.add_row(
            styled(row["name"]), styled(row["copy"]), styled(row["hash"]), styled(", ".join(row["variables"]))
        )
    out().print(table)


@command(group, "show", example="taxonaut prompts show navigator/expand")
def show(session: Session, name: NameArgument, json: JsonOption = False) -> None:
    """Print the copy of a template that counts."""
    import sys

    from taxonaut.cli.terminal import print_json, printable

    prompts = library(session)
    text = prompts.text(name)
    if json:
        print_json({**prompt_row(prompts, name), "text": text})
    else:
        sys.stdout.write(printable(text, keep_lines=True))


@command(group, "eject", example="taxonaut prompts eject navigator/expand -w my-workspace")
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


def library(session: Session) -> "PromptLibrary":
    """Return the workspace's templates, or the packaged ones where no workspace is."""
    from taxonaut.prompts.library import PromptLibrary

    folder: Path | None = session.folder / "prompts" if session.has_workspace else None
    return PromptLibrary(folder)


def prompt_row(prompts: "PromptLibrary", name: str) -> dict[str, Any]:
    """Return a template as JSON has it."""
    from taxonaut.prompts.variables import VARIABLES

    prompts.get(name)
    return {
        "name": name,
        "copy": prompts.where(name),
        "path": str(prompts.path(name)),
        "hash": prompts.hash(name),
        "variables": list(VARIABLES[name].__annotations__),
    }
