"""Labelled items as exemplars of their labels: a text's neighbours among them vote.

As in PEFA (Chang et al. 2024, "PEFA: Parameter-Free Adapters for Large-scale Embedding-based Retrieval Models"): the
vectors of labelled items join the index, and a label's score is the mean of that of its own text and of its items.
What a walk missed becomes findable at once, without training.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.models.adapt.learner import TrainingMaterial
from taxonaut.models.embedder import Matrix
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId

FILE = "exemplars.jsonl"
NEIGHBOURS = 20
SHARPNESS = 20.0
"""Neighbours that vote, and how fast a vote falls with distance: exp(sharpness * (cosine - 1))."""

SHOWN = 80
"""Characters shown of a labelled text."""

_AT_ONCE = 256

Lookup = Callable[[Sequence[str]], Matrix]


class NeighbourVotes:
    """A `ScoreSource`: the votes of a text's nearest labelled texts, (n, labels), from 0 to 1.

    `examples` are texts with their labels and a weight from 0 to 1. `lookup` returns stored vectors, `embed` those of
    texts that are asked about.
    """

    name = "exemplars"

    def __init__(
        self, examples: Sequence[tuple[str, Sequence[LabelId], float]], lookup: Lookup, embed: Lookup
    ) -> None:
        self.labels = tuple(dict.fromkeys(label for _, labels, _ in examples for label in labels))
        place = {label: at for at, label in enumerate(self.labels)}
        self._vectors = lookup([text for text, _, _ in examples])
        self._columns = [[place[label] for label in labels] for _, labels, _ in examples]
        self._weights = np.array([weight for _, _, weight in examples], np.float32)
        self._texts = [text for text, _, _ in examples]
        self._embed = embed

    def score(self, texts: Sequence[str]) -> Matrix:
        """Return the votes; a text that is among the exemplars finds itself."""
        return self.score_vectors(self._embed(texts))

    def explain(self, text: str, label: LabelId) -> str:
        """Return the nearest labelled text of a label, such as `like “red apples”`; empty if none is near."""
        alike = self._vectors @ self._embed([text])[0]
        near = np.argsort(-alike, kind="stable")[:NEIGHBOURS].tolist()
        column = self.labels.index(label) if label in self.labels else -1
        nearest = next((at for at in near if column in self._columns[at]), None)
        if nearest is None:
            return ""
        given = " ".join(self._texts[nearest].split())
        return f"like “{given if len(given) <= SHOWN else given[: SHOWN - 1] + '…'}”"

    def score_vectors(self, vectors: Matrix, *, without: Sequence[int] | None = None) -> Matrix:
        """Return the votes for unit vectors (n, d); `without` names one exemplar each that does not vote."""
        found = np.zeros((len(vectors), len(self.labels)), np.float32)
        for start in range(0, len(vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            alike = vectors[part] @ self._vectors.T
            if without is not None:
                alike[np.arange(len(alike)), without[part]] = -1.0
            count = min(NEIGHBOURS, alike.shape[1])
            near = np.argpartition(-alike, count - 1, axis=1)[:, :count]
            nearest = np.take_along_axis(alike, near, axis=1)
            votes = np.exp(np.float32(SHARPNESS) * (nearest - 1)) * self._weights[near]
            shares = votes / (votes.sum(axis=1, keepdims=True) + np.float32(np.exp(-SHARPNESS / 2)))
            for row, (items, given) in enumerate(zip(near.tolist(), shares.tolist(), strict=True), start):
                for item, share in zip(items, given, strict=True):
                    found[row, self._columns[item]] += share
        return np.minimum(found, 1.0)


class ExemplarLearner:
    """Keeps labelled texts as exemplars; vectors are looked up when they are used."""

    name = "exemplars"

    def learn(self, material: TrainingMaterial, folder: Path) -> Mapping[str, Any]:
        """Write the examples; see `Learner.learn`."""
        kept = [
            (each.text, [label for label in each.right if label in material.options], each.weight)
            for each in material.examples
            if each.weight > 0
        ]
        kept = [each for each in kept if each[1]]
        if not kept:
            raise InputError("no labelled item is left to learn from; give items with labels of the index")
        with (folder / FILE).open("w", encoding="utf-8", errors="replace") as file:
            for text, labels, weight in kept:
                file.write(
                    json.dumps({"text": text, "labels": labels, "weight": weight}, ensure_ascii=False) + "\n"
                )
        return {"items": len(kept), "labels": len({label for _, labels, _ in kept for label in labels})}


def load_exemplars(folder: Path) -> list[tuple[str, tuple[LabelId, ...], float]]:
    """Read texts, labels and weights that `ExemplarLearner` wrote. Raises OSError and the errors of damaged JSON."""
    found = []
    with (folder / FILE).open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            found.append((str(row["text"]), tuple(map(LabelId, row["labels"])), float(row["weight"])))
    return found
