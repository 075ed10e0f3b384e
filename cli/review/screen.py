"""The screen of a review: draws an item, reads a key, and hands the decision to the queue."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from taxonaut.cli.review.keys import CTRL_C, CTRL_D, ESCAPE, Keys
from taxonaut.cli.shared.exit_codes import say
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import clipped, counted, out, path_text, printable, styled
from taxonaut.state.errors import LockedError, NotFoundError
from taxonaut.workspace import review

if TYPE_CHECKING:
    from taxonaut.state.ids import LabelId
    from taxonaut.workspace.review.review_queue import QueuedItem, ReviewDecision, ReviewQueue

SENT_EVERY = 5
"""Decisions after which the ledger is told."""

SHOWN_LINES = 12
"""Lines of a text that are shown at first; `m` shows the rest."""

FOUND = 9
"""Labels that a search shows."""

HELP = "k keep   n none of these   ? cannot tell   s skip   / search   u undo   q stop"


class ReviewScreen:
    """One person at a terminal, going through the queue until it is empty or they stop."""

    def __init__(self, session: Session, queue: ReviewQueue) -> None:
        self.session, self.queue = session, queue
        self.console = out()
        self.keys = Keys()
        self.note = ""
        self.decided = 0
        self.hits: list[tuple[LabelId, tuple[str, ...]]] = []
        self.query = ""
        self.whole = False

    def run(self) -> None:
        """Show one item after the other."""
        item: QueuedItem | None = None
        try:
            with self.keys, suppress(KeyboardInterrupt):
                while (item := item or self.queue.next()) is not None:
                    self.draw(item)
                    key = self.keys.read()
                    if key in ("q", CTRL_C, CTRL_D):
                        break
                    item = self.take(item, key)
        finally:
            self.finish()

    def take(self, item: QueuedItem, key: str) -> QueuedItem | None:
        """Take a key; return the item to show next, None for the next of the queue."""
        self.note = ""
        if key == "/":
            self.search()
            return item
        if key in ("m", "t"):
            self.whole = not self.whole
            return item
        if key == ESCAPE and self.query:
            self.forget_search()
            return item
        if key == "u":
            return self.undo(item)
        decision = self.decision(item, key)
        if decision is None:
            self.note = self.note or (
                f"{key!r} is no key here" if key.isprintable() else "that is no key here"
            )
            return item
        try:
            self.queue.answer(item.key, decision)
        except NotFoundError:
            self.note = "that item was taken out of the queue meanwhile; here is the next"
        else:
            self.decided += decision.kind != "skip"
            self.note = f"{clipped(printable(item.suspect.item.id), 40)}: {self.words(item, decision)}"
        self.forget_search()
        if self.decided and self.decided % SENT_EVERY == 0:
            self.send()
        return None

    def decision(self, item: QueuedItem, key: str) -> ReviewDecision | None:
        """Return what a key decides, None if it decides nothing here."""
        decide = review.review_queue.ReviewDecision
        if key.isascii() and key.isdigit() and key != "0":
            choices = self.choices(item)
            if int(key) > len(choices):
                self.note = f"there is no {key}; / searches labels"
                return None
            return decide("label", (choices[int(key) - 1][0],))
        if key == "k":
            if item.suspect.given:
                return decide("keep")
            self.note = "it has no label to keep"
            return None
        kinds = {"n": "none", "?": "undecided", "s": "skip"}
        return decide(kinds[key]) if key in kinds else None  # type: ignore[arg-type]

    def choices(self, item: QueuedItem) -> list[tuple[LabelId, tuple[str, ...]]]:
        """Return the labels that number keys choose: what a search found, else what is suggested."""
        return self.hits if self.query else [(each.label, each.path) for each in item.suspect.suggestions]

    def words(self, item: QueuedItem, decision: ReviewDecision) -> str:
        """Say what was decided."""
        if decision.kind == "label":
            path = next((path for label, path in self.choices(item) if label == decision.labels[0]), ())
            return f"now {' > '.join(map(printable, path[-2:]))}"
        words = {"keep": "label kept", "none": "none of these", "undecided": "cannot tell", "skip": "skipped"}
        return words[decision.kind]

    def undo(self, item: QueuedItem) -> QueuedItem:
        """Take the latest decision back and return its item, or the present one if there is none."""
        undone = self.queue.undo()
        self.forget_search()
        if undone is None:
            self.note = "there is nothing to take back"
            return item
        self.decided = max(0, self.decided - 1)
        self.note = "taken back: decide again"
        return undone

    def search(self) -> None:
        """Ask for words and find labels."""
        self.console.print()
        try:
            with self.keys.lines():
                query = str(typer.prompt("search labels", default="", show_default=False)).strip()
        except (typer.Abort, EOFError, KeyboardInterrupt):
            return
        if not query:
            self.forget_search()
            return
        try:
            with self.session.open() as workspace:
                review.review_statements.send_answers(workspace, self.queue)
                found = workspace.index.search(query, FOUND)
                paths = review.suspects.paths_by_label(workspace.index, [label.id for label in found])
        except LockedError as error:
            self.note = f"cannot search now: {error}"
            return
        if not found:
            self.note = f"no label has a word of {printable(query)!r}"
            return
        self.query, self.hits = query, [(label.id, paths[label.id]) for label in found]

    def forget_search(self) -> None:
        """Show what is suggested again."""
        self.query, self.hits, self.whole = "", [], False

    def send(self) -> None:
        """Tell the ledger what was decided; where another process holds the workspace, later."""
        try:
            with self.session.open() as workspace:
                review.review_statements.send_answers(workspace, self.queue)
        except LockedError:
            return

    def finish(self) -> None:
        """Tell the ledger the rest, and say what was done."""
        late = ""
        try:
            with self.session.open() as workspace:
                review.review_statements.send_answers(workspace, self.queue)
        except LockedError as error:
            late = f"; they reach the ledger with the next taxonaut review ({error})"
        left = self.queue.progress()
        self.console.print()
        say(f"{counted(self.decided, 'decision')} kept, {counted(left.open, 'item')} left{late}")
        if left.open:
            say(f"go on: {self.session.again(f'review --person {self.queue.person}')}")

    def draw(self, item: QueuedItem) -> None:
        """Draw the item on an empty screen."""
        console, found = self.console, item.suspect
        if console.is_terminal:
            console.clear()
        console.print(styled(self.heading(), "dim"), soft_wrap=True)
        console.print(styled(self.note, "green"), soft_wrap=True)
        said = "likely wrong" if item.list == "errors" else "worth a label"
        console.print(styled(f"{clipped(found.item.id, 60)}   {said}: {100 * found.score:.0f} %", "cyan"))
        console.print()
        self.draw_text(found.item.text)
        console.print()
        table = Table.grid(padding=(0, 2))
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for number, path in enumerate(found.given_paths):
            table.add_row("" if number else "label now", path_text(path))
        for number, reason in enumerate(found.reasons):
            table.add_row("" if number else "why", styled(reason, "yellow"))
        console.print(table)
        console.print()
        self.draw_choices(item)
        console.print()
        console.print(styled(HELP, "dim"), soft_wrap=True)

    def heading(self) -> str:
        """Say how far the person is, and how fast."""
        found = self.queue.progress()
        pace = f", {found.a_minute:.0f} a minute" if found.a_minute is not None else ""
        skipped = f" ({found.skipped:,} skipped)" if found.skipped else ""
        return (
            f"review by {printable(self.queue.person)}: {self.decided:,} done now{pace}; "
            f"{found.open:,} open{skipped}, {found.answered:,} answered"
        )

    def draw_text(self, text: str) -> None:
        """Draw the text, at first at most `SHOWN_LINES` of it."""
        shown = styled("", "bold")
        shown.append("\n".join(printable(line) for line in text.strip().splitlines()))
        lines = shown.wrap(self.console, self.console.width)
        for line in lines if self.whole else lines[:SHOWN_LINES]:
            self.console.print(line)
        if len(lines) > SHOWN_LINES and not self.whole:
            self.console.print(styled(f"… {len(lines) - SHOWN_LINES:,} more lines: m", "dim"))

    def draw_choices(self, item: QueuedItem) -> None:
        """Draw the labels that number keys choose."""
        if self.query:
            self.console.print(styled(f"labels with {self.query!r} (Esc: back to what is suggested)", "cyan"))
        elif not item.suspect.suggestions:
            self.console.print(styled("nothing is suggested; / searches labels", "cyan"))
        chances = {each.label: each.probability for each in item.suspect.suggestions}
        table = Table.grid(padding=(0, 2))
        table.add_column(style="bold green", no_wrap=True)
        table.add_column(overflow="fold")
        table.add_column(style="dim", justify="right")
        for number, (label, path) in enumerate(self.choices(item), start=1):
            chance = chances.get(label)
            table.add_row(str(number), path_text(path), "" if chance is None else f"{100 * chance:.0f} %")
        self.console.print(table)
