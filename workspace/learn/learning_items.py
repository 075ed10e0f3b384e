"""The labelled items that are learned from: what the ledger has of them, how they are divided, what is left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.state.records import Item
from taxonaut.workspace.core.config import LearningConfig
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.learn.feedback import Feedback, MarkedItem, read_feedback
from taxonaut.workspace.learn.split import Split, SplitSettings, split_items

EMBEDDING = "embedding items"
FEWEST_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """The items to learn from, how they are divided, and what was left out of the ledger."""

    items: Sequence[MarkedItem]
    split: Split
    notes: Sequence[str]
    data: Mapping[str, Any] = field(default_factory=dict)


def prepare(workspace: Core, settings: LearningConfig, items: Sequence[Item] | None) -> Prepared:
    """Read what there is to learn from: of some items, or all of the ledger but what was only evaluated.

    Raises InputError for too little.
    """
    feedback = read_feedback(workspace, items=items, evaluated=items is not None)
    known = [
        replace(item, right=tuple(filter(workspace.index.has_label, item.right))) for item in feedback.items
    ]
    usable = [item for item in known if item.right and item.item.text.strip()]
    labels = {label for item in usable for label in item.right}
    left_out = list(describe_left_out(feedback, known, usable))
    if len(usable) < FEWEST_ITEMS:
        raise InputError(
            f"{len(usable)} labelled item{'s are' if len(usable) != 1 else ' is'} too few to learn from and to "
            "measure by; give more: taxonaut learn run ITEMS, or correct answers: taxonaut feedback add"
            + "".join(f"; {each}" for each in left_out)
        )
    if len(labels) < 2:
        raise InputError(
            f"all {len(usable):,} labelled items have the label {next(iter(labels))!r}: that cannot tell "
            "labels apart; give items of other labels, too"
        )
    texts = [item.item.text for item in usable]
    vectors = workspace.wiring.frozen.lookup(texts, EMBEDDING)
    split = split_items(usable, vectors, SplitSettings(settings.holdout, settings.unseen, settings.seed))
    notes = [*left_out, *describe_gaps(usable, split, settings)]
    data = {
        "items": len(usable),
        "labels": len(labels),
        "groups": len(split.sizes),
        "items_learned_at_the_gate": len(split.learned()),
        "items_held_out": len(split.held_out),
        "labels_unseen": len(split.unseen),
        "contradicting": len(feedback.conflicts),
        "repeated": feedback.repeated,
    }
    return Prepared(usable, split, notes, data)


def describe_left_out(
    feedback: Feedback, known: Sequence[MarkedItem], usable: Sequence[MarkedItem]
) -> Iterable[str]:
    """Say which of the items and labels given are not learned from."""
    if feedback.conflicts:
        count = len({each.item for each in feedback.conflicts})
        yield (
            f"{count:,} item{'s' if count != 1 else ''} with contradicting labels: those labels are left out "
            "(taxonaut feedback conflicts)"
        )
    if feedback.repeated:
        yield f"{feedback.repeated:,} items repeat the text of another: a text counts once"
    if feedback.without_text:
        yield f"{feedback.without_text:,} items were left out: their text is not stored, or has changed"
    if without := len(known) - len(usable):
        yield f"{without:,} items have no right label of the index: they are not learned from"
    if feedback.only_evaluated:
        yield (
            f"{feedback.only_evaluated:,} items were only evaluated, and are kept for measuring; to learn from them: "
            "taxonaut feedback add FILE"
        )


def describe_gaps(usable: Sequence[MarkedItem], split: Split, settings: LearningConfig) -> Iterable[str]:
    """Say which items count together, and what cannot be measured."""
    near = len(usable) - len(split.sizes)
    if near:
        yield f"{near:,} texts are nearly equal to another: such texts count as one together"
    if settings.unseen and not split.unseen:
        yield "too few labels to keep some unseen: that labels without items are not harmed is not measured"
    if settings.holdout and not split.measured_seen():
        yield "too few items to hold some out: nothing could be measured on labels that were learned"
