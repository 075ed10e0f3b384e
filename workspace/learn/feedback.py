"""Feedback for learning: what is known of each labelled text, and what walks got right and wrong of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId, RunId
from taxonaut.state.records import Item
from taxonaut.state.stores.ledger import Conflict, ItemTruth, Mark, PathMark
from taxonaut.state.stores.runs import Run
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import batched, unit_key
from taxonaut.workspace.learn.marking import BLOCK, mark_items
from taxonaut.workspace.walk.labelled_items import with_texts

MOST_WEIGHT = 10.0
"""What a statement weighs at most in learning."""


@dataclass(frozen=True, slots=True)
class MarkedItem:
    """A text with what is known of its labels, and what its latest walk made of them.

    `right`: its labels, answered or not; `weights` is how much each counts. `errors`: labels that were answered and
    are wrong, best first; `wrong`: those that were said to be wrong. `missed`: right labels that were not answered.
    `nodes`: the marks of nodes on the paths to all of these, `opened` those of them that the walk opened.
    `complete`: any other label is wrong. `ids`: all items with this text. Without a walk, `run` is None and nothing
    is marked.
    """

    item: Item
    right: tuple[LabelId, ...]
    errors: tuple[LabelId, ...] = ()
    missed: tuple[LabelId, ...] = ()
    nodes: Mapping[NodeId, PathMark] = field(default_factory=dict)
    opened: frozenset[NodeId] = frozenset()
    weights: Mapping[LabelId, float] = field(default_factory=dict)
    wrong: tuple[LabelId, ...] = ()
    complete: bool = False
    ids: tuple[ItemId, ...] = ()
    run: RunId | None = None
    index_version: EventId | None = None
    models: str = ""

    @property
    def hits(self) -> tuple[LabelId, ...]:
        """The right labels that were answered; none without a walk."""
        return (
            tuple(label for label in self.right if label not in self.missed) if self.run is not None else ()
        )


@dataclass(frozen=True, slots=True)
class Feedback:
    """What can be learned from the ledger, a text once, and what is left out.

    `conflicts`: labels about which people, rows of a file, or gold labels of equal texts contradict each other; they
    count neither as right nor as wrong. `repeated` counts further items with the text of another one, `capped` the
    texts with weights above `MOST_WEIGHT`, `without_text` the items whose text is not stored, or has changed since,
    `only_evaluated` those that were left out for that.
    """

    items: tuple[MarkedItem, ...]
    conflicts: tuple[Conflict, ...] = ()
    repeated: int = 0
    capped: int = 0
    without_text: int = 0
    only_evaluated: int = 0


def read_feedback(
    workspace: Core,
    *,
    items: Iterable[Item] | None = None,
    run: Run | None = None,
    first: int | None = None,
    evaluated: bool = True,
) -> Feedback:
    """Mark the walks of the items that the ledger knows (`marking.mark_walks`), and return what there is to learn.

    `items`: of these only. `run`: by the walks of this run, else by each item's latest. `first`: only so many labels
    of an answer count as answered; by default all of a stored result, [walk] top of them. Without `evaluated`, items
    whose labels are known from evaluated files alone are left out: what is learned from cannot measure any more.
    """
    given = None if items is None else list(items)
    known = workspace.ledger.truths(None if given is None else list(dict.fromkeys(map(unit_key, given))))
    truths = with_texts(workspace, known)
    held_out = [truth for _, truth in truths if truth.only_evaluated] if not evaluated else []
    left_out = {truth.unit for truth in held_out}
    by_text: dict[str, list[Item]] = defaultdict(list)
    groups: dict[str, str] = {}
    for item, truth in truths:
        if truth.unit not in left_out:
            groups[truth.unit] = item.text.strip()
            by_text[item.text.strip()].append(item)
    kept = [(item, truth) for item, truth in truths if truth.unit in groups]
    walked = mark_items(workspace, kept, run)
    settled = {groups[truth.unit]: truth for _, truth in kept}
    shared = {unit: text for unit, text in groups.items() if len(by_text[text]) > 1}
    settled |= workspace.ledger.truths_of(shared) if shared else {}
    found: list[MarkedItem] = []
    for texts in batched(settled, BLOCK):
        units = {text: [unit_key(item) for item in by_text[text]] for text in texts}
        marks = _marks_of(workspace, [unit for each in units.values() for unit in each], walked)
        for text in texts:
            unit = next((unit for unit in units[text] if unit in walked), "")
            walk = marks.get(unit, ())
            found.append(_marked_item(by_text[text], settled[text], walk, walked.get(unit), first))
    return Feedback(
        tuple(found),
        tuple(conflict for truth in settled.values() for conflict in truth.conflicts),
        repeated=len(groups) - len(by_text),
        capped=sum(_is_capped(truth) for truth in settled.values()),
        without_text=len(known) - len(truths),
        only_evaluated=len(left_out),
    )


def describe_left_out(feedback: Feedback) -> list[str]:
    """Say what of the ledger is not learned from, or counts less than it was said to."""
    notes = (
        (feedback.repeated, "items with the text of another one, which counts once"),
        (feedback.capped, f"texts with a weight above {MOST_WEIGHT:g}, which counts as {MOST_WEIGHT:g}"),
        (feedback.without_text, "items with another text now, or none, of which what was said is not used"),
        (feedback.only_evaluated, "items that were only evaluated, and are not learned from"),
    )
    return [f"{what}: {count:,}" for count, what in notes if count]


def _is_capped(truth: ItemTruth) -> bool:
    return any(each.weight > MOST_WEIGHT for each in truth.labels.values())


def _marks_of(workspace: Core, units: Sequence[str], walked: Mapping[str, RunId]) -> dict[str, list[Mark]]:
    """Return the marks of units in the runs in which they were marked."""
    found: dict[str, list[Mark]] = defaultdict(list)
    for run in dict.fromkeys(walked[unit] for unit in units if unit in walked):
        for mark in workspace.ledger.marks(run, [unit for unit in units if walked.get(unit) == run]):
            found[mark.unit].append(mark)
    return found


def _marked_item(
    items: Sequence[Item], truth: ItemTruth, marks: Sequence[Mark], run: RunId | None, first: int | None
) -> MarkedItem:
    answered = {
        mark.label: mark.place
        for mark in marks
        if mark.label is not None and mark.place is not None and (first is None or mark.place <= first)
    }
    errors = [label for label in answered if truth.is_right(label) is False]
    return MarkedItem(
        items[0],
        truth.right,
        tuple(sorted(errors, key=lambda label: answered[label])),
        tuple(label for label in truth.right if label not in answered) if run is not None else (),
        {mark.node: mark.mark for mark in marks if mark.node is not None and mark.mark != "unknown"},
        frozenset(mark.node for mark in marks if mark.node is not None and mark.opened),
        {label: min(truth.labels[label].weight, MOST_WEIGHT) for label in truth.right},
        truth.wrong,
        truth.complete,
        tuple(item.id for item in items),
        run,
        marks[0].index_version if marks else None,
        marks[0].models if marks else "",
    )
