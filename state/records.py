"""What passes between the folders: frozen records, never bare dicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId

NATIVE = "native"
"""The method of a tree that a label file describes: its paths say what a label means."""

VOCABULARY = "vocabulary"
"""The method of a tree that is a vocabulary: descriptors without labels."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as the person gave it. `batch` names the import it came in."""

    id: LabelId
    name: str
    description: str = ""
    batch: str = "initial"


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the index: a centre in the sense of XMC-Agent, 2.1.

    `label_id` is set where the node is itself one of the person's labels (an inner category of a native
    tree). `examples` are names of labels below it that stand for the rest.
    """

    id: NodeId
    name: str
    description: str = ""
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    label_id: LabelId | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A text to label."""

    id: ItemId
    text: str


class Identified(Protocol):
    """What has an id of its own, as an item has."""

    @property
    def id(self) -> str:
        """What it is known by."""
        ...


Each = TypeVar("Each", bound=Identified)


def distinct_items(items: Iterable[Each]) -> list[Each]:
    """Return items in their order, each once; InputError for two different ones with one id."""
    known: dict[str, Each] = {}
    for item in items:
        if known.setdefault(item.id, item) != item:
            raise InputError(f"two items have the id {item.id!r}; give each an id of its own")
    return list(known.values())


@dataclass(frozen=True, slots=True)
class Prediction:
    """One label found for an item, with the path that led to it.

    `path` runs from the node below the root to the label's own name. `score` falls from the first
    prediction to the last. `evidence` is the phrase of the item that earned the label. `origin` is where
    the shortlist got it: `tree`, `dense` or `both`.
    """

    label_id: LabelId
    name: str
    path: tuple[str, ...]
    score: float
    evidence: str = ""
    reason: str = ""
    origin: str = "tree"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came out for one item. `error` is set where some of its decisions failed."""

    item_id: ItemId
    labels: tuple[Prediction, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request cost. `reused_tokens` of `prompt_tokens` were served from a kept prefix."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0
    latency_s: float = 0.0
    attempts: int = 1
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One model request and its tool call (docs/architecture.md, "One decision").

    `options` are what was on offer, in the order shown: node ids for a walk, label ids for a ranking.
    `choice` is the subset taken, best first; empty is an abstention. `scores` align with `options`.
    `rendered` is a short hash of the blocks that the model was shown; empty where it read none. Which run it
    belongs to is said where it is kept (`Runs.finish`).
    """

    item_id: ItemId
    node_id: NodeId | None
    agent: str
    template: str
    template_hash: str
    model: str
    tool: str
    options: tuple[str, ...]
    choice: tuple[str, ...]
    scores: tuple[float, ...] = ()
    evidence: tuple[str, ...] = ()
    seed: int = 0
    usage: Usage = Usage()
    error: str = ""
    rendered: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema written for this one request."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One change to the index and the change that takes it back.

    Events of one `Index.change` block share `change`, the id of the first of them, and `note`.
    """

    id: EventId
    at: str
    operation: str
    payload: Mapping[str, Any]
    inverse: Mapping[str, Any]
    change: EventId
    note: str = ""
    undone_by: EventId | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Events that were made as one, and are undone as one.

    `id` is its last event, so that the index after the change is the index after that event; `first` its
    first. `operations` counts its events by kind; `payload` is that of its first event. `undone` of its
    events are undone, the last of them by event `undone_by`.
    """

    id: EventId
    first: EventId
    at: str
    operations: Mapping[str, int]
    payload: Mapping[str, Any]
    note: str = ""
    undone: int = 0
    undone_by: EventId | None = None

    @property
    def is_undone(self) -> bool:
        """Whether none of its events stands."""
        return self.undone == sum(self.operations.values())


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a tree that is still outside the index; `key` is local to the tree."""

    key: int
    name: str
    description: str = ""
    label_id: LabelId | None = None
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole hierarchy on its way into the index, made by a builder or read from a file.

    `edges` are (parent key, child key); key 0 is the root and needs no entry in `nodes`. `placements` are
    (node key, label id). A label that is itself a node is placed in that node. `method` says how it was made.
    """

    method: str
    nodes: tuple[TreeNode, ...]
    edges: tuple[tuple[int, int], ...]
    placements: tuple[tuple[int, LabelId], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
