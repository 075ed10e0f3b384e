"""Commands that are listed from a table and imported when they are called."""

from importlib import import_module
from typing import Any

from typer.core import TyperCommand

from taxonaut.cli.shared.help import Group


class LazyCommand(TyperCommand):
    """A command of which only the name and the line in its group's help are known until it is called.

    `target` is `module:attribute`; calling the command, or asking for its own help, imports the module.
    `panel` is the section of the group's help that lists it.
    """

    def __init__(self, name: str, target: str, help: str, *, panel: str | None = None) -> None:
        super().__init__(name, help=help, rich_help_panel=panel, add_help_option=False)
        self.target = target

    def load(self) -> TyperCommand:
        """Import the command itself."""
        module, _, attribute = self.target.partition(":")
        command: TyperCommand = getattr(import_module(module), attribute)
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the command itself, which the context then belongs to."""
        return self.load().make_context(info_name, args, parent, **extra)


def group(
    name: str,
    help: str,
    *commands: LazyCommand,
    panel: str | None = None,
    default: str = "",
    takes_file: bool = False,
) -> Group:
    """Return a group of commands; called without one it runs the `default`, else it prints its help.

    `takes_file`: a first word that is no command is the file of the default.
    """
    made = Group(
        name=name,
        help=help,
        commands=list(commands),
        rich_help_panel=panel,
        rich_markup_mode=None,
    )
    made.default, made.takes_file = default, takes_file
    return made
