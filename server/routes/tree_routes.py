"""The tree, its labels and its items: reading, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from taxonaut.server.pages import AfterQuery, LimitQuery, Page, cursor, read_cursor
from taxonaut.server.problems import RESPONSES
from taxonaut.server.routes.api_answers import LabelAnswer, NodeAnswer, label_answers, node_answers
from taxonaut.server.service import LanguageQuery, Served
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Item
from taxonaut.workspace.build.tree_preview import find_node
from taxonaut.workspace.labels.label_changes import find_label

router = APIRouter(prefix="/api", tags=["tree"], responses=RESPONSES)

NodeNumber = Annotated[int, Query(ge=0, lt=2**62)]


class ChildAnswer(BaseModel):
    """What is directly under a node: another node, or a label without anything below it."""

    node: NodeAnswer | None = None
    label: LabelAnswer | None = None


class NodeWithPath(BaseModel):
    """A node, with the nodes from the top down to it, itself last."""

    node: NodeAnswer
    path: list[NodeAnswer]


@router.get("/tree/{node}/children")
def children(
    service: Served, node: int, limit: LimitQuery = 100, after: AfterQuery = "", language: LanguageQuery = ""
) -> Page[ChildAnswer]:
    """List what is directly under a node, page by page: first nodes, then labels. 1 is the root."""
    index, names = service.workspace.index, service.names(language)
    here = _known_node(service, node)
    below = index.child_ids(here)
    own = index.node(here).label_id
    placed = [label for label in index.labels_under([here])[here] if label != own]
    place = read_cursor(after, str, str)
    start = _start(place, [str(each) for each in below], placed)
    nodes = index.nodes(below[start : start + limit])
    first = max(0, start - len(below))
    labels = index.labels(placed[first : first + limit - len(nodes)])
    entries = [ChildAnswer(node=each) for each in node_answers(service, nodes, names)]
    entries += [ChildAnswer(label=each) for each in label_answers(service, labels, names)]
    end = start + len(entries)
    last = ("label", labels[-1].id) if labels else ("node", str(nodes[-1].id)) if nodes else None
    more = last is not None and end < len(below) + len(placed)
    return Page(entries=entries, next=cursor(*last) if more and last else None)


def _start(place: tuple[str, ...] | None, nodes: list[str], labels: list[LabelId]) -> int:
    """Return where a page begins, after the last entry of the page before; raises InputError where that is gone."""
    if place is None:
        return 0
    kind, last = place
    try:
        return len(nodes) + labels.index(LabelId(last)) + 1 if kind == "label" else nodes.index(last) + 1
    except ValueError:
        raise InputError("the tree has changed since the page before; begin again, without after") from None


@router.get("/tree/{node}")
def node(service: Served, node: int, language: LanguageQuery = "") -> NodeWithPath:
    """Show a node and the way to it. 1 is the root."""
    here, names = _known_node(service, node), service.names(language)
    index = service.workspace.index
    way = index.nodes(index.node_paths([here])[here]) if here != index.root() else []
    return NodeWithPath(
        node=node_answers(service, [index.node(here)], names)[0], path=node_answers(service, way, names)
    )


@router.get("/find-node")
def find(
    service: Served, path: Annotated[str, Query(max_length=20_000)], language: LanguageQuery = ""
) -> NodeWithPath:
    """Find a node by its path from the top, as in `Sport > Shoes`."""
    return node(service, find_node(service.workspace.index, path), language)


def _known_node(service: Served, node: int) -> NodeId:
    return service.workspace.index.node(NodeId(min(max(node, 0), 2**62))).id


@router.get("/labels", tags=["labels"])
def labels(
    service: Served, limit: LimitQuery = 100, after: AfterQuery = "", language: LanguageQuery = ""
) -> Page[LabelAnswer]:
    """List the labels in the order of their import, without retired ones."""
    place = read_cursor(after, str)
    found = service.workspace.index.labels_after(None if place is None else LabelId(place[0]), limit + 1)
    shown = label_answers(service, found[:limit], service.names(language))
    return Page(entries=shown, next=cursor(shown[-1].id) if len(found) > limit else None)


@router.get("/search", tags=["labels"])
def search(
    service: Served,
    query: Annotated[str, Query(min_length=1, max_length=1_000)],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    language: LanguageQuery = "",
) -> list[LabelAnswer]:
    """Search names, alternative names, codes, ids and descriptions, best match first."""
    if not query.strip():
        raise InputError(f"the query {query!r} is empty; give one or more words of a label")
    return label_answers(service, service.workspace.index.search(query, limit), service.names(language))


@router.get("/label", tags=["labels"])
def label(
    service: Served, id: Annotated[str, Query(min_length=1, max_length=20_000)], language: LanguageQuery = ""
) -> LabelAnswer:
    """Show a label by its id, a former id, its name, or its path, as in `Sport > Shoes`."""
    index = service.workspace.index
    found = index.label(find_label(index, id))
    return label_answers(service, [found], service.names(language))[0]


class ItemAnswer(BaseModel):
    """An item that was labelled or added."""

    id: ItemId
    text: str


@router.get("/items", tags=["items"])
def items(service: Served, limit: LimitQuery = 100, after: AfterQuery = "") -> Page[ItemAnswer]:
    """List the items by id."""
    place = read_cursor(after, str)
    found = service.workspace.items.after(ItemId(place[0] if place else ""), limit + 1)
    shown = [_item_answer(each) for each in found[:limit]]
    return Page(entries=shown, next=cursor(shown[-1].id) if len(found) > limit else None)


@router.get("/item", tags=["items"])
def item(service: Served, id: Annotated[str, Query(min_length=1, max_length=20_000)]) -> ItemAnswer:
    """Show an item by its id."""
    return _item_answer(service.workspace.items.get([ItemId(id)])[0])


def _item_answer(item: Item) -> ItemAnswer:
    return ItemAnswer(id=item.id, text=item.text)


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
