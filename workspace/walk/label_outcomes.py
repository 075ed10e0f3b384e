"""What became of a gold label on a walk: ranked, or lost, and at which node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from taxonaut.agents.asking import rank_score
from taxonaut.state.graph_states.navigate import Trail
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision

Outcome = Literal[
    "found", "ranked low", "cut", "not opened", "threshold", "beam", "budget", "not asked", "failed",
    "not reached", "not placed",
]  # fmt: skip
"""`found`: in the answer. `ranked low`: the general expert saw it and left it out. `cut`: on the shortlist,
below the first `candidates`. `not opened`: the navigator passed the branch by. `threshold`, `beam`, `budget`:
the navigator chose the branch, the policy left it closed. `not asked`: the walk ended before its branches were
looked at. `failed`: the decision there ended with an error. `not reached`: no node above it was opened, and
dense retrieval did not find it. `not placed`: it stands nowhere in the tree."""


MEANING: Mapping[Outcome, str] = {
    "found": "found",
    "ranked low": "on the shortlist, but the general expert left it out",
    "cut": "on the shortlist, but below the first candidates",
    "not opened": "the navigator passed its branch by",
    "threshold": "its branch was chosen, but scored below the threshold",
    "beam": "its branch was chosen, but fell out of the beam",
    "budget": "its branch was chosen, but the terminal budget was used up",
    "not asked": "the walk ended before its branch was looked at",
    "failed": "the decision failed",
    "not reached": "nothing above it was opened, and dense retrieval did not find it",
    "not placed": "it stands nowhere in the tree",
}
"""Each in words."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One gold label's fate on one walk.

    `rank`: its place in the answer, from 1. For a label lost in the tree: at `node`, an opened node, the branch
    `branch` on the way to the label stayed closed; `steps_left` is how many nodes that way still had.
    `score` is that branch's own, `place` its place among the `siblings` that were shown there (None without
    scores, unless it was chosen), `opened` the best branch opened there, with `opened_score`.
    """

    label: LabelId
    outcome: Outcome
    rank: int | None = None
    node: NodeId | None = None
    branch: NodeId | None = None
    steps_left: int = 0
    score: float | None = None
    place: int | None = None
    siblings: int = 0
    opened: NodeId | None = None
    opened_score: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Where the way to a label ended: at an opened node, before a branch of it."""

    label: LabelId
    node: NodeId
    branch: NodeId
    steps_left: int


class Walked:
    """One item's walk as fates are read from it."""

    def __init__(
        self, index: Index, trail: Trail, ranking: Sequence[LabelId], shown: Sequence[str] | None
    ) -> None:
        """Take a walk's trail, its answer, and what the general expert was shown, None if nothing."""
        self.index = index
        self.trail = trail
        self.opened = {way.node for way in trail.opened}
        self.dropped = {node: reason for reason, nodes in trail.dropped.items() for node in nodes}
        self.ranks = {label: place for place, label in enumerate(ranking, start=1)}
        self.shown = None if shown is None else frozenset(shown)
        self.retrieved = frozenset(trail.retrieved)

    def fate(self, label: LabelId) -> Fate | list[End]:
        """Return a label's fate, or, where the tree lost it, the ends of the ways that got furthest."""
        if label in self.ranks:
            return Fate(label, "found", self.ranks[label])
        places = self.index.placements_of(label)
        if label in self.retrieved or any(node in self.opened for node in places):
            if self.shown is None:
                return Fate(label, "failed")
            return Fate(label, "ranked low" if label in self.shown else "cut")
        if not places:
            return Fate(label, "not placed")
        return self.ends(label, places) or self.unreached(label, places)

    def ends(self, label: LabelId, places: Sequence[NodeId]) -> list[End]:
        """Climb from a label's nodes, all ways at once, to the first opened nodes."""
        level, seen, steps = list(places), set(places), 1
        while level:
            above = [(parent.id, node) for node in level for parent in self.index.parents(node)]
            if found := [End(label, parent, node, steps) for parent, node in above if parent in self.opened]:
                return found
            level = [node for node in dict.fromkeys(parent for parent, _ in above) if node not in seen]
            seen.update(level)
            steps += 1
        return []

    def unreached(self, label: LabelId, places: Sequence[NodeId]) -> Fate:
        """Return the fate of a label below no opened node: the policy kept the walk from a node above it."""
        level, seen = list(places), set(places)
        while level:
            for node in level:
                if node in self.dropped:
                    return Fate(label, self.dropped[node], node=node, branch=node)
            level = [parent.id for node in level for parent in self.index.parents(node)]
            level = [node for node in dict.fromkeys(level) if node not in seen]
            seen.update(level)
        return Fate(label, "not reached")

    def best(self, ends: Sequence[End], decisions: Mapping[NodeId, Sequence[Decision]]) -> Fate:
        """Choose of several ends the one that was nearest to being passed: chosen ones first, then by score."""
        fates = [self.at(end, decisions.get(end.node, ())) for end in ends]
        return min(
            fates, key=lambda fate: (fate.outcome in ("not opened", "not asked"), -(fate.score or 0.0))
        )

    def at(self, end: End, decisions: Sequence[Decision]) -> Fate:
        """Return the fate of a label whose way ended here; `decisions` are those made at the node."""
        branch = str(end.branch)
        ranked = standing(decisions)
        own = ranked.get(branch)
        order = sorted(ranked, key=lambda option: -(ranked[option] or 0.0))
        opened = next((NodeId(int(o)) for o in order if NodeId(int(o)) in self.opened), None)
        return Fate(
            end.label,
            self.why(end, decisions),
            node=end.node,
            branch=end.branch,
            steps_left=end.steps_left,
            score=own,
            place=None if own is None else order.index(branch) + 1,
            siblings=sum(len(decision.options) for decision in decisions),
            opened=opened,
            opened_score=None if opened is None else ranked[str(opened)],
        )

    def why(self, end: End, decisions: Sequence[Decision]) -> Outcome:
        """Say why a branch of an opened node stayed closed."""
        asked = next((decision for decision in decisions if str(end.branch) in decision.options), None)
        if asked is None:
            return "not asked"
        if asked.error:
            return "failed"
        if str(end.branch) not in asked.choice:
            return "not opened"
        return self.dropped.get(end.branch, "budget")


def standing(decisions: Sequence[Decision]) -> dict[str, float | None]:
    """Return the options of a node's decisions with their own scores.

    From a model without scores those that were chosen have 1, 1/2, 1/3, … by rank, the others None.
    """
    found: dict[str, float | None] = {}
    for decision in decisions:
        places = {option: place for place, option in enumerate(decision.choice)}
        scores = dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}
        for option in decision.options:
            found[option] = scores.get(option, rank_score(places[option]) if option in places else None)
    return found


def fates(
    walked: Walked, labels: Sequence[LabelId], decisions: Mapping[NodeId, Sequence[Decision]]
) -> list[Fate]:
    """Return the fates of several labels of one item."""
    found = [walked.fate(label) for label in labels]
    return [fate if isinstance(fate, Fate) else walked.best(fate, decisions) for fate in found]
