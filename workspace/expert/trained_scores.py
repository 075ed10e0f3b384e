"""The trained expert as a source of scores: opened for walks, fitted to the workspace's similarities."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.fusion import (
    FILE,
    ClassifierScores,
    Fusion,
    HeldOut,
    TrainedScores,
    fit_fusion,
    out_of_fold_chances,
)
from taxonaut.models.expert.out_of_fold import OutOfFold
from taxonaut.models.expert.trained_expert import TrainedExpert
from taxonaut.state.errors import TaxonautError
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import ExpertLeftOut, Progress, tell
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training_data import Example

MOST_FITTED = 500
"""Held-out products whose similarities are compared with the expert, sampled at random."""

NEAREST = 30
"""Labels of the highest similarity among a product's candidates."""

COMPARING = "comparing with the labels' texts"


class SharedVectors:
    """Embeds texts, but takes the vectors that a walk has just computed of them, where these are the same.

    Whether they are is found with the first of them: the walk's embedder may have learned since, or read queries
    in another way. Thread-safe: at worst two threads find the same.
    """

    def __init__(
        self, held: Callable[[Sequence[str]], Mapping[str, Matrix]], embed: Callable[[Sequence[str]], Matrix]
    ) -> None:
        self._held = held
        self._embed = embed
        self._same: bool | None = None

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return the unit vectors of texts, (n, d)."""
        held = {} if self._same is False else dict(self._held(texts))
        if held and self._same is None:
            text, vector = next(iter(held.items()))
            own = self._embed([text])[0]
            self._same = own.shape == vector.shape and float(own @ vector) > SAME
            held = held if self._same else {}
        missing = list(dict.fromkeys(text for text in texts if text not in held))
        if len(missing) == len(texts):
            return self._embed(texts)
        if missing:
            held |= dict(zip(missing, self._embed(missing), strict=True))
        return np.stack([held[text] for text in texts], dtype=np.float32)


SAME = 0.9999
"""Cosine from which vectors of one text count as the same."""


def open_trained_scores(workspace: Core) -> TrainedScores | None:
    """Return the trained expert that [walk] `expert` names, None for none.

    The newest expert is left out, and that is told, if it cannot be used: damaged files, another embedder. One that
    is named by its number raises instead.
    """
    wanted = workspace.config.walk.expert
    if not wanted:
        return None
    experts = Experts(workspace)
    number = None if wanted is True else int(wanted)
    if number is None:
        numbers = experts.numbers()
        if not numbers:
            return None
        number = numbers[-1]
    try:
        card = experts.card(number)
        classifier = experts.classifier(number, keep_vectors=False)
        if isinstance(classifier, TrainedExpert):
            classifier.embed = SharedVectors(workspace.wiring.held_vectors, classifier.embed)
        with experts.expert_file(number, FILE) as path:
            fusion = Fusion.load(path.parent)
    except TaxonautError as error:
        if wanted is not True:
            raise
        tell(ExpertLeftOut(number, str(error)))
        return None
    if workspace.wiring.injected.classifier is not None:
        return TrainedScores(ClassifierScores(classifier), Fusion(), classifier.name)
    return TrainedScores(ClassifierScores(classifier), fusion, f"{card.number} {card.made}")


def fit_trained_scores(workspace: Core, examples: Sequence[Example], found: OutOfFold, seed: int) -> Fusion:
    """Fit weight and exponent to products that were held out, next to what the workspace has without this expert."""
    held_out = np.flatnonzero(np.diff(found.starts)).tolist()
    by_text = {examples[place].item.text: place for place in held_out if examples[place].item.text.strip()}
    places = sorted(by_text.values())
    if len(places) > MOST_FITTED:
        chosen = np.random.default_rng(seed).choice(len(places), MOST_FITTED, replace=False)
        places = [places[at] for at in sorted(chosen.tolist())]
    retriever = workspace.with_walk(expert=False).wiring.retriever()
    rows: list[Mapping[int, tuple[float, float, bool]]] = []
    table = {label: column for column, label in enumerate(retriever.table.labels)}
    step = max(1, min(128, 2_000_000 // max(1, len(table))))
    tell(Progress(COMPARING, 0, len(places)))
    for start in range(0, len(places), step):
        batch = places[start : start + step]
        items = [examples[place].item for place in batch]
        near = retriever.search_now([item.text for item in items], NEAREST)
        chances = [
            {found.labels[column]: chance for column, chance in out_of_fold_chances(found, place).items()}
            for place in batch
        ]
        wanted = [
            [label for label in {**each, **dict(best)} if label in table]
            for each, best in zip(chances, near, strict=True)
        ]
        similar = retriever.scores_now(list(zip(items, wanted, strict=True)))
        for place, labels, scores, each in zip(batch, wanted, similar, chances, strict=True):
            right: set[LabelId] = set(examples[place].labels)
            rows.append(
                {
                    table[label]: (score, each.get(label, 0.0), label in right)
                    for label, score in zip(labels, scores, strict=True)
                }
            )
        tell(Progress(COMPARING, start + len(batch), len(places)))
    return fit_fusion(HeldOut.of(rows), [len(set(examples[place].labels)) for place in places])
