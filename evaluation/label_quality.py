"""How well each label is found: support, precision, recall, F1, and what is answered in its place."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.workspace.files.item_files import ItemRow

CONFUSED = 3
"""Labels named as answered in the place of a missed one."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """A label that was wrongly answered for `count` items that lack a right one; no label (None) if none was."""

    label_id: LabelId | None
    path: tuple[str, ...]
    count: int

    @property
    def name(self) -> str:
        """The label's own name."""
        return self.path[-1] if self.path else "(no label)"


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """One label over all items: it is right for `support` of them, answered for `predicted`, both for `hits`.

    `confused` are the labels answered most where this one is right and was not answered, at most three.
    """

    label_id: LabelId
    path: tuple[str, ...]
    support: int
    predicted: int
    hits: int
    confused: tuple[Confusion, ...] = ()

    @property
    def name(self) -> str:
        """The label's own name."""
        return self.path[-1]

    @property
    def missed(self) -> int:
        """The number of items for which it is right and was not answered."""
        return self.support - self.hits

    @property
    def precision(self) -> float | None:
        """hits / predicted; None for a label that was never answered."""
        return self.hits / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """hits / support; None for a label that is right for no item."""
        return self.hits / self.support if self.support else None

    @property
    def f1(self) -> float:
        """2 hits / (predicted + support)."""
        return 2 * self.hits / max(self.predicted + self.support, 1)


def measure_labels(
    index: IndexReader,
    rows: Sequence[ItemRow],
    predictions: Mapping[ItemId, Sequence[LabelId]],
    k: int,
) -> tuple[LabelQuality, ...]:
    """Measure every label that is right or among the first k of some item; those missed most come first."""
    support, predicted, hits = Counter[LabelId](), Counter[LabelId](), Counter[LabelId]()
    instead: defaultdict[LabelId, Counter[LabelId | None]] = defaultdict(Counter)
    for row in rows:
        if not row.gold:
            continue
        answered = tuple(dict.fromkeys(predictions.get(row.item.id, ())))[:k]
        right = set(row.gold)
        support.update(right)
        predicted.update(answered)
        hits.update(right.intersection(answered))
        wrong: list[LabelId | None] = [label for label in answered if label not in right]
        for label in right.difference(answered):
            instead[label].update(wrong or ([] if answered else [None]))
    labels = list(dict.fromkeys([*support, *predicted]))
    paths = {label: tuple(found[0]) for label, found in index.paths_of(labels).items() if found}
    names = {
        label.id: (label.name,) for label in index.labels([each for each in labels if each not in paths])
    }
    paths |= names

    def confusions(label: LabelId) -> tuple[Confusion, ...]:
        most = instead[label].most_common(CONFUSED) if label in instead else []
        return tuple(Confusion(each, paths[each] if each else (), count) for each, count in most)

    found = [
        LabelQuality(label, paths[label], support[label], predicted[label], hits[label], confusions(label))
        for label in labels
    ]
    return tuple(sorted(found, key=lambda each: (-each.missed, each.hits - each.predicted, each.path)))
