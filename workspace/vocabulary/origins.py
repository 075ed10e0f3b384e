"""The origin of each descriptor: the first proposal or a change proposal, and the changes that expanded it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import NodeId
from taxonaut.workspace.vocabulary.reading import Group


@dataclass(frozen=True, slots=True)
class Change:
    """A change proposal and the round it followed, from 1."""

    round: int
    proposal: ChangeProposal


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a descriptor. `centre` is its state after the build; the user may have renamed it since.

    `created` is the proposal that created it, None for the architect's first ones. `expanded` are the proposals
    that expanded its definition, in order.
    """

    centre: Centre
    created: Change | None = None
    expanded: tuple[Change, ...] = ()


def find_origins(groups: Sequence[Group]) -> Mapping[NodeId, Origin]:
    """Return the origins of all descriptors that came from the build and still exist."""
    return {
        node: origin
        for group in groups
        for node, origin in zip(group.nodes, find_group_origins(group.refined), strict=True)
        if node is not None
    }


def find_group_origins(refined: RefinedGroup) -> list[Origin]:
    """Return the origins of a group's centres, in order.

    A created centre is matched to the approved proposal of its name, else to the next unmatched one.
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
