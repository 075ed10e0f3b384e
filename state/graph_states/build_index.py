"""The state of a build as LangGraph carries it: partitions of label ids, and how each was split."""

import operator
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Generic, NotRequired, TypedDict

from taxonaut.state.ids import Id, LabelId
from taxonaut.state.records import Decision

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre on its way into the index (XMC-Agent 2.2): what tells its labels from those of its siblings.

    `examples` are ids of labels that stand for it before any is assigned; of items, where it is a descriptor
    of a vocabulary (AgenticTagger 4.1), which also says what it `includes` and `excludes`.
    """

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Partition(Generic[Id]):
    """Labels (or items) that belong together, to be split or kept: p = (c, Y) of algorithm 1.

    `key` says where it stands: the numbers of the centres from the top down (`3.0.other`), empty for all labels.
    `path` are the centres' names, *other* left out. `siblings` are its predecessor's other partitions, each with
    some of its labels. `attempt` counts the splits that were refused, `problems` says why the last one was.
    """

    key: str
    path: tuple[str, ...]
    labels: tuple[Id, ...]
    siblings: tuple[Centre, ...] = ()
    attempt: int = 0
    problems: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """Levels above it, *other* not counted."""
        return len(self.path)

    def child(self, number: int | str) -> str:
        """The key of one of its sub-partitions."""
        return f"{self.key}.{number}" if self.key else str(number)


@dataclass(frozen=True, slots=True)
class Split:
    """What a partition became: centres, the labels of each, those that fit none, and the refusals on the way.

    Without centres it is a terminal node. `fallback` is set where no split of the agents' was accepted.
    """

    centres: tuple[Centre, ...] = ()
    members: tuple[tuple[LabelId, ...], ...] = ()
    other: tuple[LabelId, ...] = ()
    problems: tuple[str, ...] = ()
    fallback: bool = False

    def to_row(self) -> dict[str, Any]:
        """Return it as plain values, for a unit of a run."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Split":
        """Return a kept split."""
        centres = tuple(
            Centre(centre["name"], centre["description"], tuple(centre["examples"]))
            for centre in row["centres"]
        )
        members = tuple(tuple(labels) for labels in row["members"])
        return cls(centres, members, tuple(row["other"]), tuple(row["problems"]), row["fallback"])


@dataclass(frozen=True, slots=True)
class SplitAttempt:
    """A partition with the centres proposed for it; after the annotator's turn, with each label's centres.

    `assigned` aligns with the partition's labels: numbers of centres, none for *other*.
    """

    partition: Partition
    centres: tuple[Centre, ...]
    problems: tuple[str, ...] = ()
    assigned: tuple[tuple[int, ...], ...] = field(default=())


class BuildInput(TypedDict):
    """What a caller gives: ids of labels.

    `part` says where they stand if they are those of one node: its path and its siblings.
    """

    label_ids: list[LabelId]
    part: NotRequired[Partition]


class BuildState(BuildInput, total=False):
    """A build on its way: partitions still to be split, those at work, and what became of the others.

    `settled` counts labels in terminal nodes; a label in several counts each time.
    """

    waiting: list[Partition]
    trials: list[SplitAttempt]
    splits: Annotated[dict[str, Split], operator.or_]
    settled: int
    decisions: list[Decision]
