"""The trained multi-label indexer: soft-label logistic regression on an encoder's vectors and on words.

It is fitted to shares of annotators (n, L), or to labels as shares of 0 and 1. Penalty, calibration, thresholds and
intervals come from cross-validation inside the training items.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.distributions.fields import TextParts, common_names, split_parts
from taxonaut.models.distributions.label_probabilities import Numbers
from taxonaut.models.distributions.platt import Platt, fit_platt
from taxonaut.models.distributions.soft_logistic import Compressed, SoftLogistic, fit_soft_logistic
from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.lexical import Lexicon
from taxonaut.state.errors import WorkspaceError
from taxonaut.state.records import Item

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Embed = Callable[[Sequence[str]], Matrix]
"""From texts to unit vectors."""

PENALTIES = (0.5, 1.0, 2.0, 4.0)
"""L2 penalties that cross-validation chooses from."""

VECTOR_SCALE = 2.0
"""How much longer an encoder's vector is than a block of words."""

FOLDS = 5
LARGE = 10_000
"""Items from which on one of the folds is held out, not each in turn, to choose the penalty and to calibrate."""

MOST_WORDS = 100_000
FILE = "distribution.npz"

INTERVAL_BINS = 20
COVERED = 0.9
"""Share of held-out cases that an interval holds."""


@dataclass(frozen=True, slots=True)
class Featurizer:
    """Turns items into rows: vectors of the text and of its named parts, and words of both."""

    names: tuple[str, ...]
    lexicons: tuple[Lexicon, ...]

    @classmethod
    def fit(cls, items: Sequence[Item]) -> Self:
        """Learn the words of training items, and which named parts they have."""
        names = common_names(items)
        texts = cls._texts([split_parts(item, names) for item in items])
        return cls(names, tuple(Lexicon.fit(each, most=MOST_WORDS) for each in texts))

    @staticmethod
    def _texts(parts: Sequence[TextParts]) -> list[list[str]]:
        """Return the texts that words are read from, a list for each lexicon."""
        count = len(parts[0].values) if parts else 0
        if not count:
            return [[each.text for each in parts]]
        values = [[each.values[number] for each in parts] for number in range(count)]
        return [[each.masked for each in parts], [each.between for each in parts], *values]

    def rows(self, items: Sequence[Item], embed: Embed) -> "csr_matrix":
        """Return features, sparse float32 of shape (n, d)."""
        from scipy.sparse import csr_matrix, hstack

        parts = [split_parts(item, self.names) for item in items]
        embedded = [[each.text for each in parts]]
        embedded += [[each.values[number] for each in parts] for number in range(len(self.names))]
        vectors = [embed(texts) * np.float32(VECTOR_SCALE) for texts in embedded]
        words = [
            lexicon.rows(texts) for lexicon, texts in zip(self.lexicons, self._texts(parts), strict=True)
        ]
        made: csr_matrix = hstack([*map(csr_matrix, vectors), *words], format="csr", dtype=np.float32)
        return made


@dataclass(frozen=True, slots=True)
class Intervals:
    """What shares annotators gave where a probability was in a bin: quantiles of held-out items.

    `edges` (B - 1,) divide the bins; `low` and `high` (B,) bound `COVERED` of the shares.
    """

    edges: Numbers
    low: Numbers
    high: Numbers

    @classmethod
    def fit(cls, predicted: Numbers, shares: Numbers) -> Self:
        """Fit to held-out predictions and shares, both of shape (n, L)."""
        p, y = predicted.ravel(), np.asarray(shares, np.float64).ravel()
        edges = np.unique(np.quantile(p, np.linspace(0, 1, INTERVAL_BINS + 1)[1:-1]))
        place = np.searchsorted(edges, p)
        tail = (1 - COVERED) / 2
        bounds = [
            np.quantile(y[place == each], [tail, 1 - tail]) if (place == each).any() else (0.0, 1.0)
            for each in range(len(edges) + 1)
        ]
        return cls(edges, np.array([low for low, _ in bounds]), np.array([high for _, high in bounds]))

    def of(self, predicted: Numbers) -> tuple[Numbers, Numbers]:
        """Return lower and upper bounds of predictions; both hold the prediction itself."""
        place = np.searchsorted(self.edges, predicted)
        return np.minimum(self.low[place], predicted), np.maximum(self.high[place], predicted)


def best_thresholds(predicted: Numbers, shares: Numbers) -> Numbers:
    """Return each label's threshold (L,) with the best F1 on held-out items; 0.5 for a label nobody mostly gave."""
    found = np.full(predicted.shape[1], 0.5)
    for label in range(predicted.shape[1]):
        order = np.argsort(-predicted[:, label], kind="stable")
        right = np.asarray(shares)[order, label] >= 0.5
        if not right.any():
            continue
        hits = np.cumsum(right)
        f1 = 2 * hits / (np.arange(1, len(right) + 1) + right.sum())
        best = int(f1.argmax())
        values = predicted[order, label]
        after = values[best + 1] if best + 1 < len(values) else 0.0
        found[label] = (values[best] + after) / 2
    return found


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Held-out scores turned into what a distribution needs: scale, thresholds and intervals."""

    platt: Platt
    thresholds: Numbers
    intervals: Intervals

    @classmethod
    def fit(cls, scores: Numbers, shares: Numbers) -> Self:
        """Fit to held-out log-odds and annotators' shares, both of shape (n, L)."""
        platt = fit_platt(scores, shares)
        predicted = platt.apply(scores)
        return cls(platt, best_thresholds(predicted, shares), Intervals.fit(predicted, shares))


