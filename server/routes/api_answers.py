"""The answers that several paths share: labels with their paths, nodes, suggestions with their evidence."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from taxonaut.server.service import Service
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Item, ItemResult, Label, Node, Prediction
from taxonaut.workspace.files.index_formats.label_languages import ShownNames


class LabelAnswer(BaseModel):
    """A label. `uri`: its id where that is one; `notation`: its code in its source; `paths`: names from the top."""

    id: LabelId
    uri: str | None
    notation: str
    name: str
    description: str
    alternatives: list[str]
    paths: list[list[str]]


class NodeAnswer(BaseModel):
    """A node of the tree. `label_id` is set where it is a label itself; 1 is the root.

    `children` counts the nodes below it, `labels` the labels that stand in it, itself not counted.
    """

    id: NodeId
    name: str
    description: str
    label_id: LabelId | None
    children: int
    labels: int


class EvidencePlace(BaseModel):
    """Where the evidence stands in the text: characters `start` to `end`, counted from 0 as Python counts."""

    start: int
    end: int


class SuggestedLabel(BaseModel):
    """A label for a text, with the path that led to it and what supports it.

    `evidence` is a phrase of the text, `place` where that stands, null where it is no part of it; `origin` says
    whether the tree, dense retrieval or both found the label.
    """

    id: LabelId
    uri: str | None
    notation: str
    name: str
    path: list[str]
    score: float
    evidence: str
    place: EvidencePlace | None
    reason: str
    origin: str


class Suggestion(BaseModel):
    """The labels of one text, best first; `error` is set where a model gave no answer."""

    item_id: ItemId
    labels: list[SuggestedLabel]
    error: str = Field(default="")


def uri_of(label: LabelId) -> str | None:
    """Return a label's id where it is a URI."""
    scheme, colon, rest = label.partition(":")
    is_uri = colon and rest and (rest.startswith("//") or scheme == "urn") and scheme.isalnum()
    return label if is_uri else None


def label_answers(
    service: Service, labels: Sequence[Label], names: ShownNames | None = None
) -> list[LabelAnswer]:
    """Return labels with their paths, and with the names of a language."""
    paths = service.workspace.index.paths_of([label.id for label in labels])
    return [_label_answer(label, paths[label.id], names) for label in labels]


def _label_answer(label: Label, paths: Sequence[tuple[str, ...]], names: ShownNames | None) -> LabelAnswer:
    shown = label if names is None else names.label(label)
    return LabelAnswer(
        id=label.id,
        uri=uri_of(label.id),
        notation=label.notation,
        name=shown.name,
        description=label.description,
        alternatives=list(label.alternatives),
        paths=[list(path if names is None else names.path(path, label.id)) for path in paths],
    )


def node_answers(
    service: Service, nodes: Sequence[Node], names: ShownNames | None = None
) -> list[NodeAnswer]:
    """Return nodes with how much is below them."""
    sizes = service.workspace.index.sizes([node.id for node in nodes])
    return [_node_answer(node, sizes, names) for node in nodes]


def _node_answer(node: Node, sizes: Mapping[NodeId, tuple[int, int]], names: ShownNames | None) -> NodeAnswer:
    children, labels = sizes[node.id]
    name = node.name
    if names is not None and node.label_id is not None:
        name = names.names.get(node.label_id, name)
    return NodeAnswer(
        id=node.id,
        name=name,
        description=node.description,
        label_id=node.label_id,
        children=children,
        labels=labels - (node.label_id is not None and labels > 0),
    )


def suggestion(item: Item, result: ItemResult, names: ShownNames | None = None) -> Suggestion:
    """Return an item's result as the API has it."""
    found = result if names is None else names.result(result)
    return Suggestion(
        item_id=item.id,
        labels=[_suggested(item.text, each) for each in found.labels],
        error=found.error,
    )


def _suggested(text: str, label: Prediction) -> SuggestedLabel:
    return SuggestedLabel(
        id=label.label_id,
        uri=uri_of(label.label_id),
        notation=label.notation,
        name=label.name,
        path=list(label.path),
        score=label.score,
        evidence=label.evidence,
        place=_find_place(text, label),
        reason=label.reason,
        origin=label.origin,
    )


def _find_place(text: str, label: Prediction) -> EvidencePlace | None:
    if not label.evidence:
        return None
    if label.place is not None:
        return EvidencePlace(start=label.place.start, end=label.place.end)
    start = text.find(label.evidence)
    if start < 0:
        start = text.lower().find(label.evidence.lower()) if len(text) == len(text.lower()) else -1
    return EvidencePlace(start=start, end=start + len(label.evidence)) if start >= 0 else None
