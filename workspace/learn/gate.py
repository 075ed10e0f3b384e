"""The gate: what was learned is measured on labels and items that it was not learned from, before it is adopted."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.score_sources import LearnedScores
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.core.container import Wiring
from taxonaut.workspace.core.intervals import Interval, Values, bootstrap_means

MEASURES = ("P@1", "R@10")
TOP = 10

SEEN = "seen labels"
UNSEEN = "unseen labels"
AMONG_ALL = "unseen labels among all"
"""The parts that are measured: held-out items by the labels that were learned; items of labels that were not, ranked
among these labels alone, and among all."""

SHARES = tuple(product((0.05, 0.1, 0.2, 0.35, 0.5), (0.25, 0.5, 1.0), (0.0, 0.1, 0.2, 0.3, 0.4)))
"""What is tried of a source's weight and exponent, and of what counts for labels that it does not know; Annif fits
weight and exponent of the sources of its ensembles likewise on held-out items."""

USUAL_SHARE = (0.1, 0.5, 0.1)
"""What a source gets where the items cannot tell: few votes, only from texts that are near, change little else."""

MOST_NODES = 30


@dataclass(frozen=True, slots=True)
class MeasuredItem:
    """An item with its right labels of a part; `others` are its right labels that do not compete."""

    id: ItemId
    text: str
    right: tuple[LabelId, ...]
    others: tuple[LabelId, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Items that are measured together; `among` are the labels that compete, None for all."""

    name: str
    items: Sequence[MeasuredItem]
    among: frozenset[LabelId] | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """The best labels of each item, best first, and its scores by `MEASURES`, (n, 2)."""

    first: Sequence[LabelId | None]
    values: Values


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """An item whose first label changed."""

    item: ItemId
    text: str
    before: LabelId | None
    after: LabelId | None
    right: tuple[LabelId, ...]

    @property
    def kind(self) -> str:
        """`better`, `worse` or `other`: whether the first label became right, wrong, or neither."""
        was, now = self.before in self.right, self.after in self.right
        return "other" if was == now else "better" if now else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A part before and after: intervals of both and of their paired difference, and the answers that changed.

    `nodes`: items, better and worse first labels, by the node of their first right label.
    """

    part: str
    items: int
    before: Mapping[str, Interval]
    after: Mapping[str, Interval]
    change: Mapping[str, Interval]
    changed: Sequence[ChangedAnswer] = ()
    nodes: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def falls(self) -> list[str]:
        """The measures that fell by more than their interval."""
        return [name for name, each in self.change.items() if each.high < 0]

    @property
    def gain(self) -> float:
        """The mean change of the measures."""
        return sum(each.value for each in self.change.values()) / len(self.change)

    def row(self, shown: int = 20) -> dict[str, Any]:
        """Return it as JSON values, with at most `shown` of the changed answers."""
        kinds = Counter(each.kind for each in self.changed)
        picked = sorted(self.changed, key=lambda each: ("worse", "better", "other").index(each.kind))
        return {
            "items": self.items,
            **{
                name: {
                    side: [round(each.value, 5), round(each.low, 5), round(each.high, 5)]
                    for side, each in (
                        ("before", self.before[name]),
                        ("after", self.after[name]),
                        ("change", self.change[name]),
                    )
                }
                for name in self.before
            },
            "first_labels": {kind: kinds[kind] for kind in ("better", "worse", "other")},
            "nodes": {name: list(counts) for name, counts in self.nodes.items()},
            "changed": [
                {
                    "item": each.item,
                    "text": each.text[:200],
                    "before": each.before,
                    "after": each.after,
                    "right": list(each.right),
                    "kind": each.kind,
                }
                for each in picked[:shown]
            ],
        }


@dataclass(frozen=True, slots=True)
class PartScores:
    """A part with its items' scores of all labels (n, labels), in the order of `labels`."""

    part: Part
    labels: Sequence[LabelId]
    scores: Matrix

    def rank(self, scores: Matrix | None = None) -> Ranked:
        """Rank the labels by these scores or others."""
        return rank_labels(self.part, self.labels, self.scores if scores is None else scores)


def score_parts(wiring: Wiring, parts: Sequence[Part]) -> list[PartScores]:
    """Score all labels of the index for each part's items, by exact search, with what was learned."""
    retriever = wiring.retriever()
    known: dict[str, Matrix] = {}
    for part in parts:
        texts = [item.text for item in part.items if item.text not in known]
        for asked, scores in retriever.score_all(texts):
            known |= dict(zip(asked, scores, strict=True))
    labels = list(retriever.table.labels)
    return [
        PartScores(
            part,
            labels,
            np.array([known[item.text] for item in part.items], np.float32).reshape(-1, len(labels)),
        )
        for part in parts
    ]


