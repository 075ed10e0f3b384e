"""Do a command's work again whenever what it reads is saved, until Ctrl-C."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session
from taxonaut.state.errors import TaxonautError

POLL_S = 0.3
"""How often files are looked at; a change counts once two looks in a row see the same."""

TEMPLATES = "*.j2"


def watch(
    session: Session,
    folder: Path,
    work: Callable[[], None],
    *,
    pattern: str = TEMPLATES,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Do the work, and again after each save of a file in the folder; returns on Ctrl-C.

    A mistake in a saved file is printed, and the watch goes on. Ctrl-C within the work is raised on.
    """
    seen = hash_files(folder, pattern)
    run_reporting_errors(work)
    while True:
        if not session.quiet:
            say(f"watching {folder}; save a file there to run again, Ctrl-C to end")
        try:
            seen = wait_for_change(folder, pattern, seen, wait)
        except KeyboardInterrupt:
            say("stopped watching")
            return
        run_reporting_errors(work)


def wait_for_change(folder: Path, pattern: str, seen: str, wait: Callable[[float], None] = time.sleep) -> str:
    """Return the stamp of a folder once it is another than `seen` and has held still for one look."""
    last = seen
    while True:
        wait(POLL_S)
        now = hash_files(folder, pattern)
        if now == last != seen:
            return now
        last = now


def hash_files(folder: Path, pattern: str = TEMPLATES) -> str:
    """A hash of the names and contents of a folder's files; a file that cannot be read counts as empty."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        digest.update(f"{path.relative_to(folder)}\0".encode(errors="replace"))
        digest.update(hashlib.sha256(read_or_empty(path)).digest())
    return digest.hexdigest()


def read_or_empty(path: Path) -> bytes:
    """Return a file's bytes; an editor may be replacing it just now."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def run_reporting_errors(work: Callable[[], None]) -> None:
    """Do the work; print a user's mistake as one line."""
    try:
        work()
    except TaxonautError as error:
        say(f"error: {error}")
