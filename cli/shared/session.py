"""What a command gets first: its workspace and the global options; and how a command is declared."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from taxonaut.cli.shared.global_options import DebugOption, GlobalOptions, QuietOption, WorkspaceOption
from taxonaut.state.errors import WorkspaceError
from taxonaut.workspace.core.config import FILE_NAME, Config, load_config
from taxonaut.workspace.workspace import Workspace

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("workspace", None, WorkspaceOption),
        ("quiet", False, QuietOption),
        ("debug", False, DebugOption),
    )
]
_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


class Session(GlobalOptions):
    """One call of a command, and the workspace it works on."""

    __slots__ = ()

    @property
    def has_workspace(self) -> bool:
        """Whether the folder is a workspace. Raises WorkspaceError if a named one is not."""
        there = (self.folder / FILE_NAME).is_file()
        if self.is_named and not there:
            raise WorkspaceError(
                f"{str(self.folder)!r} is no workspace; make one with: taxonaut init {self.folder}"
            )
        return there

    def open(self, **settings: Any) -> Workspace:
        """Open the workspace; use it in a `with` block. `settings` replace those of its taxonaut.toml."""
        return Workspace.open(self.folder, **settings)

    def config(self) -> Config:
        """Read the settings without opening the index; those of a new workspace where there is none."""
        self.has_workspace  # noqa: B018
        return load_config(self.folder)


def command(name: str, *, example: str) -> Callable[[Callable[..., None]], TyperCommand]:
    """Make a command of a function that takes the session first; add the global options and the example.

    The function's docstring is the help. `example` may have several lines.
    """

    def declare(function: Callable[..., None]) -> TyperCommand:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]

        @wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            function(joined(context, given), **given)

        del run.__wrapped__
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature([_CONTEXT, *named, *_SHARED])  # type: ignore[attr-defined]
        shown = "\n".join("  " + line.replace("[", r"\[") for line in example.splitlines())
        app = typer.Typer(add_completion=False)
        app.command(name, help=flowing(function.__doc__ or ""), epilog=f"Example:\n{shown}")(run)
        made: TyperCommand = get_command(app)  # type: ignore[assignment]
        return made

    return declare


def flowing(text: str) -> str:
    """Return a docstring whose paragraphs are one line each, for the terminal to break."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def joined(context: typer.Context, given: dict[str, Any]) -> Session:
    """Take the global options out of a command's own and join them with those before its name."""
    options: GlobalOptions = context.ensure_object(GlobalOptions)
    options.chosen = given.pop("workspace") or options.chosen
    options.quiet = given.pop("quiet") or options.quiet
    options.debug = given.pop("debug") or options.debug
    return Session(options.chosen, options.quiet, options.debug)
