"""How a command ends: which exit code, and one line on standard error for whatever went wrong."""

import errno
import logging
import os
import signal
import sys
import traceback
from typing import Any

import typer

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.cli.shared.help import Group
from taxonaut.cli.shared.terminal import printable
from taxonaut.state.errors import BudgetSpentError, DiskError, TaxonautError

OK = 0
INTERNAL = 1
SOME_FAILED = 6
REFUSED = 7
WAITS = 8
BUDGET_SPENT = BudgetSpentError.exit_code
INTERRUPTED = 130

EXIT_CODES = {
    OK: "success",
    INTERNAL: "unexpected error; --debug prints a traceback",
    2: "invalid input or command line",
    3: "unusable workspace: none found, in use, of a newer version, or no disk space",
    4: "a model gave no answer",
    5: "missing optional dependency",
    SOME_FAILED: "some items or requests failed; run the same command again to retry these",
    REFUSED: "chat: message not understood, or refused by a tool",
    WAITS: "chat: pending change needs confirmation; nothing is changed yet",
    BUDGET_SPENT: "the budget is spent; finished work is kept, a larger --budget continues",
    INTERRUPTED: "interrupted; finished work is kept",
}


ENVIRONMENT_ERRORS = {
    *(
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENAMETOOLONG,
    ),
    *(
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.EMFILE,
        errno.ENFILE,
        errno.EBADF,
    ),
}
"""What an odd disk, stream or name gives; no fault of ours to be reported."""


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
            raise typer.Exit(end_interrupted(str(interrupt))) from None
        except Exception as error:  # noqa: BLE001
            if is_interrupted(error):
                raise typer.Exit(end_interrupted("")) from None
            if isinstance(error, OSError):
                silence_stdout()
            raise typer.Exit(report(error, ctx.ensure_object(GlobalOptions))) from None


def is_interrupted(error: BaseException | None) -> bool:
    """Whether an error came of a second Ctrl-C, while the first was being handled."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def end_interrupted(message: str) -> int:
    """Say how far the work got, and return the exit code."""
    say(message or "interrupted")
    return INTERRUPTED


def leave_quietly() -> None:
    """Let the process end after Ctrl-C: nothing more is said, and another Ctrl-C ends it at once."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    logging.disable()
    sys.unraisablehook = lambda _: None


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
    if isinstance(error, OSError) and error.errno in ENVIRONMENT_ERRORS:
        what = repr(str(error.filename)) if error.filename is not None else "standard output"
        say(f"error: {what} cannot be read or written: {error.strerror}")
        return DiskError.exit_code
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
    except OSError:  # nobody reads it
        return


def silence_stdout() -> None:
    """Send the rest of the output nowhere, so that the interpreter's last flush does not complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return
