"""Help in plain text: what a command does, its options by section, examples as they are typed."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from taxonaut.cli.shared.global_options import ADVANCED_PANEL, GLOBAL_PANEL

WIDTH = 100
"""Columns of help on a terminal that is wider."""

USAGE = 2
"""The exit code of a command line that cannot be read."""

ARGUMENTS, OPTIONS, COMMANDS = "Arguments", "Options", "Commands"


def refuse_repeated_options(command: TyperCommand | TyperGroup, ctx: Any, args: list[str]) -> None:
    """Fail with a usage error if an option that takes one value is given twice: the last would silently win.

    Repeating a flag is harmless, unless it has an opposite, as in `--all --best`.
    """
    if ctx.resilient_parsing:
        return
    _, _, order = command.make_parser(ctx).parse_args(args=list(args))
    for option in dict.fromkeys(order):
        if not isinstance(option, TyperOption) or option.multiple or option.count:
            continue
        if order.count(option) > 1 and (not option.is_flag or option.secondary_opts):
            ctx.fail(f"option {' / '.join(option.opts)} is given {order.count(option)} times; give it once")


class Command(TyperCommand):
    """A command whose help has a section for each panel of options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command's arguments and options."""
        refuse_repeated_options(self, ctx, args)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name: required arguments bare, others in brackets."""
        return usage_pieces(self)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the epilog as it is: a heading, then lines."""
        write_lines(self.epilog, formatter)


class Group(TyperGroup):
    """A group whose help has a section for each panel of commands; without a command it prints that and fails.

    With a `default` that command runs where none is named; if it takes a file, also where another word comes first.
    """

    default = ""
    takes_file = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the group's own options; print the help if nothing is given."""
        is_named = (
            bool(args)
            and not args[0].startswith("-")
            and not (self.takes_file and args[0] not in self.commands)
        )
        if self.default and not is_named and args[:1] not in (["-h"], ["--help"]):
            args = [self.default, *args]
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(USAGE)
        refuse_repeated_options(self, ctx, args)
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the group's name."""
        return [*usage_pieces(self), "COMMAND ..."]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, each with the first line of its help, then the options."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None) or COMMANDS
            panels.setdefault(panel, []).append((name, (command.help or "").split("\n\n")[0]))
        width = max(len(name) for name in self.commands)
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl([(name.ljust(width), line) for name, line in rows])
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the epilog as it is: a heading, then lines."""
        write_lines(self.epilog, formatter)


def usage_pieces(command: TyperCommand | TyperGroup) -> list[str]:
    """Return a usage line's options and arguments."""
    return ["[OPTIONS]", *map(format_argument, arguments(command))]


def arguments(command: TyperCommand | TyperGroup) -> Iterator[TyperArgument]:
    """Yield the arguments of a command."""
    return (each for each in command.params if isinstance(each, TyperArgument))


def format_argument(argument: TyperArgument) -> str:
    """Write one argument as a usage line has it: `FILE`, `[FILE]` or `[TEXT]...`."""
    name = argument.display_name_raw if argument.required else f"[{argument.display_name_raw}]"
    return name if argument.nargs == 1 else f"{name}..."


def write_options(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    """Write a section for the arguments and for each panel of options: common first, those of all commands last."""
    sections: dict[str, list[tuple[str, str]]] = {ARGUMENTS: [], OPTIONS: []}
    for parameter in command.get_params(ctx):
        if isinstance(parameter, TyperArgument) and not parameter.hidden:
            sections[ARGUMENTS].append((parameter.display_name_raw, parameter.help or ""))
        elif isinstance(parameter, TyperOption) and not parameter.hidden:
            row = (format_spellings(parameter), describe_option(parameter, ctx))
            sections.setdefault(parameter.rich_help_panel or OPTIONS, []).append(row)
    for name in (ADVANCED_PANEL, GLOBAL_PANEL):
        sections[name] = sections.pop(name, [])
    for name, rows in sections.items():
        if rows:
            with formatter.section(name):
                formatter.write_dl(rows)


def format_spellings(option: TyperOption) -> str:
    """Write an option as it is typed, short form first: `-o, --output FILE`."""
    names = ", ".join(sorted(option.opts, key=len))
    if option.is_flag:
        return " / ".join([names, *option.secondary_opts])
    return f"{names} {option.metavar or value_name(option)}"


def value_name(option: TyperOption) -> str:
    """Return what stands for an option's value: its choices, or the kind of value."""
    described = option.type_descriptor
    if described.is_choice and described.choices:
        return "|".join(map(str, described.choices))
    return {int: "N", float: "X"}.get(described.annotation, "TEXT")


def describe_option(option: TyperOption, ctx: Any) -> str:
    """Return an option's help with its default, unless that is to leave the option out."""
    default = option.get_default(ctx, call=False)
    if not option.show_default or option.is_flag or default in (None, ""):
        return option.help or ""
    written = repr(default) if str(default) != str(default).strip() else default
    return f"{option.help} [default: {written}]"


def write_lines(text: str | None, formatter: Any) -> None:
    """Write lines without breaking them."""
    if text:
        formatter.write_paragraph()
        for line in text.splitlines():
            formatter.write(f"{line}\n")
