"""Which trained experts of a workspace an evaluation can compare, and what they have seen of its texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from taxonaut.evaluation.methods.registry import parse_methods
from taxonaut.state.errors import NotFoundError, WorkspaceError
from taxonaut.workspace.core.text_format import counted
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training_data import Example
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

TRAINED = ("expert", "dual", "general")
"""Methods that use a trained expert."""


@dataclass(frozen=True, slots=True)
class FoundExperts:
    """Names of methods, such as `expert:expert=2`, and why others are left out."""

    methods: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_experts(workspace: Workspace, rows: Sequence[ItemRow]) -> FoundExperts:
    """Return the trained experts that can judge the items: some gold label is one of their categories."""
    experts = Experts(workspace)
    gold = {label for row in rows for label in row.gold}
    methods, notes = [], []
    for number in experts.numbers():
        try:
            experts.open_embedder(experts.card(number))
            categories = experts.examples(number)
        except WorkspaceError as error:
            notes.append(f"expert {number} is left out: {error}")
            continue
        if gold.isdisjoint(categories):
            notes.append(f"expert {number} is left out: none of the right labels is one of its categories")
        else:
            methods.append(f"expert:expert={number}")
    return FoundExperts(tuple(methods), tuple(notes))


def seen_notes(workspace: Workspace, rows: Sequence[ItemRow], methods: Collection[str]) -> list[str]:
    """Say which experts of the methods were trained on texts that are evaluated, whose figures are then too high."""
    experts = Experts(workspace)
    texts = [row.item.text.strip() for row in rows if row.gold]
    notes = []
    numbers = {
        each.own.get("expert", "") for each in parse_methods(list(methods)) if each.method.name in TRAINED
    }
    for number in sorted(numbers):
        try:
            card = experts.card(int(number) if number.isdecimal() else None)
            known = {
                text_of(each) for examples in experts.examples(card.number).values() for each in examples
            }
        except (NotFoundError, WorkspaceError):
            continue  # the method itself says so
        seen = sum(text in known for text in texts)
        if seen:
            notes.append(
                f"expert {card.number} was trained on {seen:,} of these {counted(len(texts), 'text')}: its figures "
                "are too high; evaluate on texts it has not seen"
            )
    return notes


def text_of(example: Example) -> str:
    """Return an example's text as it is compared."""
    return example.item.text.strip()
