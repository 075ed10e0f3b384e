"""A bar with rate and time left on standard error, where a person is watching."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from taxonaut.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Bar:
    """Shows how far the present stage is; shows nothing where nobody watches."""

    def __init__(self, progress: "Progress | None" = None) -> None:
        self.progress = progress
        self.task = None if progress is None else progress.add_task("starting", total=None)

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; without a total only the time that passes is shown."""
        if self.progress is not None and self.task is not None:
            self.progress.remove_task(self.task)
            self.task = self.progress.add_task(name, total=total)

    def at(self, done: int, total: int | None = None) -> None:
        """Show that so many of the stage are done."""
        if self.progress is not None and self.task is not None:
            self.progress.update(self.task, completed=done, total=total)


def is_watched(session: Session, *, json: bool = False) -> bool:
    """Say whether progress is shown: on a terminal, without --quiet and --json."""
    return sys.stderr.isatty() and not session.quiet and not json


@contextmanager
def progress(session: Session, console: "Console | None" = None, *, json: bool = False) -> Iterator[Bar]:
    """Show progress while the block runs; it is gone afterwards.

    `console` is where the block prints results meanwhile: on one terminal the bar stays below them.
    """
    if not is_watched(session, json=json):
        yield Bar()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from taxonaut.cli.terminal import err

    shared = console if console is not None and console.is_terminal else err()
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _rate_column(),
        TimeElapsedColumn(),
        TextColumn("left", style="dim"),
        TimeRemainingColumn(compact=True),
        console=shared,
        transient=True,
        refresh_per_second=4,
    ) as shown:
        yield Bar(shown)


def _rate_column() -> "ProgressColumn":
    from rich.progress import ProgressColumn
    from rich.text import Text

    class RateColumn(ProgressColumn):
        """How many a second, on average."""

        def render(self, task: "Task") -> Text:
            """Write the rate once there is one."""
            if not task.completed or not task.elapsed:
                return Text("")
            return Text(f"{task.completed / task.elapsed:,.1f}/s", "cyan")

    return RateColumn()


if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task
