"""Where each descriptor came from: the first proposal, or a change proposal of a round, and what widened it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import NodeId
from taxonaut.workspace.vocabulary.reading import Group


@dataclass(frozen=True, slots=True)
class Change:
    """A change proposal and the round after which it was made, from 1."""

    round: int
    proposal: ChangeProposal


@dataclass(frozen=True, slots=True)
class Origin:
    """How a descriptor came to be. `centre` is what the build made of it; a person may have renamed it since.

    `created` is the proposal that asked for it, None for one of the architect's first. `expanded` are those
    that widened its definition, in their order.
    """

    centre: Centre
    created: Change | None = None
    expanded: tuple[Change, ...] = ()


def origins(groups: Sequence[Group]) -> Mapping[NodeId, Origin]:
    """Return the origin of every descriptor that a group of the build gave, and that is still there."""
    return {
        node: origin
        for group in groups
        for node, origin in zip(group.nodes, group_origins(group.refined), strict=True)
        if node is not None
    }


def group_origins(refined: RefinedGroup) -> list[Origin]:
    """Return the origins of a group's centres, in their order.

    A created centre belongs to the approved proposal of its name, else to the next one that none has claimed.
    """
    changes = [
        Change(number, proposal)
        for number, each in enumerate(refined.rounds, start=1)
        for proposal in each.changes
        if proposal.approved
    ]
    free = [change for change in changes if change.proposal.kind == "create"]
    found = []
    for number, centre in enumerate(refined.centres):
        created = None
        if number >= refined.initial and free:
            names = [change.proposal.centre and change.proposal.centre.name for change in free]
            created = free.pop(names.index(centre.name) if centre.name in names else 0)
        expanded = [
            change for change in changes if change.proposal.kind == "expand" and change.proposal.at == number
        ]
        found.append(Origin(centre, created, tuple(expanded)))
    return found
