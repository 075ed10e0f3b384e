"""Error attribution: whether a walk ranked a gold label, and at which node and why it lost it."""

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
"""`found`: in the answer. `ranked low`: shown to the general expert, who left it out. `cut`: on the shortlist,
below the first `candidates`. `not opened`: the navigator did not choose its branch. `threshold`, `beam`, `budget`:
the navigator chose the branch, the policy left it closed. `not asked`: the walk ended before it compared the
branches there. `failed`: the decision there ended with an error. `not reached`: no node above it was opened, and
dense retrieval did not find it. `not placed`: it is in no node of the tree."""


MEANING: Mapping[Outcome, str] = {
    "found": "found",
    "ranked low": "on the shortlist, but the general expert left it out",
    "cut": "on the shortlist, but below the first candidates",
    "not opened": "the navigator passed its branch by",
    "threshold": "its branch was chosen, but scored below the threshold",
    "beam": "its branch was chosen, but fell out of the beam",
    "budget": "its branch was chosen, but the terminal budget was used up",
    "not asked": "the walk ended before its branch was compared",
    "failed": "the decision failed",
    "not reached": "nothing above it was opened, and dense retrieval did not find it",
    "not placed": "it is in no node of the tree",
}
"""What each outcome means, for output."""


@dataclass(frozen=True, slots=True)
class LabelOutcome:
    """The outcome of one gold label on one walk.

    `rank`: its position in the answer, from 1. For a label lost in the tree: its way down ended at the opened
    node `node`, whose child `branch` stayed closed, `steps_left` steps before the label. `score` is that branch's
    score, `place` its position among the `siblings` shown there (None without a score, unless it was chosen),
    `opened` the best branch opened there, with `opened_score`.
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
class DeadEnd:
    """Where a way down to a label ended: at the opened node `node`, before its child `branch`."""

    label: LabelId
    node: NodeId
    branch: NodeId
    steps_left: int


class WalkRecord:
    """One item's walk, as label outcomes are read from it.

    `shown` are the labels the general expert saw; None if it failed or was not asked. Labels that were merged,
    replaced or renumbered since the walk are those of today.
    """

    def __init__(
        self, index: Index, trail: Trail, ranking: Sequence[LabelId], shown: Sequence[str] | None
    ) -> None:
        self.index = index
        self.trail = trail
        self.opened = {way.node for way in trail.opened}
        self.dropped = {node: reason for reason, nodes in trail.dropped.items() for node in nodes}
        self.ranks: dict[LabelId, int] = {}
        for place, label in enumerate(ranking, start=1):
            for present in index.present([label]):
                self.ranks.setdefault(present, place)
        self.shown = None if shown is None else frozenset(index.present(list(map(LabelId, shown))))
        self.retrieved = frozenset(index.present(trail.retrieved))

    def outcome(self, label: LabelId) -> LabelOutcome | list[DeadEnd]:
        """Return a label's outcome; if the tree lost it, the dead ends nearest to it."""
        if label in self.ranks:
            return LabelOutcome(label, "found", self.ranks[label])
        places = self.index.placements_of(label)
        if label in self.retrieved or any(node in self.opened for node in places):
            if self.shown is None:
                return LabelOutcome(label, "failed")
            return LabelOutcome(label, "ranked low" if label in self.shown else "cut")
        if not places:
            return LabelOutcome(label, "not placed")
        return self.dead_ends(label, places) or self.unreached(label, places)

    def dead_ends(self, label: LabelId, places: Sequence[NodeId]) -> list[DeadEnd]:
        """Search breadth-first upwards from a label's nodes to the nearest opened ones."""
        level, seen, steps = list(places), set(places), 1
        while level:
            above = [(parent.id, node) for node in level for parent in self.index.parents(node)]
            if found := [
                DeadEnd(label, parent, node, steps) for parent, node in above if parent in self.opened
            ]:
                return found
            level = [node for node in dict.fromkeys(parent for parent, _ in above) if node not in seen]
            seen.update(level)
            steps += 1
        return []

    def unreached(self, label: LabelId, places: Sequence[NodeId]) -> LabelOutcome:
        """Return the outcome of a label below no opened node: perhaps the policy closed a node above it."""
        level, seen = list(places), set(places)
        while level:
            for node in level:
                if node in self.dropped:
                    return LabelOutcome(label, self.dropped[node], node=node, branch=node)
            level = [parent.id for node in level for parent in self.index.parents(node)]
            level = [node for node in dict.fromkeys(level) if node not in seen]
            seen.update(level)
        return LabelOutcome(label, "not reached")

    def nearest_miss(
        self, ends: Sequence[DeadEnd], decisions: Mapping[NodeId, Sequence[Decision]]
    ) -> LabelOutcome:
        """Return the outcome at the dead end closest to being opened: chosen branches first, then by score."""
        outcomes = [self.outcome_at(end, decisions.get(end.node, ())) for end in ends]
        return min(
            outcomes, key=lambda found: (found.outcome in ("not opened", "not asked"), -(found.score or 0.0))
        )

    def outcome_at(self, end: DeadEnd, decisions: Sequence[Decision]) -> LabelOutcome:
        """Return the outcome at a dead end; `decisions` are those made at its node."""
        branch = str(end.branch)
        scores = branch_scores(decisions)
        own = scores.get(branch)
        order = sorted(scores, key=lambda option: -(scores[option] or 0.0))
        opened = next((NodeId(int(o)) for o in order if NodeId(int(o)) in self.opened), None)
        return LabelOutcome(
            end.label,
            self.why_closed(end, decisions),
            node=end.node,
            branch=end.branch,
            steps_left=end.steps_left,
            score=own,
            place=None if own is None else order.index(branch) + 1,
            siblings=sum(len(decision.options) for decision in decisions),
            opened=opened,
            opened_score=None if opened is None else scores[str(opened)],
        )

    def why_closed(self, end: DeadEnd, decisions: Sequence[Decision]) -> Outcome:
        """Return why the branch stayed closed."""
        asked = next((decision for decision in decisions if str(end.branch) in decision.options), None)
        if asked is None:
            return "not asked"
        if asked.error:
            return "failed"
        if str(end.branch) not in asked.choice:
            return "not opened"
        return self.dropped.get(end.branch, "budget")


def branch_scores(decisions: Sequence[Decision]) -> dict[str, float | None]:
    """Return the score of each option of a node's decisions.

    Without scores from the model, chosen options get 1, 1/2, 1/3, … by rank, the others None.
    """
    found: dict[str, float | None] = {}
    for decision in decisions:
        places = {option: place for place, option in enumerate(decision.choice)}
        scores = dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}
        for option in decision.options:
            found[option] = scores.get(option, rank_score(places[option]) if option in places else None)
    return found


def label_outcomes(
    walk: WalkRecord, labels: Sequence[LabelId], decisions: Mapping[NodeId, Sequence[Decision]]
) -> list[LabelOutcome]:
    """Return the outcomes of an item's gold labels; `decisions` are the navigator's, by node."""
    found = [walk.outcome(label) for label in labels]
    return [each if isinstance(each, LabelOutcome) else walk.nearest_miss(each, decisions) for each in found]
