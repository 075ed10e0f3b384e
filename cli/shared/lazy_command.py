"""Commands that are listed from a table and imported when they are called."""

from importlib import import_module
from typing import Any

from typer.core import TyperCommand, TyperGroup


class LazyCommand(TyperCommand):
    """A command of which only the name and the line in its group's help are known until it is called.

    `target` is `module:attribute`. Calling the command, or asking for its own help, imports the module.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help, add_help_option=False)
        self.target = target

    def load(self) -> TyperCommand:
        """Import the command itself."""
        module, _, attribute = self.target.partition(":")
        command: TyperCommand = getattr(import_module(module), attribute)
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Hand over to the command itself, which the context then belongs to."""
        return self.load().make_context(info_name, args, parent, **extra)


def group(name: str, help: str, *commands: LazyCommand) -> TyperGroup:
    """Return a group of commands; called without one it prints its help."""
    return TyperGroup(name=name, help=help, commands=list(commands), no_args_is_help=True)
