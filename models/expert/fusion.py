"""How a trained expert's probabilities join similarities: by weight and exponent, fitted on held-out products.

A label's score is its similarity plus weight * probability ** exponent. Both are those by which products that the
expert had not seen (out-of-fold) are ranked best, as Annif fits the weights and exponents of its ensembles.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.probabilities import PRIOR, Calibration, RankedItem, fit_calibration
from taxonaut.models.expert.classifier import Classifier, Explains
from taxonaut.models.expert.cut_off import CutOffs, measure_cut_offs
from taxonaut.models.expert.out_of_fold import KEPT, OutOfFold
from taxonaut.models.expert.stacking import Candidates, fit_weights, softmax
from taxonaut.models.score_sources import WeightedSource
from taxonaut.state.ids import LabelId

FILE = "fusion.json"
EXPERT = "expert"
"""The expert's name as a source of scores."""

EXPONENTS = (0.25, 0.5, 1.0)
LEAST_WEIGHT, MOST_WEIGHT = 0.05, 30.0
"""Bounds of the weight; the upper one where similarities say nothing that the expert does not."""

FEWEST = 20
"""Products from which weight and exponent are fitted; with fewer the defaults stay."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fusion:
    """Weight and exponent of an expert, and the calibration of the sums; the defaults are for an unfitted one.

    `metrics` are those on the held-out products: P@1 of the similarities, of the expert and of both.
    """

    weight: float = 1.0
    exponent: float = 0.5
    calibration: Calibration = PRIOR
    cut_offs: CutOffs | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the file into an expert's folder."""
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Fusion":
        """Read what `save` wrote; the defaults for an expert of an earlier version, which has no such file.

        Raises OSError, ValueError, KeyError and TypeError for a damaged file.
        """
        if not (folder / FILE).is_file():
            return cls()
        row = json.loads((folder / FILE).read_text(encoding="utf-8"))
        cut_offs = row["cut_offs"]
        return cls(
            float(row["weight"]),
            float(row["exponent"]),
            Calibration(**row["calibration"]),
            None if cut_offs is None else CutOffs.of(cut_offs),
            dict(row["metrics"]),
        )


class ClassifierScores:
    """A classifier as a `ScoreSource`. Thread-safe."""

    name = EXPERT

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier

    @property
    def labels(self) -> Sequence[LabelId]:
        """The categories, in the order of the columns."""
        return self.classifier.labels

    def score(self, texts: Sequence[str]) -> Matrix:
        """Return the calibrated probabilities, float32 (len(texts), len(labels))."""
        return self.classifier.probabilities(texts)

    def explain(self, text: str, label: LabelId) -> str:
        """Return what of a text speaks for a label, such as `words that speak for it: gel pen`; or nothing."""
        if not isinstance(self.classifier, Explains) or label not in self.classifier.labels:
            return ""
        words = self.classifier.explain(text, label)
        return f"words that speak for it: {words}" if words else ""


