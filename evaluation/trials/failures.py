"""What went wrong with labelled items, in words, and whose mistake it was: feedback for rewriting instructions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taxonaut.agents.support.texts import path_text
from taxonaut.evaluation.attribution import label_outcomes_of
from taxonaut.evaluation.measures.comparison import score_each_item
from taxonaut.evaluation.trials.trial_run import Found, Role
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import NATIVE
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.label_outcomes import MEANING, LabelOutcome, Outcome
from taxonaut.workspace.workspace import Workspace

MEASURE, DEPTH = "NDCG@10", 10
"""How an item is scored: by the places of its right labels among the first ten, 1 for the best order."""

LONGEST_TEXT = 500
"""Characters of an item's text that are shown."""

SHOWN = 3
"""Labels of an answer that are shown."""

AT_FAULT: Mapping[Outcome, Role] = {
    "not opened": "navigator",
    "threshold": "navigator",
    "beam": "navigator",
    "budget": "navigator",
    "ranked low": "general_expert",
}
"""The role whose decision lost a label; what is not here was nobody's choice."""


@dataclass(frozen=True, slots=True)
class Case:
    """One item under one version of the templates: its score from 0 to 1, and each role's mistakes in words."""

    item_id: ItemId
    text: str
    score: float
    right: tuple[str, ...]
    given: tuple[str, ...]
    faults: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)

    def describe(self, role: Role) -> str:
        """Describe the case to whoever rewrites a role's instructions."""
        text = self.text if len(self.text) <= LONGEST_TEXT else f"{self.text[:LONGEST_TEXT]} […]"
        lines = [
            f"Text: {' '.join(text.split())}",
            f"Right: {'; '.join(self.right)}",
            f"Answer: {'; '.join(self.given) or 'none'}",
            *(self.faults.get(role) or ("This one went well.",)),
        ]
        return "\n".join(lines)


def describe_cases(
    workspace: Workspace, run: RunId, rows: Sequence[ItemRow], found: Sequence[Found]
) -> list[Case]:
    """Describe what a run of the walk made of items with gold labels, in their order."""
    answers = {each.item_id: each for each in found}
    scores = score_each_item(
        [answers[row.item.id].labels for row in rows], [row.gold for row in rows], (DEPTH,)
    )
    names = Names(workspace.index)
    outcomes = dict(label_outcomes_of(workspace, run, rows))
    return [
        Case(
            row.item.id,
            row.item.named_text,
            float(score),
            tuple(names.label(label) for label in row.gold),
            tuple(names.label(label) for label in answers[row.item.id].labels[:SHOWN]),
            find_faults(names, outcomes.get(row.item.id, ()), answers[row.item.id].labels, len(row.gold)),
        )
        for row, score in zip(rows, scores[MEASURE], strict=True)
    ]


class Names:
    """Names of labels and nodes in an index; in the user's own tree a label is shown with its path."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.native = index.tree_method() == NATIVE

    def label(self, label: LabelId) -> str:
        """Return a label's name or path."""
        paths = self.index.paths_of([label])[label] if self.native else []
        return path_text(paths[0]) if paths else self.index.label(label).name

    def node(self, node: NodeId) -> str:
        """Return a node's name."""
        return self.index.nodes([node])[0].name

    def place(self, node: NodeId) -> str:
        """Return where a node is."""
        way = self.index.node_paths([node])[node]
        names = [each.name for each in self.index.nodes(list(way))]
        return f"at {path_text(names)!r}" if names else "at the top of the tree"


def find_faults(
    names: Names, outcomes: Sequence[LabelOutcome], answer: Sequence[LabelId], right: int
) -> dict[Role, tuple[str, ...]]:
    """Return the mistakes of each role with one item."""
    found: dict[Role, list[str]] = {"navigator": [], "general_expert": []}
    for outcome in outcomes:
        name = names.label(outcome.label)
        if outcome.outcome == "found":
            if outcome.rank is not None and outcome.rank > right:
                before = names.label(answer[0])
                found["general_expert"].append(
                    f"Mistake: {name!r} is only number {outcome.rank} of the answer; first is {before!r}."
                )
            continue
        role = AT_FAULT.get(outcome.outcome)
        if role == "navigator":
            found[role].append(f"Mistake: {name!r} was lost {describe_loss(names, outcome)}.")
        elif role == "general_expert":
            instead = f"; first was {names.label(answer[0])!r}" if answer else "; nothing was taken"
            found[role].append(f"Mistake: {name!r} was {MEANING[outcome.outcome]}{instead}.")
    return {role: tuple(lines) for role, lines in found.items()}


def describe_loss(names: Names, outcome: LabelOutcome) -> str:
    """Say at which node a label was lost, which branch was closed and which was opened in its place."""
    if outcome.node is None or outcome.branch is None:
        return f"({MEANING[outcome.outcome]})"
    closed = names.node(outcome.branch)
    why = {
        "not opened": f"the branch {closed!r}, which has it, was passed by",
        "threshold": f"the branch {closed!r}, which has it, was opened too late to count",
        "beam": f"the branch {closed!r}, which has it, came behind too many others",
        "budget": f"the branch {closed!r}, which has it, came behind too many others",
    }[outcome.outcome]
    opened = f", {names.node(outcome.opened)!r} was opened" if outcome.opened is not None else ""
    return f"{names.place(outcome.node)}: {why}{opened or ', and nothing was opened'}"
