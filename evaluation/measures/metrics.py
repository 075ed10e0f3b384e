"""Ranking measures: P@k, RP@k, R@k, F1@k, NDCG@k and MRR, by item and averaged."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.hierarchy import HierarchicalScores, Hierarchy, Path, Relation

CUTOFFS = (1, 3, 5, 10)

L = TypeVar("L", bound=Hashable)
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ItemScores:
    """Measures of the items that have gold labels, in order.

    `rows` (n,) are the items' positions among all items. `precision`, `rp`, `recall`, `f1` and `ndcg` map each
    cutoff to a vector (n,); `reciprocal_rank` is (n,).
    """

    rows: NDArray[np.intp]
    without_gold: int
    precision: Mapping[int, Values]
    rp: Mapping[int, Values]
    recall: Mapping[int, Values]
    f1: Mapping[int, Values]
    ndcg: Mapping[int, Values]
    reciprocal_rank: Values


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the items that have gold labels; `without_gold` items were left out.

    `precision[k]` is P@k: hits among the first k divided by k, whatever the number of gold labels (TELEClass).
    `rp[k]` is RP@k: the same hits divided by min(k, gold labels), so that a perfect ranking has 1
    (Infer–Retrieve–Rank; TaxoClass calls this P@k). `recall[k]` divides by all gold labels. `ndcg[k]` is NDCG@k with
    gains of 0 and 1 (Järvelin & Kekäläinen 2002), as trec_eval has it. If fewer than k labels were predicted, the
    divisor of these is still k. `f1[k]` is the mean of the items' F1, the first k labels, or as many as there are,
    taken as a set (scikit-learn's `average="samples"`). `mrr` is the mean of 1 / rank of the first hit. With `paths`,
    `hierarchy` has the hierarchical scores and `outcomes` counts items by the relation of the best of their first
    `hierarchy.top` predictions to gold.
    """

    items: int
    without_gold: int
    precision: Mapping[int, float]
    rp: Mapping[int, float]
    recall: Mapping[int, float]
    f1: Mapping[int, float]
    ndcg: Mapping[int, float]
    mrr: float
    hierarchy: HierarchicalScores | None = None
    outcomes: Mapping[Relation, int] | None = None


def score_items(
    predicted: Sequence[Sequence[L]], gold: Sequence[Collection[L]], ks: Sequence[int] = CUTOFFS
) -> ItemScores:
    """Score each item's ranked labels, best first, against its gold labels; a repeated label counts once."""
    rows = [row for row, labels in enumerate(gold) if labels]
    found = [_hits(predicted[row], set(gold[row])) for row in rows]
    sizes = np.array([len(set(gold[row])) for row in rows], dtype=np.float64)
    lengths = np.array([len(item) for item in found], dtype=np.float64)
    hits = {k: np.array([np.count_nonzero(item[:k]) for item in found], dtype=np.float64) for k in ks}
    discounts = 1 / np.log2(np.arange(2, max(ks, default=1) + 2))
    ideal = np.cumsum(discounts)
    gains = {k: np.array([discounts[: len(item[:k])] @ item[:k] for item in found]) for k in ks}
    return ItemScores(
        rows=np.array(rows, dtype=np.intp),
        without_gold=len(gold) - len(rows),
        precision={k: hits[k] / k for k in ks},
        rp={k: hits[k] / np.minimum(k, sizes) for k in ks},
        recall={k: hits[k] / sizes for k in ks},
        f1={k: 2 * hits[k] / (np.minimum(k, lengths) + sizes) for k in ks},
        ndcg={k: gains[k] / ideal[np.minimum(k, sizes).astype(np.intp) - 1] for k in ks},
        reciprocal_rank=np.array([1 / (1 + np.argmax(item)) if item.any() else 0.0 for item in found]),
    )


def score(
    predicted: Sequence[Sequence[L]],
    gold: Sequence[Collection[L]],
    paths: Mapping[L, Sequence[Path]] | None = None,
    ks: Sequence[int] = CUTOFFS,
    top: int = 1,
) -> Scores:
    """Average over the items that have gold labels; with `paths`, score the first `top` hierarchically too.

    `paths` has all paths of every predicted and gold label, from the top to the label's own name without the
    root. Raises `ValueError` if the two sequences differ in length.
    """
    if len(predicted) != len(gold):
        raise ValueError(
            f"{len(predicted)} predictions for {len(gold)} items; give one ranking for each item"
        )
    each = score_items(predicted, gold, ks)
    hierarchy = None if paths is None else Hierarchy(paths)
    kept_predicted = [list(dict.fromkeys(predicted[row]))[:top] for row in each.rows.tolist()]
    kept_gold = [gold[row] for row in each.rows.tolist()]
    return Scores(
        items=len(each.rows),
        without_gold=each.without_gold,
        precision=_means(each.precision),
        rp=_means(each.rp),
        recall=_means(each.recall),
        f1=_means(each.f1),
        ndcg=_means(each.ndcg),
        mrr=_mean(each.reciprocal_rank),
        hierarchy=hierarchy.score(kept_predicted, kept_gold, top) if hierarchy else None,
        outcomes=hierarchy.outcomes(kept_predicted, kept_gold) if hierarchy else None,
    )


def _hits(predicted: Sequence[L], gold: set[L]) -> NDArray[np.bool_]:
    return np.array([label in gold for label in dict.fromkeys(predicted)], dtype=np.bool_)


def _means(values: Mapping[int, Values]) -> dict[int, float]:
    return {k: _mean(vector) for k, vector in values.items()}


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else 0.0
