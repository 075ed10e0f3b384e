"""What is behind the answers: an item's walk explained, trained experts, the vocabulary."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from taxonaut.server.pages import AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.walk.explanation import Explanation

router = APIRouter(prefix="/api", responses=RESPONSES)


@router.get("/explain", tags=["items"])
def explain(
    service: Served,
    item: Annotated[str, Query(min_length=1, max_length=20_000, description="The item's id.")],
    gold: Annotated[list[str], Query(max_length=100, description="Right labels, by id, name or path.")] = [],  # noqa: B006
) -> Explanation:
    """Show an item's latest walk as a tree, its ranking, and where each `gold` label was found or lost."""
    labels = [find_label(service.workspace.index, each) for each in gold]
    return service.workspace.explain(ItemId(item), labels)


class Expert(BaseModel):
    """A trained expert: what it was trained on, with which settings, and how good it is on held-out items."""

    number: int
    kind: str
    made: str
    data: dict[str, Any]
    settings: dict[str, Any]
    metrics: dict[str, Any]


@router.get("/experts", tags=["learning"])
def experts(service: Served) -> list[Expert]:
    """List the trained experts, the newest last, which is the one in use."""
    service.workspace.refresh()
    return [_expert(card) for card in service.workspace.experts.cards()]


@router.get("/experts/{number}", tags=["learning"])
def expert(service: Served, number: int) -> Expert:
    """Show a trained expert."""
    service.workspace.refresh()
    return _expert(service.workspace.experts.card(number))


def _expert(card: ExpertCard) -> Expert:
    return Expert(
        number=card.number,
        kind=card.kind,
        made=card.made,
        data=dict(card.data),
        settings=dict(card.settings),
        metrics=dict(card.metrics),
    )


class DescriptorAnswer(BaseModel):
    """A descriptor of the vocabulary; `items` counts those with it on their best path, `level` begins at 1."""

    id: NodeId
    parent: NodeId
    level: int
    path: list[str]
    description: str
    items: int


@router.get("/vocabulary", tags=["vocabulary"])
def vocabulary(service: Served, limit: LimitQuery = 100, after: AfterQuery = "") -> Page[DescriptorAnswer]:
    """List the descriptors of the vocabulary, each before those below it."""
    place = read_cursor(after, int)
    start = max(0, place[0]) if place else 0
    found = service.vocabulary()
    end = start + limit
    entries = [
        DescriptorAnswer(
            id=each.id,
            parent=each.parent,
            level=each.level,
            path=list(each.path),
            description=each.node.description,
            items=found.items_at.get(each.id, 0),
        )
        for each in found.descriptors[start:end]
    ]
    return Page(entries=entries, next=cursor(end) if end < len(found.descriptors) else None)
