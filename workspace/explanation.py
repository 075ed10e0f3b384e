"""The walk of one item as a tree, read from its decision rows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from taxonaut.agents.asking import rank_score
from taxonaut.graphs.policy import WalkPolicy
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import LabelId, NodeId, RunId
from taxonaut.state.index import Index
from taxonaut.state.records import Decision, Item, Prediction


@dataclass(slots=True)
class Step:
    """A branch the walk saw: opened or passed by, with its score and the phrase that earned it.

    `dropped`: the navigator chose it, but better ones used up the terminal budget.
    """

    node: NodeId
    name: str
    score: float | None
    opened: bool
    evidence: str = ""
    dropped: bool = False
    error: str = ""
    steps: list["Step"] = field(default_factory=list)
    labels: list[LabelId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One item's walk and ranking. `requests` counts its decisions."""

    run_id: RunId
    item: Item
    root: Step
    ranking: tuple[Prediction, ...]
    requests: int
    ranked_from: int


def explanation(
    index: Index,
    run: RunId,
    item: Item,
    decisions: Sequence[Decision],
    ranking: Sequence[Prediction],
    policy: WalkPolicy,
) -> Explanation:
    """Put an item's latest decisions together as the tree it walked.

    `policy` is the one it was walked under: a branch that was chosen but fell out of the budget was not opened.
    """
    decisions = latest_walk(decisions, index.root())
    if not decisions:
        raise NotFoundError(f"no walk of the item {item.id!r} is kept; classify it first")
    ranked = next((decision for decision in decisions if decision.node_id is None), None)
    root = Step(index.root(), "", None, opened=True)
    replay(index, policy, root, [decision for decision in decisions if decision.node_id is not None])
    sort(root)
    return Explanation(
        run, item, root, tuple(ranking), len(decisions), len(ranked.options) if ranked is not None else 0
    )


def replay(index: Index, policy: WalkPolicy, root: Step, decisions: Sequence[Decision]) -> None:
    """Walk the tree again by its decisions, level by level, under the same budget."""
    seen = sorted({NodeId(int(option)) for decision in decisions for option in decision.options})
    names = {node.id: node.name for node in index.nodes(seen)}
    held = index.labels_under(seen)
    by_node: dict[NodeId, list[Decision]] = defaultdict(list)
    for decision in decisions:
        by_node[decision.node_id or root.node].append(decision)
    level, reached, opened = {root.node: (root, 0.0)}, 0, {root.node}
    while level:
        found: dict[NodeId, list[Step]] = defaultdict(list)
        scores: dict[NodeId, float] = {}
        for node, (parent, score) in level.items():
            for decision in by_node.get(node, ()):
                parent.error = parent.error or decision.error
                for step, own in branches(decision, names):
                    parent.steps.append(step)
                    if own is not None:
                        found[step.node].append(step)
                        scores[step.node] = max(policy.path_score(score, own), scores.get(step.node, -inf))
        level = {}
        for node in policy.kept(scores, reached, opened)[0]:
            score = scores[node]
            for step in found[node]:
                step.opened, step.dropped = True, False
                step.labels = list(held.get(node, ()))
            reached += index.is_terminal(node)
            opened.add(node)
            level[node] = (found[node][0], score)


def branches(decision: Decision, names: dict[NodeId, str]) -> list[tuple[Step, float | None]]:
    """Return the branches of one decision; those that were chosen with their own score."""
    scores = dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}
    evidence = dict(zip(decision.choice, decision.evidence, strict=False))
    places = {option: place for place, option in enumerate(decision.choice)}
    found: list[tuple[Step, float | None]] = []
    for option in decision.options:
        node, score = NodeId(int(option)), scores.get(option)
        chosen = option in places
        step = Step(node, names[node], score, opened=False, evidence=evidence.get(option, ""), dropped=chosen)
        own = rank_score(places[option]) if chosen and score is None else score
        found.append((step, own if chosen else None))
    return found


def latest_walk(decisions: Sequence[Decision], root: NodeId) -> list[Decision]:
    """Return an item's last walk: from the last time it stood before the root, to its ranking.

    One id may have stood for another text before, or its walk may have failed and been made again.
    """
    walk: list[Decision] = []
    for decision in decisions:
        again = decision.node_id == root and walk and walk[-1].node_id != root
        if again or (walk and walk[-1].node_id is None):
            walk = []
        walk.append(decision)
    latest = {(decision.node_id, decision.options): decision for decision in walk}
    return list(latest.values())


def sort(step: Step) -> None:
    """Put opened branches first, then by score."""
    step.steps.sort(key=lambda s: (not s.opened, -(s.score if s.score is not None else 0.0), s.name))
    for child in step.steps:
        sort(child)
