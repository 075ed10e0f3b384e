"""The queue of items that people look at: one file of statements that are only added, shared by processes.

`review/queue.jsonl` has a line for each item put into it, each claim, each answer and each undo; what is open, who
has what and who said what follows from reading it. A line is written whole and flushed to the disk before it counts,
so that a kill loses nothing; a lock on the file keeps two people from being given the same item.
"""

import copy
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

from taxonaut.state.errors import DiskError, InputError, NotFoundError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.state.workspace_folder import REVIEW_FOLDER
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.output_files import write_error
from taxonaut.workspace.review.suspects import Suggestion, Suspect

FILE = "queue.jsonl"

ListName = Literal["errors", "next", "doubts", "given"]
"""What put an item into the queue: `review errors`, `review next`, doubtful answers, or a person on the page."""

DecisionKind = Literal["label", "keep", "none", "undecided", "skip"]
KINDS: tuple[DecisionKind, ...] = ("label", "keep", "none", "undecided", "skip")

CLAIM_S = 1800.0
"""Seconds after which an item that somebody was shown, and did not answer, is free again."""


PACED = 5
"""Decisions of a session from which its pace is told."""


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """What a person says of an item: other `labels`, keep the given ones, none of those shown, cannot tell, skip."""

    kind: DecisionKind
    labels: tuple[LabelId, ...] = ()


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """An item in the queue. `key` names it with its text; `list` is what put it there."""

    key: str
    list: ListName
    suspect: Suspect


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's decision on an item; `at` is seconds since 1970. `before` is what the person had said of it."""

    item: QueuedItem
    person: str
    decision: ReviewDecision
    at: float
    before: "Answer | None" = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a queue: `open` items nobody has answered (`skipped` of them by this person), `answered` ones.

    `mine` were answered by this person, `a_minute` is this person's pace in this session, None before the fifth.
    """

    open: int
    skipped: int
    answered: int
    mine: int
    a_minute: float | None


@dataclass
class _State:
    """What the lines say so far. `items` are in order; open ones of a list that was made anew are gone.

    `order` are the decisions that stand, `log` all decisions and what takes them back, as the ledger gets them.
    """

    items: dict[str, QueuedItem] = field(default_factory=dict)
    claims: dict[str, tuple[str, str, float, float]] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    skips: dict[tuple[str, str], int] = field(default_factory=dict)
    order: list[Answer] = field(default_factory=list)
    log: list[Answer] = field(default_factory=list)
    sent: int = 0
    read: int = 0

    def standing(self, key: str, person: str) -> Answer | None:
        """Return what a person says of an item now."""
        return next((each for each in reversed(self.answers.get(key, [])) if each.person == person), None)


class ReviewQueue:
    """The queue in a workspace's folder, for one person; without one it can be filled and read.

    Nothing is printed; a terminal and a page show it.

    `next` gives an item, `answer` takes the decision on it, `undo` takes the person's latest one back and gives that
    item again. `session` names this process: an item that another live session was given is nobody else's.
    """

    def __init__(
        self,
        folder: Path,
        person: str = "",
        *,
        session: str = "",
        lease_s: float = CLAIM_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not person.isprintable() or (person and not person.strip()):
            raise InputError(f"the name of the reviewer is {person!r}; give one with --person NAME")
        self.path = folder / REVIEW_FOLDER / FILE
        self.person = person.strip()
        self.session = session or f"{socket.gethostname()}:{os.getpid()}"
        self.lease_s = lease_s
        self.clock = clock
        self._state = _State()
        self._times: list[float] = []

    def seat(self, person: str, session: str, *, lease_s: float = CLAIM_S) -> "ReviewQueue":
        """Return this queue for a person and a session, which share what was read of the file.

        An item given to the session is nobody else's for `lease_s` seconds. The seats of one queue are used one at a
        time.
        """
        taken = copy.copy(self)
        ReviewQueue.__init__(
            taken, self.path.parent.parent, person, session=session, lease_s=lease_s, clock=self.clock
        )
        taken._state = self._state
        return taken

    def put(self, name: ListName, found: Sequence[Suspect]) -> int:
        """Put items into the queue, in order; return how many are new or open again.

        They take the place of the open ones of the same list. What was answered is not asked again, unless its
        labels have changed since.
        """
        with self._locked() as file:
            state = self._state
            lines: list[dict[str, Any]] = [{"kind": "list", "list": name}]
            for suspect in found:
                key = unit_key(suspect.item)
                said = state.answers.get(key)
                if said and all(_is_settled(each, suspect) for each in said[-1:]):
                    continue
                lines.append({"kind": "item", "key": key, "list": name, **_suspect_record(suspect)})
            self._append(file, lines)
        return len(lines) - 1

    def next(self) -> QueuedItem | None:
        """Return the next item for this person, which is then theirs for half an hour; None if none is left.

        Items that the person skipped come last. Raises WorkspaceError for a damaged file, DiskError.
        """
        return next(iter(self.claim(1)), None)

    def claim(self, count: int, *, again: bool = False) -> list[QueuedItem]:
        """Return up to `count` next items for this person, which are theirs from now on for a lease's time.

        With `again` they are items that another person has answered and this one has not: a second opinion.
        """
        with self._locked() as file:
            state, now = self._state, self.clock()
            found = sorted(
                (state.skips.get((key, self.person), 0), place, key)
                for place, key in enumerate(state.items)
                if self._is_wanted(key, again) and not self._is_taken(key, now)
            )[:count]
            self._append(file, [self._line("claim", key) for _, _, key in found])
            return [state.items[key] for _, _, key in found]

    def second_opinions(self) -> int:
        """Count the items that one other person has answered and nobody else."""
        self._catch_up()
        return sum(self._is_wanted(key, again=True) for key in self._state.items)

    def _is_wanted(self, key: str, again: bool) -> bool:
        said = self._state.answers.get(key, [])
        return len(said) == 1 and said[0].person != self.person if again else not said

    def release(self) -> int:
        """Give back what this session was given and has not answered; return how many items these are."""
        with self._locked() as file:
            mine = [
                key
                for key, (person, session, _, _) in self._state.claims.items()
                if (person, session) == (self.person, self.session)
            ]
            self._append(file, [self._line("release", key) for key in mine])
            return len(mine)

    def answer(self, key: str, decision: ReviewDecision) -> None:
        """Take this person's decision on an item; the same decision again changes nothing.

        Raises NotFoundError for an unknown item, InputError for labels that do not go with the kind of decision.
        """
        with self._locked() as file:
            if key not in self._state.items:
                raise NotFoundError("the item is not in the review queue any more; run: taxonaut review")
            if (decision.kind == "label") != bool(decision.labels):
                raise InputError(
                    f"a decision of kind {decision.kind!r} with the labels {list(decision.labels)!r}"
                )
            standing = self._state.standing(key, self.person)
            if standing is not None and standing.decision == decision:
                return
            line = self._line("answer", key)
            self._append(file, [{**line, "decision": decision.kind, "labels": list(decision.labels)}])
            self._times.append(self.clock())

    def undo(self, key: str | None = None) -> QueuedItem | None:
        """Take this person's latest decision back, which is one more line; return its item, which is open again.

        With `key`, the latest on that item. None if there is nothing to take back.
        """
        with self._locked() as file:
            own = [
                each
                for each in self._state.order
                if each.person == self.person and key in (None, each.item.key)
            ]
            if not own:
                return None
            key = own[-1].item.key
            self._append(file, [self._line("undo", key), self._line("claim", key)])
            if self._times:
                self._times.pop()
            return self._state.items.get(key, own[-1].item)

    def progress(self) -> Progress:
        """Return how far the queue is."""
        self._catch_up()
        state = self._state
        open_keys = [key for key in state.items if not state.answers.get(key)]
        answered = sum(bool(said) for said in state.answers.values())
        mine = sum(any(each.person == self.person for each in said) for said in state.answers.values())
        spent = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        pace = 60 * (len(self._times) - 1) / spent if spent > 0 and len(self._times) >= PACED else None
        skipped = sum((key, self.person) in state.skips for key in open_keys)
        return Progress(len(open_keys), skipped, answered, mine, pace)

    def items(self) -> list[QueuedItem]:
        """Return all items of the queue, answered ones too, in order."""
        self._catch_up()
        return list(self._state.items.values())

    def answers(self) -> dict[str, list[Answer]]:
        """Return what people say of each item now, by key, of each person the latest, in order."""
        self._catch_up()
        return {key: list(said) for key, said in self._state.answers.items() if said}

    def decisions(self) -> list[Answer]:
        """Return all decisions that stand, of everybody, in the order in which they were made."""
        self._catch_up()
        return list(self._state.order)

    def unsent(self) -> list[Answer]:
        """Return decisions that the ledger does not have yet, in order.

        A decision of kind `skip` takes back what the person had said.
        """
        self._catch_up()
        return self._state.log[self._state.sent :]

    def mark_sent(self, count: int) -> None:
        """Say that the ledger has the first `count` of `unsent`."""
        if count:
            with self._locked() as file:
                self._append(file, [{"kind": "sent", "count": self._state.sent + count}])

    def _is_taken(self, key: str, now: float) -> bool:
        """Whether an item was given to somebody else, or to another live session of this person."""
        person, session, at, lease_s = self._state.claims.get(key, ("", "", 0.0, 0.0))
        if not person or now - at > lease_s:
            return False
        return person != self.person or (session != self.session and _is_alive(session))

    def _line(self, kind: str, key: str) -> dict[str, Any]:
        if not self.person:
            raise InputError("nobody is named who reviews; give a name with --person NAME")
        line = {"kind": kind, "key": key, "person": self.person, "session": self.session, "at": self.clock()}
        return {**line, "lease_s": self.lease_s} if kind == "claim" else line

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Open the file for adding lines, alone, and read what others have added."""
        try:
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a+b") as file:
                _lock(file)
                self._catch_up()
                yield file
        except OSError as error:
            raise write_error(str(self.path), error, "; free some space, or change its permissions") from None

    def _append(self, file: BinaryIO, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add lines, whole and on the disk, and take them in."""
        text = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
        if self._state.read < file.seek(0, os.SEEK_END):  # what a killed process left of a line
            text = "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        self._catch_up()

    def _catch_up(self) -> None:
        """Read the lines that were added since; half a line that a killed process left is none."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._state.read)
                raw = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise DiskError(f"cannot read {str(self.path)!r}: {error.strerror}") from None
        whole = raw[: raw.rfind(b"\n") + 1]
        for line in whole.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            self._take(record)
        self._state.read += len(whole)

    def _take(self, record: Mapping[str, Any]) -> None:
        """Take one line in. Raises WorkspaceError for one that this version does not know."""
        state = self._state
        try:
            kind, key = record["kind"], record.get("key", "")
            if kind == "list":
                gone = [
                    k for k, e in state.items.items() if e.list == record["list"] and not state.answers.get(k)
                ]
                for each in gone:
                    del state.items[each]
            elif kind == "item":
                state.items.pop(key, None)
                if state.answers.pop(key, None):
                    state.order = [each for each in state.order if each.item.key != key]
                state.items[key] = QueuedItem(key, record["list"], _read_suspect(record))
            elif kind == "claim":
                lease_s = float(record.get("lease_s", CLAIM_S))
                state.claims[key] = (record["person"], record["session"], record["at"], lease_s)
            elif kind == "release":
                if state.claims.get(key, ("", ""))[:2] == (record["person"], record["session"]):
                    del state.claims[key]
            elif kind == "answer":
                self._take_answer(record)
            elif kind == "undo":
                self._take_undo(key, record["person"], record["at"])
            elif kind == "sent":
                state.sent = record["count"]
            else:
                raise ValueError(kind)
        except (KeyError, TypeError, ValueError) as error:
            raise WorkspaceError(
                f"{str(self.path)!r} has an unreadable line ({error!r}); if a newer version wrote it, use that; "
                "else move the file away and make the queue again: taxonaut review errors"
            ) from None

    def _take_answer(self, record: Mapping[str, Any]) -> None:
        state, key, person = self._state, record["key"], record["person"]
        item = state.items[key]
        decision = ReviewDecision(record["decision"], tuple(map(LabelId, record["labels"])))
        state.claims.pop(key, None)
        if decision.kind == "skip":
            state.skips[key, person] = len(state.skips) + 1
            return
        answer = Answer(item, person, decision, record["at"], state.standing(key, person))
        said = [each for each in state.answers.get(key, []) if each.person != person]
        state.answers[key] = [*said, answer]
        state.order.append(answer)
        state.log.append(answer)

    def _take_undo(self, key: str, person: str, at: float) -> None:
        state = self._state
        last = next(
            place
            for place in reversed(range(len(state.order)))
            if (state.order[place].person, state.order[place].item.key) == (person, key)
        )
        taken = state.order.pop(last)
        said = [each for each in state.answers.get(key, []) if each.person != person]
        state.answers[key] = [*said, taken.before] if taken.before is not None else said
        back = taken.before.decision if taken.before is not None else ReviewDecision("skip")
        state.log.append(Answer(taken.item, person, back, at))


def _is_settled(answer: Answer, suspect: Suspect) -> bool:
    """Whether an answer still answers an item: its labels are those that were judged, or those that were chosen."""
    return set(suspect.given) in (set(answer.item.suspect.given), set(answer.decision.labels))


def _is_alive(session: str) -> bool:
    """Whether a session of this machine still runs; one of another machine is taken to."""
    host, _, process = session.rpartition(":")
    if host != socket.gethostname() or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _lock(file: BinaryIO) -> None:
    """Wait for the file to be this process's alone, until it is closed."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined, unused-ignore]
    else:
        fcntl.flock(file, fcntl.LOCK_EX)


def _suspect_record(found: Suspect) -> dict[str, Any]:
    return {
        "id": found.item.id,
        "text": found.item.text,
        "given": list(found.given),
        "given_paths": [list(path) for path in found.given_paths],
        "suggestions": [[each.label, list(each.path), each.probability] for each in found.suggestions],
        "score": found.score,
        "reasons": list(found.reasons),
        "evidence": dict(found.evidence),
    }


def _read_suspect(record: Mapping[str, Any]) -> Suspect:
    return Suspect(
        Item(ItemId(record["id"]), record["text"]),
        tuple(map(LabelId, record["given"])),
        tuple(tuple(path) for path in record["given_paths"]),
        tuple(
            Suggestion(LabelId(label), tuple(path), chance) for label, path, chance in record["suggestions"]
        ),
        float(record["score"]),
        tuple(record["reasons"]),
        record["evidence"],
    )