def cross_validate(
    rows: Any,
    shares: Numbers,
    penalties: Sequence[float],
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> tuple[float, Numbers, NDArray[np.int64]]:
    """Choose a penalty by held-out cross-entropy; return it, the held-out scores, and the rows they are of.

    Large sets hold one part out, which is scored once; others hold each of `FOLDS` parts out in turn.
    """
    count = rows.shape[0]
    parts = np.array_split(np.random.default_rng(seed).permutation(count), min(FOLDS, count))
    held = [part for part in parts if len(part)][: 1 if count > LARGE else None]
    places = np.concatenate(held)
    best: tuple[float, float, Numbers] | None = None
    for penalty in penalties:
        scores = []
        for part in held:
            rest = np.setdiff1d(np.arange(count), part)
            if not len(rest):
                rest = part
            scores.append(fit_soft_logistic(rows[rest], shares[rest], penalty).scores(rows[part]))
            tick()
        found = np.concatenate(scores)
        loss = float((np.logaddexp(0, found) - shares[places] * found).sum(axis=1).mean())
        if best is None or loss < best[0]:
            best = loss, penalty, found
        else:
            break  # the penalties are in order, and the loss has one minimum
    assert best is not None
    return best[1], best[2], places


@dataclass(frozen=True, slots=True)
class TrainedDistribution:
    """A trained indexer of one label set."""

    labels: tuple[str, ...]
    featurizer: Featurizer | None
    """None for a linear probe, whose rows are a language model's states."""
    model: SoftLogistic
    calibrated: Calibrated
    card: dict[str, Any]

    def predict(self, rows: Any) -> Numbers:
        """Return calibrated probabilities (n, L) of feature rows."""
        return self.calibrated.platt.apply(self.model.scores(rows))

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        calibrated, intervals = self.calibrated, self.calibrated.intervals
        arrays: dict[str, Any] = {
            "weights": self.model.weights,
            "offsets": self.model.offsets,
            "thresholds": calibrated.thresholds,
            "edges": intervals.edges,
            "low": intervals.low,
            "high": intervals.high,
        }
        for number, lexicon in enumerate(self.featurizer.lexicons if self.featurizer else ()):
            arrays[f"buckets_{number}"], arrays[f"idf_{number}"] = lexicon.buckets, lexicon.idf
        said = {
            "labels": self.labels,
            "names": None if self.featurizer is None else self.featurizer.names,
            "slope": calibrated.platt.slope,
            "offset": calibrated.platt.offset,
            "card": self.card,
        }
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("wb") as file:
            np.savez_compressed(file, said=json.dumps(said), **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model from a folder. Raises WorkspaceError for a file that cannot be read."""
        path = folder / FILE
        try:
            with np.load(path, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            said = json.loads(str(arrays.pop("said")))
            lexicons = [
                Lexicon(arrays[f"buckets_{number}"], arrays[f"idf_{number}"])
                for number in range(sum(name.startswith("buckets_") for name in arrays))
            ]
            featurizer = None if said["names"] is None else Featurizer(tuple(said["names"]), tuple(lexicons))
            calibrated = Calibrated(
                Platt(said["slope"], said["offset"]),
                arrays["thresholds"],
                Intervals(arrays["edges"], arrays["low"], arrays["high"]),
            )
            model = SoftLogistic(arrays["weights"], arrays["offsets"])
        except (OSError, ValueError, KeyError) as error:
            raise WorkspaceError(
                f"{str(path)!r} cannot be read ({error}); train it again: taxonaut distribute train FILE"
            ) from None
        return cls(tuple(said["labels"]), featurizer, model, calibrated, said["card"])


def train_distribution(
    labels: Sequence[str],
    rows: Any,
    shares: Numbers,
    *,
    featurizer: Featurizer | None,
    penalties: Sequence[float] = PENALTIES,
    seed: int = 0,
    card: dict[str, Any] | None = None,
    tick: Callable[[], None] = lambda: None,
) -> TrainedDistribution:
    """Train on feature rows (n, d) and annotators' shares (n, L)."""
    small = hasattr(rows, "tocsr") and rows.shape[0] <= min(LARGE, rows.shape[1])
    compressed = Compressed.of(rows) if small else None
    used = rows if compressed is None else compressed.rows
    penalty, scores, places = cross_validate(used, shares, penalties, seed, tick)
    calibrated = Calibrated.fit(scores, shares[places])
    model = fit_soft_logistic(used, shares, penalty)
    if compressed is not None:
        model = compressed.model(model, rows)
    tick()
    made = {**(card or {}), "penalty": penalty, "slope": round(calibrated.platt.slope, 4)}
    return TrainedDistribution(tuple(labels), featurizer, model, calibrated, made)
