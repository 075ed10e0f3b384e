"""Frozen records exchanged between packages: labels, nodes, items, results, decisions, events, trees."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId

NATIVE = "native"
"""The method of a tree read from a label file, whose paths carry meaning."""

VOCABULARY = "vocabulary"
"""The method of a tree of descriptors without labels."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label as the user gave it.

    `batch` names its import, `alternatives` are other names of it, `notation` is its code in its source.
    """

    id: LabelId
    name: str
    description: str = ""
    batch: str = "initial"
    alternatives: tuple[str, ...] = ()
    notation: str = ""


def distinct_names(names: Iterable[str], name: str) -> tuple[str, ...]:
    """Return alternative names of a label called `name`, without repeats of it or of each other, ignoring case."""
    found = {name.casefold(): name}
    for each in names:
        found.setdefault(each.casefold(), each)
    return tuple(found.values())[1:]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the index: a centre in the sense of XMC-Agent, 2.1.

    `label_id` is set if the node is itself one of the user's labels (an inner category of a native tree).
    `examples` are names of representative labels below it.
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
    """A text to label.

    `columns` are the names and texts of the columns that `text` joins by line breaks; none where it is of one.
    """

    id: ItemId
    text: str
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def named_text(self) -> str:
        """The text as prompts show it: that of several columns with a column's name before each."""
        return "\n".join(f"{name}: {text}" for name, text in self.columns) or self.text


class Identified(Protocol):
    """Anything with an id, such as an item."""

    @property
    def id(self) -> str:
        """What it is known by."""
        ...


Each = TypeVar("Each", bound=Identified)


def hash_text(text: str) -> str:
    """Return the first half of a text's SHA-256, 32 hexadecimal digits."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def as_item(text: str | Item) -> Item:
    """Return an item for a text. Its id is the first half of the text's SHA-256, so equal texts are one item.

    Raises InputError for anything else.
    """
    if isinstance(text, Item):
        return text
    if not isinstance(text, str):
        raise InputError(
            f"an item is {text!r} ({type(text).__name__}); give texts or Item(id, text), '' for a missing text"
        )
    return Item(ItemId(hash_text(text)), text)


def as_items(texts: Iterable[str | Item]) -> Iterator[Item]:
    """Return items for texts, read lazily.

    Raises InputError for one text, whose characters would be the items, and for a table or a mapping, whose column
    names or keys would be.
    """
    refuse_table(texts, 'a column of it, such as table["text"], or Item(id, text) for each row')
    if isinstance(texts, str | bytes):
        raise InputError(f"{texts[:80]!r} is one text; give a list of texts, such as [text]")
    return map(as_item, texts)


def refuse_table(given: object, wanted: str) -> None:
    """Raise InputError for a table (pandas, Polars, Arrow) or a mapping; `wanted` says what to give instead.

    Iterating one yields the names of its columns, or the columns themselves, not its rows.
    """
    names: Any = getattr(given, "column_names", None) or getattr(given, "columns", None)
    if isinstance(given, Mapping) or names is not None:
        keys = [str(name) for name in (given if isinstance(given, Mapping) else names)]
        kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
        raise InputError(
            f"a table ({kind}) with the columns {', '.join(map(repr, keys[:8]))} is given; give {wanted}"
        )


def distinct_items(items: Iterable[Each]) -> list[Each]:
    """Return items in order without repeats. Raises InputError for two different ones with one id."""
    known: dict[str, Each] = {}
    for item in items:
        if known.setdefault(item.id, item) != item:
            raise InputError(f"two items have the id {item.id!r}; give each item a unique id")
    return list(known.values())


@dataclass(frozen=True, slots=True)
class Place:
    """Where a phrase stands in a text: characters `start` to `end`, in passage `passage` of `passages`, from 1."""

    start: int
    end: int
    passage: int
    passages: int


ALTERNATIVE_NAME = "an alternative name"
"""The reason of a prediction whose evidence is one of the label's alternative names."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One label predicted for an item, with the path that led to it.

    `path` runs from the node below the root to the label's name. Scores fall from the first prediction to the
    last. `evidence` is the phrase of the item that supports the label; `place` says where it stands in a text that is
    read in several passages. `origin` is its source in the shortlist:
    `tree`, `dense` or `both`. `notation` is the label's code in its source, if it has one.
    """

    label_id: LabelId
    name: str
    path: tuple[str, ...]
    score: float
    evidence: str = ""
    reason: str = ""
    origin: str = "tree"
    place: Place | None = None
    notation: str = ""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The predictions for one item. `error` is set if some of its decisions failed.

    `ranked`: where an encoder ranked, the best similarities of all it ranked, at most 11, best first; the labels'
    scores are similarities too. Results of a workspace have probabilities instead, and no `ranked`.
    """

    item_id: ItemId
    labels: tuple[Prediction, ...]
    error: str = ""
    ranked: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of one request. `reused_tokens` of `prompt_tokens` were served from a prefix cache."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reused_tokens: int = 0
    latency_s: float = 0.0
    attempts: int = 1
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a language model was sent, and what it replied, in the OpenAI format.

    `messages` are those of the last call, so that faulty replies and what was said about them are among them.
    `tools` are the tools as they were sent; empty where they are described in the messages. `replies` is the reply of
    the last call; empty if none came.
    """

    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    replies: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One model request and its tool call (docs/architecture.md, "One decision").

    `options` are the options in the order shown: node ids for a walk, label ids for a ranking. `choice` is the
    chosen subset, best first; empty means abstention. `scores` align with `options`. `rendered` is a short hash of
    the prompt blocks that the model was shown; empty if it read none. `transcript` is what it was sent; None if it
    read none, if no texts are kept, and of decisions read back (see `Transcripts.of_run`). `Runs.finish` stores the
    run it belongs to.
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
    transcript: Transcript | None = field(default=None, compare=False, repr=False)

    @property
    def is_request(self) -> bool:
        """Whether a language model was asked, by the traces it left; otherwise vectors were compared."""
        failed = bool(self.error) and not self.model.startswith("encoder/")
        return bool(self.rendered or self.transcript or self.usage.prompt_tokens or failed)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; `parameters` is a JSON schema written for this one request."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One logged change to the index, with its inverse.

    Events of one `Index.change` block share `note` and `change`, the id of the first of them.
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
    """A group of events that is undone as one.

    `first` is the id of its first event, `id` that of its last: the index after the change is the index after that
    event. `operations` counts its events by kind; `payload` is that of its first event. `undone` counts its undone
    events, the last of which was undone by event `undone_by`.
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
        """Whether all of its events are undone."""
        return self.undone == sum(self.operations.values())


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a tree outside the index; `key` is local to the tree."""

    key: int
    name: str
    description: str = ""
    label_id: LabelId | None = None
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole hierarchy to be loaded into the index, made by a builder or read from a file.

    `edges` are (parent key, child key); key 0 is the root and needs no entry in `nodes`. `placements` are
    (node key, label id). A label that is itself a node is placed in that node. `method` names the builder.
    """

    method: str
    nodes: tuple[TreeNode, ...]
    edges: tuple[tuple[int, int], ...]
    placements: tuple[tuple[int, LabelId], ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
