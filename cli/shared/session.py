"""What every command shares: the workspace it works on, how loud it is, and an example in its help."""

import inspect
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from taxonaut.workspace.core.config import Config
    from taxonaut.workspace.workspace import Workspace

WORKSPACE_VARIABLE = "TAXONAUT_WORKSPACE"
SHARED_PANEL = "Everywhere"

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help=f"The workspace's folder; else that in ${WORKSPACE_VARIABLE}, else the current one.",
        rich_help_panel=SHARED_PANEL,
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=SHARED_PANEL)
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show a traceback with an error.", rich_help_panel=SHARED_PANEL)
]
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

F = TypeVar("F", bound=Callable[..., None])


@dataclass(slots=True)
class Session:
    """One call of the command line."""

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

    @property
    def has_workspace(self) -> bool:
        """Whether the folder is a workspace. Raises WorkspaceError if a named one is not."""
        from taxonaut.state.errors import WorkspaceError
        from taxonaut.workspace.core.config import FILE_NAME

        there = (self.folder / FILE_NAME).is_file()
        if self.is_named and not there:
            raise WorkspaceError(
                f"{str(self.folder)!r} is no workspace; make one with: taxonaut init {self.folder}"
            )
        return there

    def again(self, arguments: str) -> str:
        """Write a command for this same workspace, to be read in a message."""
        where = (
            "" if self.chosen is None or self.chosen == Path(".") else f" -w {shlex.quote(str(self.chosen))}"
        )
        return f"taxonaut {arguments}{where}"

    def open(self, **settings: Any) -> "Workspace":
        """Open the workspace; use it in a `with` block. `settings` replace those of its taxonaut.toml."""
        from taxonaut.workspace.workspace import Workspace

        return Workspace.open(self.folder, **settings)

    def config(self) -> "Config":
        """Read the settings without opening the index; those of a new workspace where there is none."""
        from taxonaut.workspace.core.config import load_config

        self.has_workspace  # noqa: B018
        return load_config(self.folder)


def command(app: typer.Typer, name: str, *, example: str) -> Callable[[F], F]:
    """Declare a command whose function takes the session first; add the shared options and the example.

    The function's docstring is the help. `example` may have several lines.
    """

    def declare(function: F) -> F:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]

        @wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            function(joined(context, given), **given)

        del run.__wrapped__
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature([_CONTEXT, *named, *_SHARED])  # type: ignore[attr-defined]
        shown = "\n".join("  " + line.replace("[", r"\[") for line in example.splitlines())
        app.command(name, help=flowing(function.__doc__ or ""), epilog=f"Example:\n{shown}")(run)
        return function

    return declare


def flowing(text: str) -> str:
    """Return a docstring whose paragraphs are one line each, for the terminal to break."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def joined(context: typer.Context, given: dict[str, Any]) -> Session:
    """Take the shared options out of a command's and join them with those before its name."""
    session: Session = context.ensure_object(Session)
    session.chosen = given.pop("workspace") or session.chosen
    session.quiet = given.pop("quiet") or session.quiet
    session.debug = given.pop("debug") or session.debug
    return session
