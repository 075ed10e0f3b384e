"""Progress of long work as typed updates: `on_update` of a workspace's methods, the stream mode `custom` of a graph.

Each has a `kind` of its own, so that a program can tell them apart in JSON as well; `as_row` makes that.
They hold ids, names and numbers, never a whole state: what a graph returns is complete without them. `tell` hands an
update to whoever listens (`listening`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from taxonaut.state.ids import ItemId, LabelId, NodeId


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage of long work is; it begins with 0 done. `total` is None where nobody knows."""

    stage: str
    done: int = 0
    total: int | None = None
    kind: Literal["progress"] = field(default="progress", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class LevelStarted:
    """A step of a walk begins: so many items (or new labels) stand before so many nodes. Levels count from 1."""

    level: int
    items: int
    nodes: int
    kind: Literal["level_started"] = field(default="level_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class NodeOpened:
    """The branches of a node are looked at for so many items; `path` are the names down to it, () the root."""

    node: NodeId
    path: tuple[str, ...]
    items: int
    kind: Literal["node_opened"] = field(default="node_opened", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """One item has what it gets: labels, best first, with the path to the best one and its score.

    `verdict` is set by `categorize`, where `score` is the domain expert's confidence. A walk that ends before the
    ranking gives the shortlist's labels without a path. `error` is set where a request failed.
    """

    item: ItemId
    labels: tuple[LabelId, ...] = ()
    path: tuple[str, ...] = ()
    score: float | None = None
    verdict: str = ""
    error: str = ""
    kind: Literal["item_finished"] = field(default="item_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ItemTagged:
    """One item has its descriptors: the best path of them, and the ends of others that fit."""

    item: ItemId
    path: tuple[NodeId, ...] = ()
    others: tuple[NodeId, ...] = ()
    error: str = ""
    kind: Literal["item_tagged"] = field(default="item_tagged", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class PartitionStarted:
    """A part of the labels (or items) is about to be divided; `attempt` counts the splits refused before.

    `key` are the numbers of the centres from the top down, empty for all; `path` their names.
    """

    key: str
    path: tuple[str, ...]
    size: int
    attempt: int = 0
    kind: Literal["partition_started"] = field(default="partition_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class CentresProposed:
    """The architect has named centres for a part."""

    key: str
    names: tuple[str, ...]
    kind: Literal["centres_proposed"] = field(default="centres_proposed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class SplitRefused:
    """A split of a part was not accepted, and why; the part is tried again."""

    key: str
    problems: tuple[str, ...]
    kind: Literal["split_refused"] = field(default="split_refused", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """A part was divided: the names of its children, how much each holds, and how much fits none of them.

    `fallback`: no split of the agents' was accepted, vectors made this one. Without names it stays whole.
    """

    key: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    other: int = 0
    fallback: bool = False
    kind: Literal["node_split"] = field(default="node_split", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class RoundFinished:
    """Annotators went over a group of items: so many have a descriptor. `round` counts from 1."""

    key: str
    round: int
    items: int
    assigned: int
    kind: Literal["round_finished"] = field(default="round_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangesReviewed:
    """The changes proposed after a round were reviewed: how many were proposed, and how many made."""

    key: str
    round: int
    proposed: int
    made: int
    kind: Literal["changes_reviewed"] = field(default="changes_reviewed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class LabelPlaced:
    """A new label has arrived at a node; `fits` is False where it stays there because no branch fitted."""

    label: LabelId
    node: NodeId
    fits: bool = True
    kind: Literal["label_placed"] = field(default="label_placed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Understood:
    """How a person's words were read, in a line."""

    text: str
    kind: Literal["understood"] = field(default="understood", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an answer, as it is written."""

    text: str
    kind: Literal["token"] = field(default="token", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call begins; `id` is the call's own."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["tool_started"] = field(default="tool_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call is over: what it came to folded to a line, and how long it took; `failed` if it was refused."""

    id: str
    name: str
    line: str
    seconds: float
    failed: bool = False
    kind: Literal["tool_finished"] = field(default="tool_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeProposed:
    """A change to the index waits for yes; `version` is that of the index that was looked at.

    `after_foreign`: texts of items were read in this turn before it, so nothing may say yes by itself.
    """

    call: str
    title: str
    diff: tuple[str, ...]
    version: str
    after_foreign: bool = False
    kind: Literal["change_proposed"] = field(default="change_proposed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """A change was made."""

    call: str
    line: str
    kind: Literal["change_made"] = field(default="change_made", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeDeclined:
    """A change was not made, as the person said no."""

    call: str
    kind: Literal["change_declined"] = field(default="change_declined", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn of a conversation is over, with its whole answer."""

    text: str
    kind: Literal["answered"] = field(default="answered", init=False, repr=False)


WalkUpdate = LevelStarted | NodeOpened | ItemFinished | ItemTagged | LabelPlaced
BuildUpdate = PartitionStarted | CentresProposed | SplitRefused | NodeSplit | RoundFinished | ChangesReviewed
TalkUpdate = (
    Understood
    | Token
    | ToolStarted
    | Progress
    | ToolFinished
    | ChangeProposed
    | ChangeMade
    | ChangeDeclined
    | Answered
)
Update = WalkUpdate | BuildUpdate | TalkUpdate

OnUpdate = Callable[[Update], None]
"""Called with each update, perhaps from another thread."""

_HEARD: ContextVar[OnUpdate | None] = ContextVar("heard", default=None)


def tell(update: Update) -> None:
    """Hand an update to whoever listens here; nothing happens if nobody does."""
    hear = _HEARD.get()
    if hear is not None:
        hear(update)


@contextmanager
def listening(on_update: OnUpdate | None) -> Iterator[None]:
    """Call `on_update` with every update of what runs inside this block, from whichever thread it runs in.

    Whoever listens outside of the block hears them too.

    >>> with listening(print):
    ...     workspace.classify(["wireless earbuds"])
    """
    heard = [each for each in (_HEARD.get(), on_update) if each is not None]

    def hear(update: Update) -> None:
        for each in heard:
            each(update)

    token = _HEARD.set(hear if heard else None)
    try:
        yield
    finally:
        _HEARD.reset(token)


@contextmanager
def staged(stage: str, total: int | None = None) -> Iterator[None]:
    """Begin a stage; all progress inside this block is told as the stage's, of `total` where it has no own total."""
    outer = _HEARD.get()

    def hear(update: Update) -> None:
        if isinstance(update, Progress):
            update = Progress(stage, update.done, total if update.total is None else update.total)
        if outer is not None:
            outer(update)

    hear(Progress(stage, 0, total))
    token = _HEARD.set(hear)
    try:
        yield
    finally:
        _HEARD.reset(token)


def as_row(update: Update) -> dict[str, Any]:
    """Return an update as plain JSON values, its `kind` first."""
    named = {each.name: to_plain(getattr(update, each.name)) for each in fields(update)}
    return {"kind": named.pop("kind"), **named}


def to_plain(value: Any) -> Any:
    """Return a value with lists for tuples and dicts for mappings, all the way down."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    return value
