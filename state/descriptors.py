"""A vocabulary and how it came about: descriptors of items, rounds of refinement, what each item got."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId, NodeId

ChangeKind = Literal["create", "expand", "ignore"]
"""What a change proposal asks for: a new descriptor, a wider definition of one that is there, or nothing."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """What one item got: its best descriptor a level, coarse to fine, and further ones that fit, best first.

    An empty path: nothing fitted. `error` is set where a request failed.
    """

    item_id: ItemId
    path: tuple[NodeId, ...] = ()
    others: tuple[NodeId, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChangeProposal:
    """What is to be done about a cluster of items that no descriptor fits (AgenticTagger, algorithm 2).

    `items` stand for the cluster, which has `size` of them; `problem` says what they are. `centre` is the new
    descriptor (`create`) or the text that the one at number `at` is to have (`expand`). `approved` and `reason`
    are the architect's; None: it was not reviewed, as nothing was asked for.
    """

    kind: ChangeKind
    problem: str
    size: int
    items: tuple[ItemId, ...]
    centre: Centre | None = None
    at: int | None = None
    approved: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass of the annotators over a group: of `items`, `assigned` got a descriptor; then what was changed."""

    items: int
    assigned: int
    changes: tuple[ChangeProposal, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of items that got a descriptor."""
        return self.assigned / self.items if self.items else 1.0


@dataclass(frozen=True, slots=True)
class RefinedGroup:
    """What became of one group of items: its descriptors, the items of each, the rest, and the rounds.

    `initial` descriptors were proposed at first, the others created in rounds. Without centres the group was
    not divided. `problems` say what was refused on the way.
    """

    centres: tuple[Centre, ...] = ()
    members: tuple[tuple[ItemId, ...], ...] = ()
    uncovered: tuple[ItemId, ...] = ()
    initial: int = 0
    rounds: tuple[Round, ...] = ()
    problems: tuple[str, ...] = ()

    def to_row(self) -> dict[str, Any]:
        """Return it as plain values, for a unit of a run."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "RefinedGroup":
        """Return a kept one."""
        return cls(
            tuple(map(centre_from_row, row["centres"])),
            tuple(map(tuple, row["members"])),
            tuple(row["uncovered"]),
            row["initial"],
            tuple(
                Round(each["items"], each["assigned"], tuple(map(proposal_from_row, each["changes"])))
                for each in row["rounds"]
            ),
            tuple(row["problems"]),
        )


def centre_from_row(row: Mapping[str, Any]) -> Centre:
    """Return a kept centre."""
    texts: Mapping[str, Sequence[Any]] = {
        key: row.get(key, ()) for key in ("examples", "includes", "excludes")
    }
    return Centre(row["name"], row["description"], **{key: tuple(value) for key, value in texts.items()})


def proposal_from_row(row: Mapping[str, Any]) -> ChangeProposal:
    """Return a kept change proposal."""
    centre = None if row["centre"] is None else centre_from_row(row["centre"])
    return ChangeProposal(**{**row, "items": tuple(row["items"]), "centre": centre})
