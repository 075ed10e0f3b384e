"""LangGraph state of `build_index`: partitions of label ids, and how each was split."""

import operator
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Generic, NotRequired

from typing_extensions import TypedDict

from taxonaut.state.ids import Id, LabelId
from taxonaut.state.records import Decision

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Centre:
    """A proposed centre (XMC-Agent 2.2): what distinguishes its labels from those of its siblings.

    `examples` are ids of representative labels, known before any is assigned; ids of items for a descriptor of a
    vocabulary (AgenticTagger 4.1), which also has `includes` and `excludes`.
    """

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partition(Generic[Id]):
    """A set of labels (or items) to be split or kept: p = (c, Y) of algorithm 1.

    `key` is its position: the numbers of the centres from the top down (`3.0.other`), empty for all labels. `path`
    holds the centres' names without *other*. `siblings` are its parent's other partitions, each with some labels.
    `attempt` counts the refused splits, `problems` says why the last one was refused.
    """

    key: str
    path: tuple[str, ...]
    labels: tuple[Id, ...]
    siblings: tuple[Centre, ...] = ()
    attempt: int = 0
    problems: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The number of levels above it, without *other*."""
        return len(self.path)

    def child(self, number: int | str) -> str:
        """Return the key of a sub-partition."""
        return f"{self.key}.{number}" if self.key else str(number)


def is_at_or_below(key: str, keys: Container[str]) -> bool:
    """Tell whether a partition, or one that it is part of, is among `keys`."""
    steps = key.split(".") if key else []
    return any(".".join(steps[:depth]) in keys for depth in range(len(steps) + 1))


@dataclass(frozen=True, slots=True)
class Split:
    """The split of a partition: centres, the labels of each, those that fit none, and the refused attempts.

    Without centres the partition is a terminal node. `fallback` is set if no split of the agents was accepted.
    """

    centres: tuple[Centre, ...] = ()
    members: tuple[tuple[LabelId, ...], ...] = ()
    other: tuple[LabelId, ...] = ()
    problems: tuple[str, ...] = ()
    fallback: bool = False

    def to_row(self) -> dict[str, Any]:
        """Return plain JSON values, as a unit of a run stores them."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Split":
        """Read what `to_row` returned."""
        centres = tuple(
            Centre(centre["name"], centre["description"], tuple(centre["examples"]))
            for centre in row["centres"]
        )
        members = tuple(tuple(labels) for labels in row["members"])
        return cls(centres, members, tuple(row["other"]), tuple(row["problems"]), row["fallback"])


@dataclass(frozen=True, slots=True)
class SplitAttempt:
    """A partition with proposed centres and, after annotation, the centres of each label.

    `assigned` aligns with the partition's labels: numbers of centres, empty for *other*. `error` is set if a request
    of the attempt failed.
    """

    partition: Partition
    centres: tuple[Centre, ...]
    problems: tuple[str, ...] = ()
    assigned: tuple[tuple[int, ...], ...] = field(default=())
    error: str = ""


class BuildInput(TypedDict):
    """The input: label ids, and their `part` (path and siblings) if they are those of one node."""

    label_ids: list[LabelId]
    part: NotRequired[Partition]


class BuildState(BuildInput, total=False):
    """A build in progress: partitions still to be split, current attempts, and finished splits.

    `settled` counts placements of labels in terminal nodes. `errors` has the last failed request of a partition in
    any attempt, `failed` that of each partition whose final split lacks an answer.
    """

    waiting: list[Partition]
    trials: list[SplitAttempt]
    splits: Annotated[dict[str, Split], operator.or_]
    errors: Annotated[dict[str, str], operator.or_]
    failed: Annotated[dict[str, str], operator.or_]
    settled: int
    decisions: list[Decision]
