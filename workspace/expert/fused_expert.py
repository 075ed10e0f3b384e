"""The trained expert's categories by the scores that walks use: similarities, what was learned, and the expert.

So `categorize` and `classify` give one answer. Probabilities are those that `classify` shows.
"""

from collections.abc import Sequence

import numpy as np

from taxonaut.agents.retriever import Retriever
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.probabilities import COMPETING, Calibration
from taxonaut.models.expert.classifier import Classifier, Explains
from taxonaut.state.ids import LabelId

STEP = 1e-6
"""Difference of equal probabilities, such as those of the surest labels: their order is that of the scores."""

RANKED = 100
"""Labels of the highest scores, among which the categories are looked for."""


class FusedExpert:
    """A `Classifier` over another's categories: the calibrated scores of dense retrieval that it has joined."""

    def __init__(self, classifier: Classifier, retriever: Retriever, calibration: Calibration) -> None:
        self.classifier = classifier
        self.retriever = retriever
        self.calibration = calibration

    @property
    def name(self) -> str:
        """The trained expert's model string."""
        return self.classifier.name

    @property
    def labels(self) -> tuple[LabelId, ...]:
        """The trained expert's categories."""
        return self.classifier.labels

    def probabilities(self, texts: Sequence[str]) -> Matrix:
        """Return how likely each category is right, float32 (len(texts), len(labels)).

        Each is a probability by itself: rows do not sum to 1. Categories below the best `RANKED` labels have 0.
        """
        columns = {label: column for column, label in enumerate(self.labels)}
        found = np.zeros((len(texts), len(columns)), np.float32)
        for row, ranking in enumerate(self.retriever.search_now(texts, RANKED)):
            scores = [score for _, score in ranking]
            likely = self.calibration.probabilities(scores, scores[:COMPETING])
            for place, ((label, _), chance) in enumerate(zip(ranking, likely, strict=True)):
                if label in columns:
                    found[row, columns[label]] = max(chance - place * STEP, STEP)
        return found

    def explain(self, text: str, label: LabelId) -> str:
        """Return the words of a text that speak for a category; empty if none does."""
        return self.classifier.explain(text, label) if isinstance(self.classifier, Explains) else ""
