"""What people say of items: corrections, feedback, and the queue of items to review."""

import threading
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from taxonaut.server.pages import MOST, AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES
from taxonaut.server.routes.change_routes import Name
from taxonaut.server.routes.suggest_routes import GivenItem, as_given
from taxonaut.server.service import Served
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.stores.ledger import ItemTruth
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.learn.corrections import Correction, find_item
from taxonaut.workspace.learn.feedback import MarkedItem, read_feedback
from taxonaut.workspace.review.agreement import Agreement, measure_agreement
from taxonaut.workspace.review.decision_table import Refused
from taxonaut.workspace.review.handover import (
    HandoverFormat,
    apply_answers,
    open_items,
    read_answers,
    write_interface,
    write_tasks,
)
from taxonaut.workspace.review.review_queue import (
    CLAIM_S,
    KINDS,
    DecisionKind,
    Progress,
    QueuedItem,
    ReviewDecision,
    ReviewQueue,
)
from taxonaut.workspace.review.suspects import paths_by_label

router = APIRouter(prefix="/api", tags=["review"], responses=RESPONSES)

Person = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
PersonQuery = Annotated[str, Query(min_length=1, max_length=200, pattern=r"\S")]

_QUEUES = threading.Lock()
"""Held while a queue is read or written: a person may have two windows open."""


class CorrectionRequest(BaseModel):
    """Which labels of an item are right and which are wrong; `complete`: no other label is right.

    `item` is an id, a text, or an object with `text` and `id` for one that is not known yet.
    """

    item: Name | GivenItem
    right: Annotated[list[Name], Field(max_length=1_000)] = []
    wrong: Annotated[list[Name], Field(max_length=1_000)] = []
    complete: bool = False
    person: Person


class TakeBackRequest(BaseModel):
    """Take back all that a person said of an item."""

    item: Name
    person: Person


@router.post("/corrections")
def correct(service: Served, asked: CorrectionRequest) -> Correction:
    """Say which labels of an item are right and wrong; what was said before stays in the ledger."""
    item: str | Item = asked.item if isinstance(asked.item, str) else as_given(asked.item)
    return service.workspace.correct(
        item, asked.right, asked.wrong, person=asked.person, complete=asked.complete
    )


@router.post("/corrections/take-back")
def take_back(service: Served, asked: TakeBackRequest) -> Correction:
    """Take back all that a person said of an item."""
    return service.workspace.take_back(asked.item, person=asked.person)


@router.get("/truth")
def truth(service: Served, item: Annotated[str, Query(min_length=1, max_length=20_000)]) -> ItemTruth | None:
    """Show what is known of an item's labels, null where nothing is."""
    unit = unit_key(find_item(service.workspace, item))
    return service.workspace.ledger.truths([unit]).get(unit)


@router.get("/feedback")
def feedback(service: Served, limit: LimitQuery = 100, after: AfterQuery = "") -> Page[MarkedItem]:
    """List what is known of items, by id, and what their latest walks got right, wrong, and missed.

    A page reads its own items only; it may be short where few items have known labels. Equal texts of a page are one.
    """
    place = read_cursor(after, str)
    last, items, more = place[0] if place else "", list[Item](), True
    for _ in range(_BLOCKS):
        block = service.workspace.items.after(ItemId(last), MOST)
        known = service.workspace.ledger.truths([unit_key(each) for each in block]) if block else {}
        found = [each for each in block if unit_key(each) in known][: limit - len(items)]
        items += found
        full = len(items) == limit
        last = found[-1].id if full else block[-1].id if block else last
        more = full or len(block) == MOST
        if full or not more:
            break
    entries = read_feedback(service.workspace, items=items).items if items else ()
    return Page(entries=list(entries), next=cursor(last) if more else None)


_BLOCKS = 20
"""So many times 500 items are looked through for a page of feedback."""

LEASE_S = 300.0
"""Seconds for which a page's items are nobody else's; a page that is open asks again before they are over."""

Session = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9-]*$")]
"""What names a window of a browser, so that two windows of a person are given different items."""


