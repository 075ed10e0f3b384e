"""The decisions that two versions of a template made differently, and what each change did to the right labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from taxonaut.evaluation.trials.trial_run import Found
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Decision
from taxonaut.workspace.workspace import Workspace

Effect = Literal["lost", "gained", "neither"]


@dataclass(frozen=True, slots=True)
class Option:
    """A branch or a label that was chosen, with the model's score where it gave one."""

    id: str
    name: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options that one version chose, best first, and the item's first label, whether right and why."""

    options: tuple[Option, ...]
    first: str
    first_right: bool = False
    reason: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One decision under both versions.

    `node_id` is None for a choice among labels; `path` are the names down to the node. `right` are the names of the
    item's gold labels that this decision could keep. `effect`: a right one was lost, gained, or neither; `worth`
    is by how much: 1 / its place among the chosen, summed over the right ones, after less before. `reordered`:
    the same were chosen in another order.
    """

    item_id: ItemId
    text: str
    node_id: NodeId | None
    path: tuple[str, ...]
    right: tuple[str, ...]
    before: Chosen
    after: Chosen
    effect: Effect
    worth: float
    reordered: bool

    def row(self) -> dict[str, Any]:
        """Return the change for --json."""
        return asdict(self)


class DecisionLookup:
    """Looks up names, and which right labels an option keeps: a label itself, a branch all labels below it."""

    def __init__(
        self, workspace: Workspace, texts: Mapping[ItemId, str], gold: Mapping[ItemId, Sequence[LabelId]]
    ) -> None:
        self.index = workspace.index
        self.texts = texts
        self.gold = gold
        self._above: dict[LabelId, frozenset[str]] = {}

    def keeps(self, decision: Decision) -> dict[LabelId, frozenset[str]]:
        """Return the item's right labels that are on offer in a decision, each with the options that keep it."""
        offered = frozenset(decision.options)
        found = {}
        for label in self.gold[decision.item_id]:
            by = frozenset({str(label)}) if decision.node_id is None else self.above(label)
            if by & offered:
                found[label] = by & offered
        return found

    def above(self, label: LabelId) -> frozenset[str]:
        """Return the nodes that a label is placed in, and all above them."""
        if label not in self._above:
            found: set[NodeId] = set()
            waiting = list(self.index.placements_of(label))
            while waiting:
                node = waiting.pop()
                if node not in found:
                    found.add(node)
                    waiting += [parent.id for parent in self.index.parents(node)]
            self._above[label] = frozenset(map(str, found))
        return self._above[label]

    def label_names(self, labels: Sequence[LabelId]) -> tuple[str, ...]:
        """Return the names of labels."""
        return tuple(label.name for label in self.index.labels(labels))

    def names(self, decision: Decision, ids: Sequence[str]) -> tuple[str, ...]:
        """Return the names of options."""
        if decision.node_id is None:
            return self.label_names([LabelId(each) for each in ids])
        return tuple(node.name for node in self.index.nodes([NodeId(int(each)) for each in ids]))

    def path(self, node: NodeId | None) -> tuple[str, ...]:
        """Return the names down to a node."""
        if node is None or node == self.index.root():
            return ()
        return tuple(each.name for each in self.index.nodes(self.index.node_paths([node])[node]))


def latest_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    """Return each decision once, as it was made last: one that failed may have been made again."""
    latest = {(each.item_id, each.agent, each.template, each.node_id, each.seed): each for each in decisions}
    return list(latest.values())


def find_changes(
    lookup: DecisionLookup,
    pairs: Sequence[tuple[Decision, Decision]],
    before: Mapping[ItemId, Found],
    after: Mapping[ItemId, Found],
) -> list[Change]:
    """Return the pairs that chose different options, worst first: right labels lost, then gained, then neither.

    Among these come first those whose item's first label turned wrong, or right.
    """
    found = [
        compare_decisions(lookup, was, is_now, before[was.item_id], after[was.item_id])
        for was, is_now in pairs
        if (was.choice, bool(was.error)) != (is_now.choice, bool(is_now.error))
    ]
    order: dict[Effect, int] = {"lost": 0, "gained": 1, "neither": 2}

    def badness(each: Change) -> tuple[int, bool, float, bool, bool]:
        turned = each.before.first_right != each.after.first_right
        same_first = each.before.first == each.after.first
        return order[each.effect], not turned, -abs(each.worth), same_first, each.reordered

    return sorted(found, key=badness)


def compare_decisions(
    lookup: DecisionLookup, was: Decision, is_now: Decision, before: Found, after: Found
) -> Change:
    """Return one decision as both versions made it."""
    keeps = lookup.keeps(was) | lookup.keeps(is_now)
    worth = choice_value(is_now.choice, keeps) - choice_value(was.choice, keeps)
    return Change(
        item_id=was.item_id,
        text=lookup.texts[was.item_id],
        node_id=was.node_id,
        path=lookup.path(was.node_id),
        right=lookup.label_names(list(keeps)),
        before=chosen_options(lookup, was, before),
        after=chosen_options(lookup, is_now, after),
        effect="lost" if worth < 0 else "gained" if worth > 0 else "neither",
        worth=round(worth, 4),
        reordered=set(was.choice) == set(is_now.choice) and not (was.error or is_now.error),
    )


def choice_value(choice: Sequence[str], keeps: Mapping[LabelId, frozenset[str]]) -> float:
    """Sum 1 / place over the right labels: that of the first chosen option that keeps each; 0 where none does."""
    places = {option: place for place, option in reversed(list(enumerate(choice, start=1)))}
    return sum(
        max((1 / places[option] for option in options if option in places), default=0.0)
        for options in keeps.values()
    )


def chosen_options(lookup: DecisionLookup, decision: Decision, found: Found) -> Chosen:
    """Return the options of a decision, with scores if the model gave any."""
    scores = dict(zip(decision.options, decision.scores, strict=False)) if decision.scores else {}
    names = lookup.names(decision, decision.choice)
    options = tuple(
        Option(id_, name, scores.get(id_)) for id_, name in zip(decision.choice, names, strict=True)
    )
    first = lookup.label_names(found.labels[:1])
    right = bool(set(found.labels[:1]) & set(lookup.gold[decision.item_id]))
    return Chosen(options, first[0] if first else "", right, found.reason, decision.error)
