"""Add what was learned about labels and nodes to similarities, each source by its weight and exponent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import LabelId, NodeId, Place

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_TEXTS = 512
_KEYS = 1_024


class ScoreSource(Protocol):
    """Something learned from labelled items that scores labels for texts. Thread-safe."""

    @property
    def name(self) -> str:
        """Its name in settings, cards and explanations, such as `expert`."""

    @property
    def labels(self) -> Sequence[LabelId]:
        """The labels it knows, in the order of the columns."""

    def score(self, texts: Sequence[str]) -> Matrix:
        """Return how likely each label is, float32 (len(texts), len(labels)), from 0 to 1."""


@runtime_checkable
class ExplainsScores(Protocol):
    """A source that says why."""

    def explain(self, text: str, label: LabelId) -> str:
        """Return what of a text speaks for a label; empty if nothing does."""


@dataclass(frozen=True, slots=True)
class WeightedSource:
    """A source with its weight and exponent: it adds weight * score ** exponent to a similarity.

    Both are fitted on held-out items, as Annif fits those of its ensembles. `unknown` takes the place of score **
    exponent for a label that the source does not know, and is the least for a node with such a label: so labels that
    nothing was learned about are not buried (calibrated stacking, Chao et al. 2016, "An Empirical Study and Analysis
    of Generalized Zero-Shot Learning").
    """

    source: ScoreSource
    weight: float
    exponent: float = 1.0
    unknown: float = 0.0


class LearnedScores:
    """The sum over the sources, for labels and for nodes.

    A node's score by a source is the sum of those of the labels at and below it, at most 1; `below` gives these. A
    label or node that a source does not know gets what `unknown` says. Thread-safe.
    """

    def __init__(
        self, sources: Sequence[WeightedSource], below: Callable[[NodeId], Sequence[LabelId]]
    ) -> None:
        self.sources = tuple(sources)
        self.below = below
        self._columns = [{label: at for at, label in enumerate(each.source.labels)} for each in sources]
        self._sums = lru_cache(_KEYS)(self._sums_of)
        self._unknown = lru_cache(_KEYS)(self._unknown_of)
        self._known: dict[str, tuple[Matrix, ...]] = {}
        self._lock = Lock()

    def add(self, texts: Sequence[str], keys: tuple[Place | None, ...], scores: Matrix) -> Matrix:
        """Return similarities (len(texts), len(keys)) with what was learned added; a key of None gets nothing."""
        if not scores.size:
            return scores
        found = scores.copy()
        for number, (each, likely) in enumerate(zip(self.sources, self.likely(texts, keys), strict=True)):
            likely **= np.float32(each.exponent)
            if each.unknown:
                unknown = self.unknown(number, keys)
                likely[:, unknown] = np.maximum(likely[:, unknown], np.float32(each.unknown))
            found += np.float32(each.weight) * likely
        return found

    def unknown(self, number: int, keys: tuple[Place | None, ...]) -> "npt.NDArray[np.bool_]":
        """Return which labels a source does not know, and which nodes have such a label, (len(keys),)."""
        found: npt.NDArray[np.bool_] = self._unknown(number, keys)
        return found

    def likely(self, texts: Sequence[str], keys: tuple[Place | None, ...]) -> list[Matrix]:
        """Return what each source says, from 0 to 1, float32 (len(texts), len(keys)) each."""
        rows = self._rows(texts)
        found = []
        for number in range(len(self.sources)):
            stacked = np.stack([row[number] for row in rows])
            sums: Matrix = np.asarray(self._sums(number, keys).dot(stacked.T)).T
            found.append(np.clip(sums, 0.0, 1.0))
        return found

    def _rows(self, texts: Sequence[str]) -> list[tuple[Matrix, ...]]:
        """Return the scores of texts by every source; those of the last texts are kept, as a walk asks again."""
        with self._lock:
            known = self._known
            missing = list(dict.fromkeys(text for text in texts if text not in known))
            if missing:
                scores = [each.source.score(missing) for each in self.sources]
                rows = {text: tuple(each[at] for each in scores) for at, text in enumerate(missing)}
                found = known | rows
                self._known = found if len(found) <= max(_TEXTS, len(rows)) else rows
            else:
                found = known
            return [found[text] for text in texts]

    def _sums_of(self, number: int, keys: tuple[Place | None, ...]) -> "csr_matrix":
        """Return the matrix (keys, columns) that sums a source's scores for each key."""
        from scipy.sparse import csr_matrix

        known = self._columns[number]
        columns = [[known[label] for label in self._labels_of(key) if label in known] for key in keys]
        rows = np.repeat(np.arange(len(keys)), [len(each) for each in columns])
        flat = np.array([column for each in columns for column in each], np.int64)
        return csr_matrix((np.ones(len(flat), np.float32), (rows, flat)), shape=(len(keys), len(known)))

    def _unknown_of(self, number: int, keys: tuple[Place | None, ...]) -> "npt.NDArray[np.bool_]":
        known = self._columns[number]
        return np.array([any(label not in known for label in self._labels_of(key)) for key in keys], np.bool_)

    def _labels_of(self, key: Place | None) -> Sequence[LabelId]:
        if key is None:
            return ()
        return (key,) if isinstance(key, str) else self.below(key)
