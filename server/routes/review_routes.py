"""What people say of items: corrections, feedback, and the queue of items to review."""

import threading
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from taxonaut.server.pages import AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES
from taxonaut.server.routes.change_routes import Name
from taxonaut.server.routes.suggest_routes import GivenItem, as_given
from taxonaut.server.service import Served
from taxonaut.state.records import Item
from taxonaut.state.stores.ledger import ItemTruth
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.learn.corrections import Correction, find_item
from taxonaut.workspace.learn.feedback import MarkedItem
from taxonaut.workspace.review.review_queue import (
    DecisionKind,
    Progress,
    QueuedItem,
    ReviewDecision,
    ReviewQueue,
)

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
    """List what is known of items, and what their latest walks got right, wrong, and missed."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    found = service.workspace.feedback().items
    end = start + limit
    return Page(entries=list(found[start:end]), next=cursor(end) if end < len(found) else None)


def _queue(service: Served, person: str) -> ReviewQueue:
    queues: dict[str, ReviewQueue] = service.queues
    if person not in queues:
        if len(queues) >= 1_000:
            queues.pop(next(iter(queues)))
        queues[person] = service.workspace.review_queue(person)
    return queues[person]


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


class AnswerRequest(BaseModel):
    """A person's decision on an item of the queue: `labels` go with the kind `label` alone."""

    person: Person
    key: Annotated[str, Field(min_length=1, max_length=2_000)]
    kind: DecisionKind
    labels: Annotated[list[Name], Field(max_length=100)] = []


@router.post("/review/answers")
def answer(service: Served, asked: AnswerRequest) -> Progress:
    """Take a decision; it counts at once, and learning reads it."""
    labels = tuple(find_label(service.workspace.index, each) for each in asked.labels)
    with _QUEUES:
        queue = _queue(service, asked.person)
        queue.answer(asked.key, ReviewDecision(asked.kind, labels))
        service.workspace.send_decisions(queue)
        return queue.progress()


@router.post("/review/undo")
def undo_answer(service: Served, asked: PersonRequest) -> QueuedItem | None:
    """Take this person's latest decision back; the answer is its item, null where there is none."""
    with _QUEUES:
        queue = _queue(service, asked.person)
        found = queue.undo()
        service.workspace.send_decisions(queue)
        return found
