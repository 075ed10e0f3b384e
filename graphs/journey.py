"""How one item's walk goes on: which nodes it opens, in which order, and where the navigator is asked next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from taxonaut.graphs.policy import WalkPolicy
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index import Index
from taxonaut.state.navigation import Candidate, Journey, Opened, Reason, Shortlist

Ways = dict[NodeId, Opened]


class Chosen(NamedTuple):
    """A branch that the navigator chose at a node, with the score it has of its own."""

    at: NodeId
    node: NodeId
    own: float


class Guides(Protocol):
    """Decides how walks go on: `Guide`, or one of a person's own."""

    def from_root(self) -> Journey:
        """Begin at the root."""

    def from_anchors(self, anchors: Sequence[tuple[LabelId, float]]) -> Journey:
        """Begin at the nodes that hold some labels, given with their scores."""

    def on(self, journey: Journey, chosen: Iterable[Chosen]) -> Journey:
        """Go on from the nodes that were asked to what was chosen there; the walk ends where none asks."""


@dataclass(frozen=True, slots=True)
class Guide:
    """Takes journeys on by a policy. Holds nothing of a walk: the same answers give the same walk."""

    index: Index
    policy: WalkPolicy

    def from_root(self) -> Journey:
        """Begin at the root."""
        root = Opened(self.index.root(), 0.0, "start")
        return replace(self.open(Journey(), [root]), asking=self.inner([root]))

    def from_anchors(self, anchors: Sequence[tuple[LabelId, float]]) -> Journey:
        """Begin at the nodes that hold some labels, given with their scores, and look around them.

        An anchored node's score is that of its best anchor. Labels below the threshold or without a place in
        the tree anchor nothing; with none left nothing is opened.
        """
        low = self.policy.threshold
        used = tuple(pair for pair in anchors if low is None or pair[1] >= low)
        ways: Ways = {}
        for label, score in used:
            for node in self.index.placements_of(label):
                better(ways, Opened(node, score, "anchor"))
        starts = ranked(ways.values())
        journey = self.open(Journey(anchors=used), starts)
        inner = self.inner(starts)
        if self.policy.order == "depth":
            return self.pop(replace(journey, stack=tuple(reversed(inner))), self.above(starts))
        on = self.level(journey, {}, self.above(starts))
        return replace(on, asking=(*inner, *on.asking))

    def on(self, journey: Journey, chosen: Iterable[Chosen]) -> Journey:
        """Go on from the nodes that were asked to what was chosen there, and above those reached from below."""
        asked = {opened.node: opened.score for opened in journey.asking}
        ways: Ways = {}
        for at, node, own in chosen:
            better(ways, Opened(node, self.policy.path_score(asked[at], own), "branch", at))
        climbs = self.above(journey.asking)
        if self.policy.order == "depth":
            return self.pop(journey, climbs, ways)
        return self.level(journey, ways, climbs)

    def above(self, nodes: Sequence[Opened]) -> Ways:
        """Return the parents of nodes that were reached at an anchor or from below."""
        ways: Ways = {}
        for opened in nodes:
            if opened.how in ("anchor", "climb"):
                for parent in self.index.parents(opened.node):
                    better(ways, Opened(parent.id, opened.score, "climb", opened.node))
        return ways

    def level(self, journey: Journey, ways: Ways, climbs: Ways) -> Journey:
        """Breadth-first: open the best ways, down and up alike; those with branches are asked about next."""
        for climb in climbs.values():
            better(ways, climb)
        kept, journey = self.keep(journey, ways)
        return replace(self.open(journey, kept), asking=self.inner(kept))

    def pop(self, journey: Journey, *pushed: Ways) -> Journey:
        """Depth-first: push ways, the best on top, the last given above all; open until one has branches."""
        stack = list(journey.stack)
        for ways in pushed:
            kept, journey = self.keep(journey, ways)
            stack += reversed(kept)
        while stack and journey.reached < self.policy.terminals:
            way = stack.pop()
            again = way.node in journey.opened
            if again and way.how != "anchor":
                continue
            journey = journey if again else self.open(journey, [way])
            if asking := self.inner([way]):
                return replace(journey, stack=tuple(stack), asking=asking)
        left: dict[NodeId, Reason] = dict.fromkeys((way.node for way in stack), "budget")
        return replace(journey, stack=(), asking=(), dropped=journey.dropped | left)

    def keep(self, journey: Journey, ways: Ways) -> tuple[list[Opened], Journey]:
        """Apply the policy to what could be opened, and note what is left closed."""
        scores = {node: way.score for node, way in ways.items()}
        nodes, why = self.policy.kept(scores, journey.reached, journey.opened)
        return [ways[node] for node in nodes], replace(journey, dropped=journey.dropped | why)

    def open(self, journey: Journey, ways: Sequence[Opened]) -> Journey:
        """Open nodes: their labels go on the shortlist, their ends count in the budget."""
        held = self.index.labels_under([way.node for way in ways])
        opened, shortlist, reached = dict(journey.opened), dict(journey.shortlist), journey.reached
        for way in ways:
            opened[way.node] = way
            reached += way.how == "branch" and self.index.is_terminal(way.node)
            add(shortlist, held[way.node], way.score)
        return replace(journey, opened=opened, shortlist=shortlist, reached=reached)

    def inner(self, ways: Sequence[Opened]) -> tuple[Opened, ...]:
        """Return those with branches."""
        return tuple(way for way in ways if not self.index.is_terminal(way.node))


def better(ways: Ways, found: Opened) -> None:
    """Keep the way to a node with the best score; of equal ones the first."""
    if found.node not in ways or ways[found.node].score < found.score:
        ways[found.node] = found


def ranked(ways: Iterable[Opened]) -> list[Opened]:
    """Order ways, best first; equal scores by node."""
    return sorted(ways, key=lambda way: (-way.score, way.node))


def add(shortlist: Shortlist, labels: Sequence[LabelId], score: float) -> None:
    """Put labels on a shortlist; a label found in several nodes counts once, with the best score."""
    for label in labels:
        seen = shortlist.get(label)
        if seen is None or seen.score < score:
            shortlist[label] = Candidate(score, "tree")
