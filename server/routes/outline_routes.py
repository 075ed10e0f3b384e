"""The tree as a screen of any length shows it: rows by their place, the way to a row, and a label's card."""

from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from taxonaut.server.problems import RESPONSES
from taxonaut.server.routes.api_answers import LabelAnswer, label_answers
from taxonaut.server.routes.change_routes import LoggedChange, logged_change
from taxonaut.server.service import LanguageQuery, Served, Service
from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId
from taxonaut.state.label_mappings import LabelMapping
from taxonaut.state.records import Label
from taxonaut.state.stores.decisions import Decisions
from taxonaut.workspace.files.index_formats.label_languages import ShownNames, find_readings
from taxonaut.workspace.files.index_formats.skos import ConceptReading
from taxonaut.workspace.labels.label_changes import find_label

router = APIRouter(prefix="/api", tags=["tree"], responses=RESPONSES)

MOST_ROWS = 500
MOST_PLACES = 50
MOST_ITEMS = 20
MOST_CHANGES = 20
MOST_OPEN = 200

Place = Annotated[int, Query(ge=0, lt=2**31)]


class OutlineRow(BaseModel):
    """A node, a label, or both: a label that has others below it. `below` counts what is directly under it."""

    node: NodeId | None
    label: LabelId | None
    name: str
    notation: str = ""
    below: int = 0


class OpenRow(BaseModel):
    """Where an open node stands in its parent, from 0, and how many rows are directly under it."""

    node: NodeId
    place: int
    total: int


class Outline(BaseModel):
    """The rows from `start` on of the `total` under a node, in the index's `version`.

    `open`: of the nodes that the request calls open, those that are children of this one.
    """

    version: int
    node: NodeId
    total: int
    start: int
    rows: list[OutlineRow]
    open: list[OpenRow] = []


@router.get("/outline/{node}")
def outline(
    service: Served,
    node: int,
    start: Place = 0,
    limit: Annotated[int, Query(ge=0, le=MOST_ROWS)] = 100,
    open: Annotated[list[int], Query(max_length=MOST_OPEN)] = [],  # noqa: B006
    language: LanguageQuery = "",
) -> Outline:
    """List a stretch of what is directly under a node, from any place on: first nodes, then labels. 1 is the root."""
    index, names = service.workspace.index, service.names(language)
    here = _node_id(service, node)
    nodes, labels, total = index.directly_below(here, start, limit)
    codes = {label.id: label for label in index.labels([each.label_id for each in nodes if each.label_id])}
    sizes = index.sizes([each.id for each in nodes])
    rows = []
    for each in nodes:
        children, placed = sizes[each.id]
        own = codes.get(each.label_id) if each.label_id else None
        rows.append(
            OutlineRow(
                node=each.id,
                label=each.label_id,
                name=each.name if own is None else _name(own, names),
                notation=own.notation if own else "",
                below=children + placed - (own is not None and placed > 0),
            )
        )
    rows += [
        OutlineRow(node=None, label=each.id, name=_name(each, names), notation=each.notation)
        for each in labels
    ]
    opened = [_open_row(service, here, NodeId(each)) for each in open if index.has_node(NodeId(each))]
    return Outline(
        version=index.version(),
        node=here,
        total=total,
        start=start,
        rows=rows,
        open=[each for each in opened if each is not None],
    )


def _node_id(service: Service, node: int) -> NodeId:
    return service.workspace.index.node(NodeId(min(max(node, 0), 2**62))).id


def _name(label: Label, names: ShownNames | None) -> str:
    return label.name if names is None else names.label(label).name


def _open_row(service: Service, parent: NodeId, node: NodeId) -> OpenRow | None:
    index = service.workspace.index
    place = index.place_below(parent, node)
    return None if place is None else OpenRow(node=node, place=place, total=_total(service, node))


def _total(service: Service, node: NodeId) -> int:
    return service.workspace.index.directly_below(node, 0, 0)[2]


class Way(BaseModel):
    """The way from the top down to a row: the nodes to open, and the place of the row in the last of them."""

    open: list[OpenRow]
    parent: NodeId
    place: int
    row: OutlineRow


