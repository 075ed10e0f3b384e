"""`taxonaut prompts list|show`: list the templates, and print one."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, printable, styled
from taxonaut.prompts.library import PromptLibrary
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.workspace_folder import PROMPTS_FOLDER

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A template, such as navigator/expand.")]


@command("list", example="taxonaut prompts list")
def list_prompts(session: Session, json: JsonOption = False) -> None:
    """List the templates: packaged or edited, hash, variables."""

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


@command("show", example="taxonaut prompts show navigator/expand")
def show(session: Session, name: NameArgument, json: JsonOption = False) -> None:
    """Print the effective template: the workspace's copy if there is one, else the packaged one."""

    prompts = library(session)
    text = prompts.text(name)
    if json:
        print_json({**prompt_row(prompts, name), "text": text})
    else:
        sys.stdout.write(printable(text, keep_lines=True))


def library(session: Session) -> PromptLibrary:
    """Return the workspace's templates, or the packaged ones where there is no workspace."""

    folder: Path | None = session.folder / PROMPTS_FOLDER if session.has_workspace else None
    return PromptLibrary(folder)


def prompt_row(prompts: PromptLibrary, name: str) -> dict[str, Any]:
    """Return a template for the table and for --json."""

    prompts.get(name)
    return {
        "name": name,
        "copy": prompts.where(name),
        "path": str(prompts.path(name)),
        "hash": prompts.hash(name),
        "variables": list(VARIABLES[name].__annotations__),
    }
