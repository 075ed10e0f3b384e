"""Progress of long work as typed updates: `on_update` of a workspace's methods, the stream mode `custom` of a graph.

Each has a unique `kind`, which identifies it in JSON too (`as_row`). They hold ids, names and numbers, never a whole
state: a graph's result is complete without them. `tell` passes an update to the current listener (`listening`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from itertools import accumulate
from typing import Any, Literal

from taxonaut.state.ids import ItemId, LabelId, NodeId


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage of long work, from 0 done. `total` is None if unknown."""

    stage: str
    done: int = 0
    total: int | None = None
    kind: Literal["progress"] = field(default="progress", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class LevelStarted:
    """A step of a walk begins with so many items (or new labels) at so many nodes. Levels count from 1."""

    level: int
    items: int
    nodes: int
    kind: Literal["level_started"] = field(default="level_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class NodeOpened:
    """The branches of a node are compared for so many items; `path` holds the names down to it, () for the root."""

    node_id: NodeId
    path: tuple[str, ...]
    items: int
    kind: Literal["node_opened"] = field(default="node_opened", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """One item is finished: its labels, best first, with the path to the best one and its score.

    `verdict` is set by `categorize`, where `score` is the domain expert's confidence. A walk that ends before the
    ranking gives the shortlist's labels without a path. `error` is set if a request failed.
    """

    item_id: ItemId
    labels: tuple[LabelId, ...] = ()
    path: tuple[str, ...] = ()
    score: float | None = None
    verdict: str = ""
    error: str = ""
    kind: Literal["item_finished"] = field(default="item_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ItemTagged:
    """One item is tagged: the best path of descriptors, and the last descriptors of other fitting paths."""

    item_id: ItemId
    path: tuple[NodeId, ...] = ()
    others: tuple[NodeId, ...] = ()
    error: str = ""
    kind: Literal["item_tagged"] = field(default="item_tagged", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextsReplaced:
    """These ids had other texts in the workspace; from now on the new texts and their results are known by them."""

    item_ids: tuple[ItemId, ...]
    kind: Literal["texts_replaced"] = field(default="texts_replaced", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextsShortened:
    """These texts are longer than is read of them.

    Each is an item with how much is read of it, and how much it has. `how` is `passages` where vectors are compared:
    these are spread evenly over the text; `prompt` where a prompt shows the first characters, `vocabulary` where a
    vocabulary is made from them.
    """

    how: Literal["passages", "prompt", "vocabulary"]
    items: tuple[tuple[ItemId, int, int], ...]
    kind: Literal["texts_shortened"] = field(default="texts_shortened", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class UnknownLanguage:
    """Labels or texts (`what`) are in a language that the embedder does not know: `count` of the `read` ones.

    `known` are the languages it knows. Each language is told once for an open workspace.
    """

    language: str
    what: str
    count: int
    read: int
    embedder: str
    known: tuple[str, ...]
    kind: Literal["unknown_language"] = field(default="unknown_language", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class LabelsUnplaced:
    """`count` labels, first `label_id`, are in no node of the tree: a walk finds them by dense retrieval alone."""

    count: int
    label_id: LabelId
    kind: Literal["labels_unplaced"] = field(default="labels_unplaced", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ExpertLeftOut:
    """The newest trained expert, `number`, cannot be used for this reason: answers are given without it."""

    number: int
    reason: str
    kind: Literal["expert_left_out"] = field(default="expert_left_out", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class PartitionStarted:
    """A partition of labels (or items) is about to be split; `attempt` counts the splits refused before.

    `key` holds the numbers of the centres from the top down, empty for the whole; `path` their names.
    """

    key: str
    path: tuple[str, ...]
    size: int
    attempt: int = 0
    kind: Literal["partition_started"] = field(default="partition_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class CentresProposed:
    """The architect has proposed centres for a partition."""

    key: str
    names: tuple[str, ...]
    kind: Literal["centres_proposed"] = field(default="centres_proposed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class SplitRefused:
    """A split was refused, with the reasons; the partition is tried again."""

    key: str
    problems: tuple[str, ...]
    kind: Literal["split_refused"] = field(default="split_refused", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class NodeSplit:
    """A partition was split: the names and sizes of its children, and how many members fit none of them.

    `fallback`: no split of the agents was accepted, so it was split by clustering vectors. Without names it was not
    split.
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
    """An annotation round over a group of items: so many have a descriptor. `round` counts from 1."""

    key: str
    round: int
    items: int
    assigned: int
    kind: Literal["round_finished"] = field(default="round_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangesReviewed:
    """The changes proposed after a round were reviewed: how many were proposed, and how many applied."""

    key: str
    round: int
    proposed: int
    made: int
    kind: Literal["changes_reviewed"] = field(default="changes_reviewed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class LabelPlaced:
    """A new label was placed in a node; `fits` is False if it stays there because no branch fits."""

    label_id: LabelId
    node_id: NodeId
    fits: bool = True
    kind: Literal["label_placed"] = field(default="label_placed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Understood:
    """How the user's message was understood, in one line."""

    text: str
    kind: Literal["understood"] = field(default="understood", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A streamed piece of an answer."""

    text: str
    kind: Literal["token"] = field(default="token", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call begins; `id` identifies the call."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["tool_started"] = field(default="tool_started", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call is finished: its outcome in one line, and its duration; `failed` if it was refused."""

    id: str
    name: str
    line: str
    seconds: float
    failed: bool = False
    kind: Literal["tool_finished"] = field(default="tool_finished", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeProposed:
    """A change to the index waits for confirmation; `version` is the index version it was computed on.

    `by_model`: a language model proposed it. What a model reads (texts of items, names, quotations in the user's
    message) may have asked for it, so only the user may confirm it.
    """

    call: str
    title: str
    diff: tuple[str, ...]
    version: str
    by_model: bool = False
    kind: Literal["change_proposed"] = field(default="change_proposed", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """A change was applied."""

    call: str
    line: str
    kind: Literal["change_made"] = field(default="change_made", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeDeclined:
    """A change was declined by the user."""

    call: str
    kind: Literal["change_declined"] = field(default="change_declined", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn of a conversation is finished, with its whole answer."""

    text: str
    kind: Literal["answered"] = field(default="answered", init=False, repr=False)


WalkUpdate = (
    LevelStarted
    | NodeOpened
    | ItemFinished
    | ItemTagged
    | TextsReplaced
    | TextsShortened
    | UnknownLanguage
    | LabelsUnplaced
    | ExpertLeftOut
    | LabelPlaced
)
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
    """Begin a stage: progress inside this block is reported under its name, with `total` as the default total."""
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


@contextmanager
def as_one_stage(stage: str, parts: Mapping[str, int]) -> Iterator[None]:
    """Report the stages inside this block as one, with one total.

    `parts` are their names in order, each with its share of the total; other stages are not reported. A stage that is
    left out counts as done when a later one begins.
    """
    outer = _HEARD.get()
    before = dict(zip(parts, accumulate(parts.values(), initial=0), strict=False))
    whole, reached = sum(parts.values()), 0

    def hear(update: Update) -> None:
        nonlocal reached
        if isinstance(update, Progress):
            if update.stage not in parts:
                return
            share = update.done / update.total if update.total else 0.0
            reached = max(reached, round(before[update.stage] + share * parts[update.stage]))
            update = Progress(stage, reached, whole)
        if outer is not None:
            outer(update)

    token = _HEARD.set(hear)
    try:
        yield
    finally:
        _HEARD.reset(token)


def as_row(update: Update) -> dict[str, Any]:
    """Return an update as plain JSON values, `kind` first."""
    named = {each.name: to_plain(getattr(update, each.name)) for each in fields(update)}
    return {"kind": named.pop("kind"), **named}


def to_plain(value: Any) -> Any:
    """Return a value with tuples as lists and mappings as dicts, recursively."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    return value
