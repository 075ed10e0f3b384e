"""Records of a vocabulary: taggings of items, change proposals, rounds of refinement (AgenticTagger)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId, NodeId

ChangeKind = Literal["create", "expand", "ignore"]
"""What a change proposal does: create a descriptor, expand the definition of an existing one, or nothing."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """The descriptors of one item: the best one per level, coarse to fine, and further fitting ones, best first.

    The path is empty if nothing fits. `error` is set if a request failed.
    """

    item_id: ItemId
    path: tuple[NodeId, ...] = ()
    others: tuple[NodeId, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ChangeProposal:
    """A proposed change for a cluster of items that no descriptor fits (AgenticTagger, algorithm 2).

    `items` are examples of the cluster, which has `size` items; `problem` describes them. `centre` is the new
    descriptor (`create`) or the new text of descriptor number `at` (`expand`). `approved` and `reason` are the
    architect's verdict; `approved` is None for `ignore`, which is not reviewed.
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
    """One annotation pass over a group: `assigned` of `items` got a descriptor, then `changes` were proposed."""

    items: int
    assigned: int
    changes: tuple[ChangeProposal, ...] = ()

    @property
    def coverage(self) -> float:
        """The share of items that got a descriptor."""
        return self.assigned / self.items if self.items else 1.0


@dataclass(frozen=True, slots=True)
class RefinedGroup:
    """The refinement of one group of items: its descriptors, the items of each, the rest, and the rounds.

    The first `initial` descriptors were proposed at the start, the others were created in rounds. Without centres
    the group was not divided. `problems` lists the refused proposals.
    """

    centres: tuple[Centre, ...] = ()
    members: tuple[tuple[ItemId, ...], ...] = ()
    uncovered: tuple[ItemId, ...] = ()
    initial: int = 0
    rounds: tuple[Round, ...] = ()
    problems: tuple[str, ...] = ()

    def to_row(self) -> dict[str, Any]:
        """Return plain JSON values, as a unit of a run stores them."""
        return asdict(self)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "RefinedGroup":
        """Read what `to_row` returned."""
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
    """Read a stored centre."""
    texts: Mapping[str, Sequence[Any]] = {
        key: row.get(key, ()) for key in ("examples", "includes", "excludes")
    }
    return Centre(row["name"], row["description"], **{key: tuple(value) for key, value in texts.items()})


def proposal_from_row(row: Mapping[str, Any]) -> ChangeProposal:
    """Read a stored change proposal."""
    centre = None if row["centre"] is None else centre_from_row(row["centre"])
    return ChangeProposal(**{**row, "items": tuple(row["items"]), "centre": centre})