@router.get("/outline-way")
def way(
    service: Served,
    label: Annotated[str, Query(max_length=20_000)] = "",
    node: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    under: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    language: LanguageQuery = "",
) -> Way | None:
    """Find where a label or a node stands: the nodes that must be open for it to be seen.

    Null for a label that stands nowhere, as one that is retired does. `under` chooses one of several places by the
    node above.
    """
    index, names = service.workspace.index, service.names(language)
    if (node is None) == (not label):
        raise InputError("give a label, or the number of a node")
    found = None if node is not None else index.label(find_label(index, label, retired=True))
    here = _node_id(service, node) if node is not None else _own_node(service, found)
    if here == index.root():
        raise InputError("the root has no place: it holds the whole tree")
    if here is not None:
        standing = index.node(here)
        above = [parent.id for parent in index.parents(here)]
        entry: NodeId | LabelId = here
        own = index.label(standing.label_id) if standing.label_id else None
        name = standing.name if own is None else _name(own, names)
    else:
        assert found is not None
        above = index.placements_of(found.id)
        entry, own, name = found.id, found, _name(found, names)
        if not above:
            return None
    parent = next((each for each in above if each == under), above[0])
    steps = [] if parent == index.root() else list(index.node_paths([parent])[parent])
    place = index.place_below(parent, entry)
    pairs = list(zip([index.root(), *steps], steps, strict=False))
    opened = [_open_row(service, top, below) for top, below in pairs]
    return Way(
        open=[each for each in opened if each is not None],
        parent=parent,
        place=place or 0,
        row=OutlineRow(
            node=here,
            label=own.id if own else None,
            name=name,
            notation=own.notation if own else "",
            below=_total(service, here) if here is not None else 0,
        ),
    )


def _own_node(service: Service, label: Label | None) -> NodeId | None:
    """Return the node that a label is, None for one without anything below it."""
    assert label is not None
    index = service.workspace.index
    places = index.placements_of(label.id)
    return next((each.id for each in index.nodes(places) if each.label_id == label.id), None)


class FoundRow(BaseModel):
    """A label or a node that a search found; `matched` is the alternative name that has the words, if any has.

    `retired`: it left the tree, and can be restored.
    """

    node: NodeId | None
    label: LabelId | None
    name: str
    notation: str
    path: list[str]
    matched: str = ""
    retired: bool = False


@router.get("/outline-search")
def find_rows(
    service: Served,
    query: Annotated[str, Query(min_length=1, max_length=1_000)],
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    language: LanguageQuery = "",
) -> list[FoundRow]:
    """Find labels by name, alternative name, code or id, retired ones last, and nodes that are no labels by name."""
    text = query.strip()
    if not text:
        raise InputError(f"the query {query!r} is empty; give one or more words of a label")
    index, names = service.workspace.index, service.names(language)
    coded = index.labels_noted(text, limit)
    labels = list({each.id: each for each in [*coded, *index.search(text, limit, retired=True)]}.values())
    paths = index.paths_of([each.id for each in labels])
    rows = [
        FoundRow(
            node=None,
            label=each.id,
            name=_name(each, names),
            notation=each.notation,
            path=list(paths[each.id][0][:-1]) if paths[each.id] else [],
            matched=_matched(each, text),
            retired=index.is_retired(each.id),
        )
        for each in labels
    ]
    nodes = [
        each for each in index.search_nodes(text, limit) if each.label_id is None and each.id != index.root()
    ]
    ways = index.node_paths([each.id for each in nodes])
    shown = {
        each.id: each.name for each in index.nodes(list({step for way in ways.values() for step in way}))
    }
    groups = [
        FoundRow(
            node=each.id,
            label=None,
            name=each.name,
            notation="",
            path=[shown[step] for step in ways[each.id][:-1]],
        )
        for each in nodes
    ]
    standing = [row for row in rows if not row.retired]
    return [*standing, *groups, *(row for row in rows if row.retired)][:limit]


def _matched(label: Label, text: str) -> str:
    words = text.casefold().split()
    if any(word in label.name.casefold() for word in words):
        return ""
    return next((each for each in label.alternatives if any(word in each.casefold() for word in words)), "")


class LabelText(BaseModel):
    """A name or a note of a label in the RDF that it came from; `kind` as in SKOS, such as prefLabel."""

    kind: str
    language: str
    text: str


class LabelPlace(BaseModel):
    """A place of a label: the node that it is directly under, and the names on the way."""

    under: NodeId
    path: list[str]


