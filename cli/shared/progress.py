"""Progress with rate and time left, on standard error: a bar at a terminal, elsewhere a line every few seconds."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from rich import progress as rich_progress
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.text import Text

from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import counted, err
from taxonaut.state.updates import (
    ExpertLeftOut,
    LabelsUnplaced,
    Progress,
    TextsReplaced,
    TextsShortened,
    UnknownLanguage,
    Update,
    listening,
)

MOST_IDS = 5
SHORTENED = {
    "passages": "passages, of which {read:,} were read, spread evenly over it. To read more, set passages under "
    "[scoring], or divide the text.",
    "prompt": "characters, of which prompts show the first {read:,}. Divide the text if what matters may come later.",
    "vocabulary": "characters, of which {read:,} were read. To read more, set characters under [vocabulary].",
}
"""How each kind of `TextsShortened` is explained."""


SECONDS = 5.0
"""The time between two lines of progress where there is no terminal; what is done sooner says nothing."""


class Bar:
    """Shows how far the present stage is; shows nothing where nobody watches."""

    def __init__(self, progress: rich_progress.Progress | None = None) -> None:
        self.progress, self.name = progress, "starting"
        self.task = None if progress is None else progress.add_task(self.name, total=None)

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage; without a total only the time that passes is shown."""
        if self.progress is not None and self.task is not None:
            self.progress.remove_task(self.task)
            self.task, self.name = self.progress.add_task(name, total=total), name

    def show(self, update: Update) -> None:
        """Show how far long work is."""
        if isinstance(update, Progress) and self.progress is not None and self.task is not None:
            if update.stage != self.name:
                self.stage(update.stage, update.total)
            self.progress.update(self.task, completed=update.done, total=update.total)


class Lines(Bar):
    """Says how far the present stage is in a line of its own, at most one every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.clock = clock
        self.total: int | None = None
        self.began = self.said = clock()

    def stage(self, name: str, total: int | None = None) -> None:
        """Begin a stage."""
        self.name, self.total, self.began = name, total, self.clock()

    def show(self, update: Update) -> None:
        """Say how far long work is, if it is time again."""
        if not isinstance(update, Progress):
            return
        if update.stage != self.name:
            self.stage(update.stage, update.total)
        now, total = self.clock(), update.total or self.total
        if now - self.said >= SECONDS and update.done != total:  # the end of all is the summary's to say
            self.said = now
            say(f"{self.name}: {state(update.done, total, now - self.began)}")


def is_watched(session: Session, *, json: bool = False) -> bool:
    """Say whether progress is shown: on a terminal, without --quiet and --json."""
    return sys.stderr.isatty() and not session.quiet and not json


@contextmanager
def progress(session: Session, console: Console | None = None, *, json: bool = False) -> Iterator[Bar]:
    """Show the progress of what the block runs: a bar that is gone afterwards, or lines where there is no terminal.

    `console` is where the block prints results meanwhile: on one terminal the bar stays below them.
    """
    with reporting_replaced_texts(), reporting_shortened_texts(), reporting_limits(session):
        if is_watched(session, json=json):
            with _watched(console) as bar:
                yield bar
        elif session.quiet or sys.stderr.isatty():
            yield Bar()
        else:
            lines = Lines()
            with listening(lines.show):
                yield lines


@contextmanager
def _watched(console: Console | None) -> Iterator[Bar]:
    shared = console if console is not None and console.is_terminal else err()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), _state_column())
    with rich_progress.Progress(*columns, console=shared, transient=True, refresh_per_second=4) as shown:
        bar = Bar(shown)
        with listening(bar.show):
            yield bar


@contextmanager
def reporting_replaced_texts() -> Iterator[None]:
    """Say at the end of the block, on standard error, which ids have a new text."""
    replaced: dict[str, None] = {}

    def note(update: Update) -> None:
        if isinstance(update, TextsReplaced):
            replaced.update(dict.fromkeys(update.item_ids))

    try:
        with listening(note):
            yield
    finally:
        if replaced:
            shown = ", ".join(map(repr, islice(replaced, MOST_IDS)))
            more = ", …" if len(replaced) > MOST_IDS else ""
            say(
                f"note: {counted(len(replaced), 'item')} had another text in this workspace before ({shown}{more}): "
                "results under these ids are now of the new texts. If they are other items, give them other ids."
            )


@contextmanager
def reporting_shortened_texts() -> Iterator[None]:
    """Say at the end of the block, on standard error, of which texts only a part was read."""
    found: dict[str, dict[str, tuple[int, int]]] = {}

    def note(update: Update) -> None:
        if isinstance(update, TextsShortened):
            found.setdefault(update.how, {}).update({id_: (read, whole) for id_, read, whole in update.items})

    try:
        with listening(note):
            yield
    finally:
        for how, items in found.items():
            id_, (read, whole) = next(iter(items.items()))
            many = len(items) > 1
            which = f"{len(items):,} texts are" if many else "a text is"
            first = f"{id_!r}{', the first,' if many else ''} has {whole:,}"
            say(f"note: {which} longer than is read: {first} {SHORTENED[how].format(read=read)}")


@contextmanager
def reporting_limits(session: Session) -> Iterator[None]:
    """Say which languages the embedder does not know, that labels are in no node, that an expert is not used."""

    unplaced: set[LabelsUnplaced] = set()
    left_out: set[ExpertLeftOut] = set()

    def note(update: Update) -> None:
        if session.quiet:
            return
        if isinstance(update, UnknownLanguage):
            say(describe_language(update))
        elif isinstance(update, LabelsUnplaced) and update not in unplaced:
            unplaced.add(update)
            say(
                f"note: {counted(update.count, 'label')} {'is' if update.count == 1 else 'are'} in no node of the "
                f"tree, first {update.label_id!r}, and found by dense retrieval alone; place it "
                f"with: taxonaut labels move {shlex.quote(update.label_id)} --to NODE, or take it out with: "
                "taxonaut labels retire"
            )
        elif isinstance(update, ExpertLeftOut) and update not in left_out:
            left_out.add(update)
            say(f"note: expert {update.number} is left out: {update.reason}")

    with listening(note):
        yield


def describe_language(update: UnknownLanguage) -> str:
    """Say that labels or texts are in a language that the embedder does not know, and what to do."""
    found = f"the {update.what} look {update.language}"
    if update.count < update.read:
        found = f"{update.count:,} of the first {update.read:,} {update.what} look {update.language}"
    known = " and ".join(update.known)
    return (
        f"note: {found}, but {update.embedder} knows {known} only: expect poor matches. Use a multilingual encoder, "
        'as docs/models.md ("Other languages") shows step by step.'
    )


def state(done: float, total: float | None, elapsed: float) -> str:
    """Write how far a stage is, how many a second are done, and how much time is left, as far as is known."""
    passed = duration(elapsed)
    if not total:
        return passed
    if not done or not elapsed:
        return f"0 of {total:,.0f}  {passed}"
    rate = done / elapsed
    return f"{done:,.0f} of {total:,.0f}  {rate:,.1f}/s  {passed}, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """Write a time as 0:07 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _state_column() -> ProgressColumn:

    class StateColumn(ProgressColumn):
        """Shows `state`."""

        def render(self, task: Task) -> Text:
            return Text(state(task.completed, task.total, task.elapsed or 0.0), "cyan")

    return StateColumn()
