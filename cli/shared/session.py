"""What a command gets first: its workspace and the global options; and how a command is declared."""

from __future__ import annotations

import inspect
import os
import shlex
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer
from typer.main import get_command

import taxonaut
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.global_options import (
    WORKSPACE_VARIABLE,
    DebugOption,
    GlobalOptions,
    QuietOption,
    WorkspaceOption,
    YesOption,
)
from taxonaut.cli.shared.help import Command
from taxonaut.cli.shared.missing_weights import run_with_weights
from taxonaut.cli.shared.option_groups import collect, expand
from taxonaut.cli.shared.spending_options import Meter, SpendingOptions
from taxonaut.state.errors import WorkspaceError
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace import core

if TYPE_CHECKING:
    from taxonaut.workspace.core.config import Config, Tables
    from taxonaut.workspace.core.injected import Injected

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_SHARED = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("workspace", None, WorkspaceOption),
        ("quiet", False, QuietOption),
        ("debug", False, DebugOption),
        ("yes", False, YesOption),
    )
]
_SPENDING = inspect.Parameter("spending", inspect.Parameter.KEYWORD_ONLY, annotation=SpendingOptions)
_CONTEXT = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)


class Session(GlobalOptions):
    """One call of a command, and the workspace it works on."""

    __slots__ = ("meter",)

    meter: Meter | None
    """What a command that asks language models spends; None for other commands."""

    @property
    def is_named(self) -> bool:
        """Whether the user named a workspace, so that it is an error if there is none."""
        return self.chosen is not None or bool(os.environ.get(WORKSPACE_VARIABLE))

    @property
    def folder(self) -> Path:
        """The workspace's folder: the option, else the environment, else the nearest workspace from here upwards.

        The current folder where there is none.
        """
        named = self.chosen or os.environ.get(WORKSPACE_VARIABLE)
        return Path(named) if named else find_workspace(Path.cwd()) or Path(".")

    @property
    def has_workspace(self) -> bool:
        """Whether there is a workspace. Raises WorkspaceError if a named one is none."""
        folder = self.folder
        there = is_workspace(folder)
        if self.is_named and not there:
            raise WorkspaceError(
                f"{str(folder)!r} is not a workspace; create one with: taxonaut init {folder}"
            )
        return there

    def open(self, **tables: Unpack[Tables]) -> taxonaut.Workspace:
        """Open the workspace; use it in a `with` block. `tables` replace settings of its taxonaut.toml.

        Raises WorkspaceError if there is none.
        """
        self.require_workspace()
        workspace = taxonaut.Workspace.open(
            self.folder, models=self.models, embedder=self.embedder, classifier=self.classifier, **tables
        )
        if self.meter is not None:
            try:
                self.meter.attach(workspace)
            except BaseException:
                workspace.close()
                raise
        return workspace

    def open_in(self, language: str) -> taxonaut.Workspace:
        """Open the workspace to show names in a language, if one is given; see `open`."""
        return self.open(labels={"language": language}) if language else self.open()

    def require_workspace(self) -> None:
        """Raise WorkspaceError if there is no workspace."""
        if not self.has_workspace:
            raise WorkspaceError(
                f"no workspace in {str(Path.cwd())!r} or any directory above it "
                f"(none has a {SETTINGS_FILE}); name one with -w DIR, or make one with: taxonaut init DIR"
            )

    def settings(self) -> tuple[Config, Injected]:
        """Read the settings without opening the index; those of a new workspace where there is none."""
        self.has_workspace  # noqa: B018
        return core.injected.read_settings(
            self.folder, models=self.models, embedder=self.embedder, classifier=self.classifier
        )

    def again(self, arguments: str) -> str:
        """Write a command for this same workspace, to be read in a message."""
        where = (
            "" if self.chosen is None or self.chosen == Path(".") else f" -w {shlex.quote(str(self.chosen))}"
        )
        return f"taxonaut {arguments}{where}"


def find_workspace(start: Path) -> Path | None:
    """Return the nearest folder that is a workspace, from this one upwards; `.` for the current folder itself."""
    found = next((folder for folder in (start, *start.parents) if is_workspace(folder)), None)
    return Path(".") if found == Path.cwd() else found


def is_workspace(folder: Path) -> bool:
    """Say whether a folder is a workspace; one that cannot be read is none."""
    return os.path.isfile(folder / SETTINGS_FILE)


def command(
    name: str, *, example: str, asks_models: bool = False
) -> Callable[[Callable[..., None]], Command]:
    """Make a command of a function that takes the session first; add the global options and the examples.

    The function's docstring is the help; a parameter whose type is a dataclass is a group of options. `example` may
    have several lines. One that `asks_models` gets --budget and the prices, and says in the end what it spent.
    """

    def declare(function: Callable[..., None]) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        money = [_SPENDING] if asks_models else []
        shown = list(expand([*own, *money]))
        shared = [each for each in _SHARED if each.name not in {other.name for other in shown}]

        @wraps(function)
        def run(context: typer.Context, **given: Any) -> None:
            session = start_session(context, given, [each.name for each in shared])
            arguments = collect(own, given)
            session.meter = Meter(collect(money, given)["spending"]) if asks_models else None
            try:
                run_with_weights(lambda: function(session, **arguments), agreed=session.yes)
            finally:
                if session.meter is not None and not session.quiet:
                    for line in session.meter.lines():
                        say(line)

        del run.__wrapped__
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature([_CONTEXT, *shown, *shared])  # type: ignore[attr-defined]
        lines = example.splitlines()
        heading = "Example:" if len(lines) == 1 else "Examples:"
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(
            name,
            cls=Command,
            help=join_lines(function.__doc__ or ""),
            epilog="\n".join([heading, *(f"  {line}" for line in lines)]),
        )(run)
        made: Command = get_command(app)  # type: ignore[assignment]
        return made

    return declare


def join_lines(text: str) -> str:
    """Return a docstring whose paragraphs are one line each, for the terminal to break."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def start_session(context: typer.Context, given: dict[str, Any], shared: list[str]) -> Session:
    """Take the global options out of a command's own and join them with those before its name.

    `shared` are those that the command does not declare itself.
    """
    options: GlobalOptions = context.ensure_object(GlobalOptions)
    options.yes = given["yes"] or options.yes
    said = {name: given.pop(name) for name in shared}
    named = said["workspace"]
    if named is not None and options.chosen is not None and named != options.chosen:
        context.fail(
            f"option -w / --workspace is given twice, as {str(options.chosen)!r} before the command and as "
            f"{str(named)!r} after it; give it once"
        )
    options.chosen = named or options.chosen
    options.quiet = said["quiet"] or options.quiet
    options.debug = said["debug"] or options.debug
    return Session(**{each.name: getattr(options, each.name) for each in fields(options)})
