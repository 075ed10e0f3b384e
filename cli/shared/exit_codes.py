"""How a command ends: which exit code, and one line on standard error for whatever went wrong."""

import os
import sys
import traceback
from typing import Any

import typer

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.cli.shared.help import Group
from taxonaut.cli.shared.terminal import printable
from taxonaut.state.errors import TaxonautError

OK = 0
INTERNAL = 1
SOME_FAILED = 6
REFUSED = 7
WAITS = 8
INTERRUPTED = 130

EXIT_CODES = {
    OK: "success",
    INTERNAL: "unexpected error; --debug prints a traceback",
    2: "invalid input or command line",
    3: "unusable workspace: none found, in use, of a newer version, or no disk space",
    4: "a model gave no answer",
    5: "missing optional dependency",
    SOME_FAILED: "some items failed; run the same command again to retry these",
    REFUSED: "chat: message not understood, or refused by a tool",
    WAITS: "chat: pending change needs confirmation; nothing is changed yet",
    INTERRUPTED: "interrupted; finished work is kept",
}


class InterruptedWork(KeyboardInterrupt):
    """Ctrl-C during work that can be continued; the message says how far it got."""


class ReportingGroup(Group):
    """The root command: turns exceptions into a line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except typer.BadParameter as error:
            error.message = describe_invalid_value(error.message)
            raise
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except BrokenPipeError:
            silence_stdout()
            raise typer.Exit(OK) from None
        except KeyboardInterrupt as interrupt:
            say(str(interrupt) or "interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001
            raise typer.Exit(report(error, ctx.ensure_object(GlobalOptions))) from None


def describe_invalid_value(message: str) -> str:
    """Say what an option's value must be, in place of pydantic's words."""
    plain = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return plain.partition(", unable to parse")[0]


def report(error: Exception, options: GlobalOptions) -> int:
    """Say what went wrong and return the exit code."""
    if options.debug:
        sys.stderr.write("".join(traceback.format_exception(error)))
    if isinstance(error, TaxonautError):
        say(f"error: {error}")
        return error.exit_code
    hint = "" if options.debug else "; run again with --debug to see where, and please report it"
    say(f"error: {type(error).__name__}: {error}{hint}")
    return INTERNAL


def say(message: str) -> None:
    """Write a line to standard error, whatever that can encode."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    line = printable(message, keep_lines=True).encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        return


def silence_stdout() -> None:
    """Send the rest of the output nowhere, so that the interpreter's last flush does not complain."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
