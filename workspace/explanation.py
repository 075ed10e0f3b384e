"""The walk of one item as a tree, read from its decision rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.index import Index
from taxonaut.state.records import Decision, Item, Prediction


@dataclass(slots=True)
class Step:
    """A branch the walk saw: opened or passed by, with its score and the phrase that earned it."""

    node: NodeId
    name: str
    score: float | None
    opened: bool
    evidence: str = ""
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
    index: Index, run: RunId, item: Item, decisions: Sequence[Decision], ranking: Sequence[Prediction]
) -> Explanation:
    """Put an item's decisions together as the tree it walked."""
    if not decisions:
        raise NotFoundError(f"no walk of the item {item.id!r} is kept; classify it first")
    walked = [decision for decision in decisions if decision.node_id is not None]
    seen = {NodeId(int(option)) for decision in walked for option in decision.options}
    names = {node.id: node.name for node in index.nodes(sorted(seen))}
    held = index.labels_under(sorted(seen))
    root = Step(index.root(), "", None, opened=True)
    by_node: dict[NodeId, list[Step]] = {root.node: [root]}
    for decision in ordered(walked, root.node):
        for parent in by_node.get(decision.node_id or root.node, []):
            parent.error = parent.error or decision.error
            for step in branches(decision, names):
                parent.steps.append(step)
                if step.opened:
                    step.labels = list(held.get(step.node, ()))
                    by_node.setdefault(step.node, []).append(step)
    sort(root)
    shortlist = next((len(d.options) for d in decisions if d.node_id is None), 0)
    return Explanation(run, item, root, tuple(ranking), len(decisions), shortlist)


def ordered(decisions: Sequence[Decision], root: NodeId) -> list[Decision]:
    """Return the decisions from the root down, the latest where a node was decided on twice."""
    latest: dict[tuple[NodeId | None, tuple[str, ...]], Decision] = {
        (decision.node_id, decision.options): decision for decision in decisions
    }
    left = list(latest.values())
    reached, result = {root}, []
    while left:
        now = [decision for decision in left if decision.node_id in reached]
        if not now:
            break
        result += now
        reached |= {NodeId(int(choice)) for decision in now for choice in decision.choice}
        left = [decision for decision in left if decision not in now]
    return result


def branches(decision: Decision, names: dict[NodeId, str]) -> list[Step]:
    """Return the branches of one decision with what the model made of each."""
    scores = dict(zip(decision.options, decision.scores, strict=True)) if decision.scores else {}
    evidence = dict(zip(decision.choice, decision.evidence, strict=False))
    return [
        Step(
            node=NodeId(int(option)),
            name=names[NodeId(int(option))],
            score=scores.get(option),
            opened=option in decision.choice,
            evidence=evidence.get(option, ""),
        )
        for option in decision.options
    ]


def sort(step: Step) -> None:
    """Put opened branches first, then by score."""
    step.steps.sort(key=lambda s: (not s.opened, -(s.score if s.score is not None else 0.0), s.name))
    for child in step.steps:
        sort(child)


def latest_item(item_id: ItemId, found: Sequence[Item]) -> Item:
    """Return the item, or say that it is unknown."""
    if not found:
        raise NotFoundError(f"no item {item_id!r} was classified here; give the id of one, or its text")
    return found[0]