def _queue(service: Served, person: str, session: str = "") -> ReviewQueue:
    """Return a person's seat at the one queue of the service."""
    queues: dict[str, ReviewQueue] = service.queues
    seat = f"{session}:{person}"
    if seat not in queues:
        if len(queues) >= 1_000:
            queues.pop(next(each for each in queues if each != ":"))
        base = queues.setdefault(":", service.workspace.review_queue())
        if seat != ":":
            lease_s = LEASE_S if session else CLAIM_S
            queues[seat] = base.seat(person, session and f"page:{session}", lease_s=lease_s)
    return queues[seat]


@router.get("/review")
def progress(service: Served, person: PersonQuery) -> Progress:
    """Count what is open, what is answered, and this person's pace."""
    with _QUEUES:
        return _queue(service, person).progress()


class ReviewedItem(BaseModel):
    """An item of the queue with what people said of it: kind and labels, by person."""

    item: QueuedItem
    answers: dict[str, ReviewDecision]


@router.get("/review/items")
def queued(service: Served, limit: LimitQuery = 50, after: AfterQuery = "") -> Page[ReviewedItem]:
    """List the queue in order, answered items too."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    with _QUEUES:
        queue = _queue(service, "")
        items, answers = queue.items(), queue.answers()
    end = start + limit
    entries = [
        ReviewedItem(
            item=each, answers={answer.person: answer.decision for answer in answers.get(each.key, [])}
        )
        for each in items[start:end]
    ]
    return Page(entries=entries, next=cursor(end) if end < len(items) else None)


class PersonRequest(BaseModel):
    """Who reviews."""

    person: Person


@router.post("/review/next")
def next_item(service: Served, asked: PersonRequest) -> QueuedItem | None:
    """Get the next item, which is this person's for half an hour; null where none is left."""
    with _QUEUES:
        return _queue(service, asked.person).next()


class ClaimRequest(BaseModel):
    """Who asks for items in which window; `again`: items that somebody else has answered, for a second opinion."""

    person: Person
    session: Session = ""
    count: Annotated[int, Field(ge=1, le=20)] = 1
    again: bool = False


class Claim(BaseModel):
    """The items that are this window's for five minutes, the next one first, and how far the queue is.

    `second_opinions` counts items that one other person has answered.
    """

    items: list[QueuedItem]
    progress: Progress
    second_opinions: int


@router.post("/review/claims")
def claim(service: Served, asked: ClaimRequest) -> Claim:
    """Get the next items, so that a page can show one while the others are there already; asking again keeps them."""
    with _QUEUES:
        queue = _queue(service, asked.person, asked.session)
        items = queue.claim(asked.count, again=asked.again)
        return Claim(items=items, progress=queue.progress(), second_opinions=queue.second_opinions())


class WindowRequest(BaseModel):
    """Who reviews, in which window."""

    person: Person
    session: Session = ""


class Released(BaseModel):
    """How many items were given back."""

    released: int


@router.post("/review/release")
def release(service: Served, asked: WindowRequest) -> Released:
    """Give back the items that a window was given and has not answered, as when it is closed."""
    with _QUEUES:
        return Released(released=_queue(service, asked.person, asked.session).release())


class AnswerRequest(BaseModel):
    """A person's decision on an item of the queue: `labels` go with the kind `label` alone."""

    person: Person
    session: Session = ""
    key: Annotated[str, Field(min_length=1, max_length=2_000)]
    kind: DecisionKind
    labels: Annotated[list[Name], Field(max_length=100)] = []


@router.post("/review/answers")
def answer(service: Served, asked: AnswerRequest) -> Progress:
    """Take a decision; it counts at once, and learning reads it."""
    labels = tuple(find_label(service.workspace.index, each) for each in asked.labels)
    with _QUEUES:
        queue = _queue(service, asked.person, asked.session)
        queue.answer(asked.key, ReviewDecision(asked.kind, labels))
        service.workspace.send_decisions(queue)
        return queue.progress()


class UndoRequest(BaseModel):
    """Whose decision is taken back: the latest, or the latest on the item `key`."""

    person: Person
    session: Session = ""
    key: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None


@router.post("/review/undo")
def undo_answer(service: Served, asked: UndoRequest) -> QueuedItem | None:
    """Take this person's latest decision back; the answer is its item, null where there is none."""
    with _QUEUES:
        queue = _queue(service, asked.person, asked.session)
        found = queue.undo(asked.key)
        service.workspace.send_decisions(queue)
        return found


class Reviewer(BaseModel):
    """How many items a person decided, by kind of decision."""

    person: str
    decided: dict[DecisionKind, int]


