"""`taxonaut prompts diff`: diff the workspace's templates against the packaged ones."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from taxonaut.cli.prompts.show import library
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import JsonOption, Session, command
from taxonaut.cli.shared.terminal import out, print_json, styled
from taxonaut.prompts.eject import effective_blocks
from taxonaut.prompts.library import PromptLibrary

DIFFERENT = 1

OptionalName = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="A template, such as navigator/expand. Default: all edited ones.",
        show_default=False,
    ),
]
ExitCodeOption = Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if there are differences.")]


@dataclass(frozen=True, slots=True)
class BlockDiff:
    """The unified diff of one block."""

    template: str
    block: str
    lines: tuple[str, ...]


@command("diff", example="taxonaut prompts diff navigator/expand\ntaxonaut prompts diff --exit-code")
def diff(
    session: Session, name: OptionalName = None, exit_code: ExitCodeOption = False, json: JsonOption = False
) -> None:
    """Diff the workspace's templates against the packaged ones, block by block."""

    prompts = library(session)
    names = [name] if name is not None else prompts.names()
    for each in names:
        prompts.check_name(each)
    edited = [each for each in names if prompts.where(each) == "workspace"]
    found = [block for each in edited for block in block_diffs(prompts, each)]
    if json:
        print_json([{"template": d.template, "block": d.block, "diff": "\n".join(d.lines)} for d in found])
    else:
        for block in found:
            print_diff(block)
        if not found and not session.quiet:
            say(explain_no_difference(session, name, edited))
    if exit_code and found:
        raise typer.Exit(DIFFERENT)


def explain_no_difference(session: Session, name: str | None, edited: list[str]) -> str:
    """Say why there is no difference to show."""
    if edited:
        return "the edited templates have the same text as the packaged ones"
    what = "no template is edited" if name is None else f"{name} is the packaged one"
    command = f"prompts eject {name or 'NAME'}"
    return f"{what}; take a copy: {session.again(command)}"


def block_diffs(prompts: PromptLibrary, name: str) -> Iterator[BlockDiff]:
    """Give each block that differs from the packaged one."""

    own, packaged = (
        {block: each.text for block, each in effective_blocks(library, name).items()}
        for library in (prompts, PromptLibrary())
    )
    for block in dict.fromkeys((*packaged, *own)):
        lines = difflib.unified_diff(
            packaged.get(block, "").splitlines(),
            own.get(block, "").splitlines(),
            f"packaged/{name} {block}",
            f"prompts/{name} {block}",
            lineterm="",
        )
        if shown := tuple(lines):
            yield BlockDiff(name, block, shown)


def print_diff(diff: BlockDiff) -> None:
    """Print the diff of one block in colour."""

    console = out()
    for line in diff.lines:
        console.print(styled(line, line_style(line)), soft_wrap=True)


def line_style(line: str) -> str:
    """Return the colour of a line."""
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