@dataclass(frozen=True)
class TrainedScores:
    """A trained expert as a source of scores; `identity`, its number and time, names it in fingerprints."""

    source: ClassifierScores
    fusion: Fusion
    identity: str

    def weighted(self, share: tuple[float, float] | None = None) -> WeightedSource:
        """Return the source with weight and exponent: those given, else its own."""
        weight, exponent = share or (self.fusion.weight, self.fusion.exponent)
        return WeightedSource(self.source, weight, exponent)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Candidates of held-out products: similarities, probabilities and which are right, (n, k) each.

    A similarity of -inf is no candidate.
    """

    similarities: Matrix
    likely: Matrix
    right: Mask

    @classmethod
    def of(cls, rows: Sequence[Mapping[int, tuple[float, float, bool]]]) -> "HeldOut":
        """Build it from rows of similarity, probability and whether it is right, by candidate."""
        width = max((len(row) for row in rows), default=0)
        shape = len(rows), width
        similarities, likely = np.full(shape, -np.inf, np.float32), np.zeros(shape, np.float32)
        right = np.zeros(shape, np.bool_)
        for place, row in enumerate(rows):
            for column, (similarity, chance, is_right) in enumerate(row.values()):
                similarities[place, column], likely[place, column] = similarity, chance
                right[place, column] = is_right
        return cls(similarities, likely, right)

    def sums(self, weight: float, exponent: float) -> Matrix:
        """Return the scores of the candidates, (n, k)."""
        found: Matrix = self.similarities + np.float32(weight) * self.likely ** np.float32(exponent)
        return found

    def first_right(self, scores: Matrix) -> float:
        """Return the share of products whose best candidate is right."""
        return float(self.right[np.arange(len(scores)), scores.argmax(axis=1)].mean())


def fit_fusion(held: HeldOut, given: Sequence[int]) -> Fusion:
    """Fit weight, exponent, calibration and cut-offs; `given` (n,) counts each product's labels.

    For each exponent the weights of a conditional logit over the candidates are fitted, with label noise as in
    `stacking`; the exponent whose right candidates are likeliest is kept. The sums rank the products' first labels
    at least as well as the expert alone: else the weight is raised.
    """
    known = held.right.any(axis=1)
    if known.sum() < FEWEST:
        return Fusion()
    some = HeldOut(held.similarities[known], held.likely[known], held.right[known])
    there = np.isfinite(some.similarities)
    low = np.where(there, some.similarities, np.inf).min(axis=1, keepdims=True)
    similar = np.where(there, some.similarities, low - 1)
    shares = some.right / some.right.sum(axis=1, keepdims=True)
    best: tuple[float, float, float] | None = None
    for exponent in EXPONENTS:
        scores = np.stack([similar, some.likely ** np.float32(exponent)], axis=2)
        found = fit_weights(Candidates(scores, shares.astype(np.float32)), ("similarity", EXPERT))
        weights = np.array([found["similarity"], found[EXPERT]], np.float32)
        odds = softmax(scores @ weights)
        loss = float(-np.log(0.95 * (odds * some.right).sum(axis=1) + 0.05 / odds.shape[1]).mean())
        weight = MOST_WEIGHT
        if found["similarity"] > 0:
            weight = min(max(found[EXPERT], 0.0) / found["similarity"], MOST_WEIGHT)
        if best is None or loss < best[0]:
            best = (loss, weight, exponent)
    assert best is not None
    weight, exponent = raise_weight(held, *best[1:])
    scores = held.sums(weight, exponent)
    ranked = rank_rows(held, scores)
    calibration = fit_calibration([ranked])
    return Fusion(
        round(weight, 3),
        exponent,
        calibration,
        measure_cut_offs(ranked, given, calibration),
        {
            "similarity": round(held.first_right(held.similarities), 4),
            EXPERT: round(held.first_right(np.where(np.isfinite(scores), held.likely, -1)), 4),
            "both": round(held.first_right(scores), 4),
        },
    )


def raise_weight(held: HeldOut, weight: float, exponent: float) -> tuple[float, float]:
    """Return weight and exponent with which first labels are right at least as often as by the expert alone."""
    alone = held.first_right(np.where(np.isfinite(held.similarities), held.likely, -1))
    weight = max(weight, LEAST_WEIGHT)
    while held.first_right(held.sums(weight, exponent)) < alone:
        if weight < MOST_WEIGHT:
            weight = min(weight * 1.5, MOST_WEIGHT)
        elif exponent < EXPONENTS[-1]:
            exponent = EXPONENTS[EXPONENTS.index(exponent) + 1]
        else:
            break
    return weight, exponent


def rank_rows(held: HeldOut, scores: Matrix) -> list[RankedItem]:
    """Return the candidates of each product, best first, with which of them are right."""
    order = np.argsort(-scores, axis=1, kind="stable")
    found = []
    for row, right, places in zip(scores, held.right, order, strict=True):
        kept = places[np.isfinite(row[places])]
        found.append(RankedItem(row[kept].tolist(), right[kept].tolist()))
    return found


def out_of_fold_chances(found: OutOfFold, place: int) -> dict[int, float]:
    """Return the probabilities of a product's likeliest categories, by column.

    Its given ones that are not among them stay out: as candidates they would be known by having the least of all.
    """
    columns, logs = (each[:KEPT] for each in found.row(place))
    return dict(zip(columns.tolist(), np.exp(logs.astype(np.float64)).tolist(), strict=True))


def describe(fusion: Fusion) -> dict[str, Any]:
    """Return what the model card says of it."""
    shares = {f"p1_{name}": value for name, value in fusion.metrics.items()}
    return {"weight": fusion.weight, "exponent": fusion.exponent, **shares}