class ReviewSummary(BaseModel):
    """Who decided what, what put items into the queue (open and all of each list), and how far people agree."""

    reviewers: list[Reviewer]
    lists: dict[str, tuple[int, int]]
    agreement: Agreement


@router.get("/review/summary")
def summary(service: Served) -> ReviewSummary:
    """Show who reviewed how much, and how far they agree on what several have answered."""
    with _QUEUES:
        queue = _queue(service, "")
        items, answers = queue.items(), queue.answers()
    people: dict[str, dict[DecisionKind, int]] = {}
    for said in answers.values():
        for each in said:
            people.setdefault(each.person, dict.fromkeys(KINDS[:-1], 0))[each.decision.kind] += 1
    lists: dict[str, tuple[int, int]] = {}
    for item in items:
        open_ones, of = lists.get(item.list, (0, 0))
        lists[item.list] = (open_ones + (item.key not in answers), of + 1)
    return ReviewSummary(
        reviewers=[Reviewer(person=person, decided=counts) for person, counts in sorted(people.items())],
        lists=lists,
        agreement=measure_agreement(answers),
    )


class MadeDecision(BaseModel):
    """A decision that stands: who, when (seconds since 1970), and what the same person had said before.

    `paths` are those of the labels that were chosen, or of the labels that were kept.
    """

    key: str
    item: ItemId
    text: str
    person: str
    at: float
    decision: ReviewDecision
    before: ReviewDecision | None
    paths: list[list[str]]


@router.get("/review/decisions")
def decisions(service: Served, limit: LimitQuery = 50, after: AfterQuery = "") -> Page[MadeDecision]:
    """List the decisions that stand, the latest first."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    with _QUEUES:
        made = _queue(service, "").decisions()[::-1]
    end = start + limit
    shown = made[start:end]
    chosen = {label for each in shown for label in each.decision.labels}
    paths = paths_by_label(service.workspace.index, sorted(chosen))
    entries = [
        MadeDecision(
            key=each.item.key,
            item=each.item.suspect.item.id,
            text=each.item.suspect.item.text[:500],
            person=each.person,
            at=each.at,
            decision=each.decision,
            before=None if each.before is None else each.before.decision,
            paths=[list(paths[label]) for label in each.decision.labels]
            or [list(path) for path in each.item.suspect.given_paths if each.decision.kind == "keep"],
        )
        for each in shown
    ]
    return Page(entries=entries, next=cursor(end) if end < len(made) else None)


ExportQuery = Annotated[HandoverFormat, Query(alias="format", description="The tool that reads it.")]


def _download(text: str, name: str, kind: str) -> Response:
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/review/export", response_class=Response)
def export(service: Served, format_: ExportQuery = "label-studio") -> Response:
    """Download the open items for another annotation tool, with what is suggested."""
    with _QUEUES:
        items = open_items(_queue(service, ""))
    name = "label-studio-tasks.json" if format_ == "label-studio" else "argilla-records.json"
    return _download(write_tasks(items, format_), name, "application/json")


@router.get("/review/interface", response_class=Response)
def interface(service: Served, format_: ExportQuery = "label-studio") -> Response:
    """Download the questions with all labels: Label Studio's labeling interface (XML), or Argilla's labels (JSON)."""
    text = write_interface(service.workspace.index, format_)
    if format_ == "label-studio":
        return _download(text, "label-studio-interface.xml", "application/xml")
    return _download(text, "argilla-labels.json", "application/json")


class ImportRequest(BaseModel):
    """The text of a file of answers; `person` is who brings it, for answers that name no annotator."""

    person: Person
    text: Annotated[str, Field(min_length=1, max_length=60_000_000)]


class Imported(BaseModel):
    """How many answers were taken, how many items had none, and which were refused and why (the first hundred)."""

    taken: int
    answers: int
    blank: int
    refused: list[Refused]


@router.post("/review/import")
def import_answers(service: Served, asked: ImportRequest) -> Imported:
    """Take answers over from Label Studio (its JSON export) or Argilla (`records.to_json`)."""
    with _QUEUES:
        queue = _queue(service, asked.person)
        found = read_answers(service.workspace, queue, asked.text)
        taken = apply_answers(queue, found)
        service.workspace.send_decisions(queue)
    return Imported(
        taken=taken, answers=len(found.decisions), blank=found.blank, refused=list(found.refused[:100])
    )