class Confused(BaseModel):
    """Another label: answered `instead` of this one so many times, and this one in place of it `for_it` times."""

    label: LabelId
    name: str
    instead: int
    for_it: int


class CardItem(BaseModel):
    """An item with the label; `said`: somebody said that it is right, else a run answered it."""

    id: ItemId
    text: str
    said: bool


class Former(BaseModel):
    """What became of a label's id: merged, split, retired or renamed; `reason` as it was given."""

    id: LabelId
    name: str
    kind: str
    at: str
    reason: str
    into: list[LabelId]


class LabelCard(BaseModel):
    """All that is known of a label. `node`: the node that it is itself; `retired`: what became of it, if it left.

    `gold` counts items for which it was said to be right, `answered` those that got it in some run.
    """

    version: int
    label: LabelAnswer
    node: NodeId | None
    below: int
    batch: str
    places: list[LabelPlace]
    texts: list[LabelText]
    gold: int
    answered: int
    items: list[CardItem]
    confused: list[Confused]
    former: list[Former]
    retired: Former | None
    history: list[LoggedChange]


@router.get("/label-card", tags=["labels"])
def card(
    service: Served, id: Annotated[str, Query(min_length=1, max_length=20_000)], language: LanguageQuery = ""
) -> LabelCard:
    """Show a label with its texts, places, items, what it is confused with, and what became of it and into it."""
    workspace = service.workspace
    index = workspace.index
    label = index.label(find_label(index, id, retired=True))
    own = _own_node(service, label)
    standing = index.mapping_of(label.id)
    read = _readings(service, index.version()).get(label.id)
    others = workspace.ledger.confusions(label.id, 10)
    known = [each for each in others if index.knows_id(each[0]) and each[0] in index.todays([each[0]])]
    called = {
        each: index.label(today).name for each, today in index.todays([row[0] for row in known]).items()
    }
    history = index.events.changes(MOST_CHANGES, label=label.id, nodes=[] if own is None else [own])
    return LabelCard(
        version=index.version(),
        label=label_answers(service, [label], service.names(language))[0],
        node=own,
        below=0 if own is None else _total(service, own),
        batch=label.batch,
        places=_places(service, label, own),
        texts=[LabelText(kind=kind, language=tag, text=text) for kind, tag, text in read.texts]
        if read
        else [],
        gold=workspace.ledger.count([label.id]),
        answered=Decisions(workspace.database).count_items([label.id]),
        items=_items(service, label.id),
        confused=[
            Confused(label=each, name=called[each], instead=instead, for_it=for_it)
            for each, instead, for_it in known
            if each in called
        ],
        former=[_former(each) for each in index.mappings() if label.id in each.new],
        retired=None if standing is None else _former(standing),
        history=[logged_change(each) for each in history],
    )


def _former(mapping: LabelMapping) -> Former:
    return Former(
        id=mapping.old,
        name=mapping.name,
        kind=mapping.kind,
        at=mapping.at,
        reason=mapping.reason,
        into=list(mapping.new),
    )


def _places(service: Service, label: Label, own: NodeId | None) -> list[LabelPlace]:
    index = service.workspace.index
    under = index.placements_of(label.id) if own is None else [each.id for each in index.parents(own)]
    ways = index.node_paths(under[:MOST_PLACES])
    names = {
        each.id: each.name for each in index.nodes(list({step for way in ways.values() for step in way}))
    }
    return [
        LabelPlace(under=each, path=[] if each == index.root() else [names[step] for step in ways[each]])
        for each in under[:MOST_PLACES]
    ]


def _items(service: Service, label: LabelId) -> list[CardItem]:
    workspace = service.workspace
    said = workspace.ledger.items_with(label, MOST_ITEMS)
    ids = list(dict.fromkeys([*said, *Decisions(workspace.database).items_with(label, MOST_ITEMS)]))[
        :MOST_ITEMS
    ]
    return [CardItem(id=each.id, text=each.text, said=each.id in said) for each in workspace.items.known(ids)]


@lru_cache(maxsize=2)
def _readings(service: Service, _: EventId) -> dict[LabelId, ConceptReading]:
    """Return what was read of the labels that came from RDF, kept until the index changes."""
    return find_readings(service.workspace)