def rank_labels(part: Part, labels: Sequence[LabelId], scores: Matrix) -> Ranked:
    """Rank the labels that compete for each item."""
    if part.among is not None:
        kept = [at for at, label in enumerate(labels) if label in part.among]
        labels, scores = [labels[at] for at in kept], scores[:, kept]
    column = {label: at for at, label in enumerate(labels)}
    if any(item.others for item in part.items):
        scores = scores.copy()
        for row, item in enumerate(part.items):
            scores[row, [column[label] for label in item.others if label in column]] = -np.inf
    values = np.zeros((len(part.items), len(MEASURES)))
    if not len(labels):
        return Ranked([None] * len(part.items), values)
    count = min(TOP, len(labels))
    near = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count < len(labels) else None
    first: list[LabelId | None] = []
    for row, item in enumerate(part.items):
        best = np.arange(len(labels)) if near is None else np.sort(near[row])
        best = best[np.argsort(-scores[row, best], kind="stable")][:count]
        right = {column[label] for label in item.right if label in column}
        first.append(labels[int(best[0])])
        values[row, 0] = float(int(best[0]) in right)
        values[row, 1] = sum(at in right for at in best.tolist()) / max(1, len(item.right))
    return Ranked(first, values)


def compare(
    part: Part, before: Ranked, after: Ranked, node_of: Callable[[LabelId], str] = lambda _: ""
) -> Comparison:
    """Compare two rankings of a part's items by paired bootstrap."""
    together = bootstrap_means(np.hstack([before.values, after.values, after.values - before.values]))
    width = len(MEASURES)
    was, now, change = (
        dict(zip(MEASURES, together[at : at + width], strict=True)) for at in (0, width, 2 * width)
    )
    changed = [
        ChangedAnswer(item.id, item.text, former, answer, item.right)
        for item, former, answer in zip(part.items, before.first, after.first, strict=True)
        if former != answer
    ]
    counts: Counter[str] = Counter(node_of(item.right[0]) for item in part.items)
    kinds = Counter((node_of(each.right[0]), each.kind) for each in changed)
    nodes = {
        name: (count, kinds[name, "better"], kinds[name, "worse"])
        for name, count in counts.most_common()
        if name and (kinds[name, "better"] or kinds[name, "worse"])
    }
    most = dict(sorted(nodes.items(), key=lambda each: -(each[1][1] + each[1][2]))[:MOST_NODES])
    return Comparison(part.name, len(part.items), was, now, change, changed, most)


Share = tuple[float, float, float]
"""A source's weight, exponent, and what counts for labels that it does not know; see `WeightedSource`."""


def fit_sources(parts: Sequence[PartScores], learned: LearnedScores | None) -> dict[str, Share]:
    """Choose the shares of each source by the mean of P@1 and R@10, of which each part's mean counts alike.

    `parts` are ranked among all labels, and scored without the sources. What lets a part fall by more than its
    interval is not chosen; where no share is better than `USUAL_SHARE`, and that is not worse than none, it is.
    Sources are fitted one after the other.
    """
    if learned is None:
        return {}
    parts = [part for part in parts if part.part.items]
    likely = [learned.likely([item.text for item in part.part.items], tuple(part.labels)) for part in parts]
    found: dict[str, Share] = {each.source.name: (0.0, 1.0, 0.0) for each in learned.sources}

    def measure(chosen: Mapping[str, Share]) -> list[Values]:
        values = []
        for part, each in zip(parts, likely, strict=True):
            scores = part.scores.copy()
            for number, (source, said) in enumerate(zip(learned.sources, each, strict=True)):
                if chosen[source.source.name][0]:
                    others = learned.unknown(number, tuple(part.labels))
                    scores += weigh(said, others, chosen[source.source.name])
            values.append(part.rank(scores).values.mean(axis=1))
        return values

    plain = measure(found)
    best = float(np.mean([each.mean() for each in plain])) if parts else 0.0
    for _ in range(2 if len(found) > 1 else 1):
        for name in found:
            for share in (USUAL_SHARE, *SHARES):
                now = measure({**found, name: share})
                value = float(np.mean([each.mean() for each in now])) if parts else 0.0
                usual = share == USUAL_SHARE and value >= best and not found[name][0]
                if (usual or value > best + 1e-9) and not any(map(falls, plain, now)):
                    best, found = value, {**found, name: share}
    return found


def weigh(said: Matrix, others: Any, share: Share) -> Matrix:
    """Return what a source adds to scores: `said` of the labels it knows; `others` are those that it does not."""
    weight, exponent, unknown = share
    added: Matrix = said ** np.float32(exponent)
    added[:, others] = np.float32(unknown)
    added *= np.float32(weight)
    return added


def add_sources(part: PartScores, learned: LearnedScores | None, shares: Mapping[str, Share]) -> PartScores:
    """Return a part's scores with what the sources say, by their shares."""
    if learned is None or not part.part.items:
        return part
    scores, labels = part.scores.copy(), tuple(part.labels)
    likely = learned.likely([item.text for item in part.part.items], labels)
    for number, (source, said) in enumerate(zip(learned.sources, likely, strict=True)):
        if shares[source.source.name][0]:
            scores += weigh(said, learned.unknown(number, labels), shares[source.source.name])
    return PartScores(part.part, part.labels, scores)


def falls(before: Values, after: Values) -> bool:
    """Say whether paired values fall by more than their interval (normal, 95 %)."""
    change = after - before
    return bool(change.mean() + 1.96 * change.std() / np.sqrt(len(change)) < 0)
