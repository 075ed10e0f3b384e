"""Fit all of an expert: its trained head, its other parts, how much each counts, and its temperature.

Weights and temperature come from products that the parts were not made from (stacked generalization, Wolpert 1992):
a product that is the only one of its category is, when it is held out, one of a category without products, so that
such categories are learned about as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.calibration import (
    CANDIDATES,
    TemperatureScaling,
    expected_calibration_error,
    fit_temperature,
)
from taxonaut.models.expert.features import (
    NAME_WEIGHT,
    Categories,
    Features,
    LinearPart,
    ancestor_matrix,
    ancestors_of,
    build_parts,
    normalize_rows,
    normalize_sparse_rows,
    weighted_sum,
)
from taxonaut.models.expert.heads import HeadSettings, LabelledFeatures, train_head
from taxonaut.models.expert.lexical import Lexicon
from taxonaut.models.expert.stacking import Candidates, fit_weights, take_candidates
from taxonaut.models.expert.trained_expert import Ancestors, ServedHead
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, tell

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS = 4
MOST_HELD = 10_000
"""Products that the weights are learned from, drawn at random."""

MOST_CELLS = 1 << 28
"""Numbers that one matrix may hold, 1 GB: n-grams times categories, four times held-out products times categories."""

AT_ONCE = 256
"""Held-out products that all parts are scored for together."""

CANDIDATE_WEIGHTS = {
    "average words": 1.0,
    "average titles": 0.5,
    "average grams": 1.0,
    "average vectors": 1.0,
    "path vectors": 0.3,
    "above vectors": 0.3,
    "head": 0.1,
}
"""By what candidates are chosen before any weight is known."""

HEAD = "head"


@dataclass(frozen=True, slots=True)
class Products:
    """Texts with their unit vectors (n, d) and their categories: `targets` (n, C) has rows that sum to 1."""

    texts: Sequence[str]
    vectors: Matrix
    targets: "csr_matrix"


@dataclass(frozen=True, slots=True)
class FittingInput:
    """What an expert is made from.

    `synthetic` products stem from the products with the numbers `sources`. `paths` are the categories' names from
    the top down to their own, `path_texts` and `names` the same as texts, with their vectors.
    """

    labels: Sequence[LabelId]
    products: Products
    synthetic: Products
    sources: NDArray[np.int64]
    paths: Sequence[Sequence[str]]
    path_texts: Sequence[str]
    path_vectors: Matrix
    names: Sequence[str]
    name_vectors: Matrix


@dataclass(frozen=True, slots=True)
class Split:
    """Which products are held out in turn, each part weighed by parts of all others; and what the expert is made of.

    Numbers of products. By default (`split_into_folds`) all are held out once, and the expert is made of all.
    """

    folds: Sequence[NDArray[np.int64]]
    whole: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitting:
    """What was fitted, and how good it is on products that were held out."""

    head: ServedHead
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Everything as features."""

    features: Features
    targets: "csr_matrix"
    synthetic: Features
    synthetic_targets: "csr_matrix"
    sources: NDArray[np.int64]
    categories: Categories
    blocks: Mapping[str, slice]

    def rows(self, places: NDArray[np.int64]) -> LabelledFeatures:
        """Return products with the synthetic ones made of them and, if any, a row for each category's path."""
        from scipy.sparse import csr_matrix, identity, vstack

        features, targets = [self.features.take(places)], [self.targets[places]]
        if len(self.sources):
            of_these = np.flatnonzero(np.isin(self.sources, places))
            every = identity(len(self.categories), dtype=np.float32, format="csr")
            features += [self.synthetic.take(of_these), self.categories.paths]
            targets += [self.synthetic_targets[of_these], every]
        words = csr_matrix(vstack([each.words for each in features], format="csr"))
        vectors = np.vstack([each.vectors for each in features])
        return LabelledFeatures(Features(words, vectors), csr_matrix(vstack(targets, format="csr")))

    def parts(self, places: NDArray[np.int64]) -> dict[str, LinearPart]:
        """Return the parts that products make without training."""
        return build_parts(self.features.take(places), self.targets[places], self.categories, self.blocks)


def fit(
    material: FittingInput,
    dev: Products | None,
    settings: HeadSettings,
    *,
    lexical: bool = True,
    split: Split | None = None,
) -> Fitting:
    """Fit an expert. Metrics and temperature come from `dev`, or else from products held out by `split`."""
    tell(Progress("words"))
    texts = material.products.texts
    split = split or split_into_folds(texts, settings.seed)
    of_whole = [texts[place] for place in split.whole]
    most = MOST_CELLS // len(material.labels)
    lexicon = Lexicon.fit(of_whole, [*material.path_texts, *material.names], lexical=lexical, most=most)
    known = featurize(material, lexicon)
    weights, logits, places, epochs = cross_fit_weights(known, split.folds, settings)
    head = train_head(known.rows(split.whole), None, replace(settings, epochs=epochs), "the whole")
    part = weighted_sum({**known.parts(split.whole), HEAD: head.part}, weights)
    if dev is not None:
        logits = part.scores(Features(lexicon.rows(dev.texts), dev.vectors))
        right = dev.targets.toarray()
    else:
        right = known.targets[places].toarray()
    hits = right[np.arange(len(logits)), logits.argmax(axis=1)] > 0
    tempering = fit_temperature(logits, hits)
    served = ServedHead(
        tuple(material.labels),
        lexicon,
        part,
        tempering,
        weights,
        ancestor_features(material, known, split.whole),
    )
    found = {**held_out_metrics(tempering.probabilities(logits), right), "epochs": epochs}
    return Fitting(
        served,
        {
            **found,
            "before_scaling": held_out_metrics(TemperatureScaling().probabilities(logits), right)[
                "calibration_error"
            ],
        },
    )


def featurize(material: FittingInput, lexicon: Lexicon) -> FeatureSet:
    """Turn texts into features."""
    products, made = material.products, material.synthetic
    categories = Categories(
        Features(lexicon.rows(material.path_texts, names=True), material.path_vectors),
        Features(lexicon.rows(material.names, names=True), material.name_vectors),
        ancestor_matrix(material.paths),
    )
    return FeatureSet(
        Features(lexicon.rows(products.texts), products.vectors),
        products.targets,
        Features(lexicon.rows(made.texts), made.vectors),
        made.targets,
        material.sources,
        categories,
        lexicon.blocks,
    )


def split_into_folds(texts: Sequence[str], seed: int) -> Split:
    """Divide products into folds at random, none of them empty; equal texts stay together.

    Two different texts are the least: each is then held out from what the other makes.
    """
    _, group = np.unique(np.array([text_hash(text) for text in texts], np.uint64), return_inverse=True)
    groups = int(group.max()) + 1
    folds = min(FOLDS, groups)
    of_group = np.random.default_rng(seed).permutation(groups) % folds
    return Split([np.flatnonzero(of_group[group] == fold) for fold in range(folds)], np.arange(len(texts)))


def text_hash(text: str) -> int:
    """Return 64 bits of a text, the same in every process."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(text.strip().encode("utf-8", "replace"), digest_size=8).digest(), "big")


def cross_fit_weights(
    known: FeatureSet, folds: Sequence[NDArray[np.int64]], settings: HeadSettings
) -> tuple[dict[str, float], Matrix, NDArray[np.int64], int]:
    """Learn the parts' weights; return them with the logits of held-out products, their places, and the passes.

    A head is trained for each fold; the passes are the median of those at which held-out products fared best.
    """
    everything = np.arange(known.targets.shape[0])
    most = -(-min(MOST_HELD, MOST_CELLS // (4 * len(known.categories))) // len(folds))
    found: list[Candidates] = []
    heads: list[Matrix] = []
    best: list[int] = []
    chance = np.random.default_rng(settings.seed)
    held = [fold if len(fold) <= most else chance.choice(fold, most, replace=False) for fold in folds]
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(everything, fold)
        features, targets = known.features.take(held[number]), known.targets[held[number]]
        head = train_head(
            known.rows(rest),
            LabelledFeatures(features, targets),
            settings,
            f"part {number + 1} of {len(folds)}",
        )
        best.append(head.best)
        heads.append(head.part.scores(features))
        made = {**known.parts(rest), HEAD: head.part}
        found.append(held_out_candidates(made, features, targets))
    weights = fit_weights(Candidates.concatenate(found), list(made))
    logits = []
    for number, fold in enumerate(folds):
        made = known.parts(np.setdiff1d(everything, fold))
        features = known.features.take(held[number])
        total = np.float32(weights[HEAD]) * heads[number]
        for name, part in made.items():
            total += np.float32(weights[name]) * part.scores(features)
        logits.append(total)
        tell(Progress("weighing", number + 1, len(folds)))
    return weights, np.concatenate(logits), np.concatenate(held), int(np.median(best))


def held_out_candidates(
    made: Mapping[str, LinearPart], features: Features, targets: "csr_matrix"
) -> Candidates:
    """Return the candidates of held-out products, with the scores of all parts; a few products at a time."""
    some = []
    for start in range(0, len(features), AT_ONCE):
        places = np.arange(start, min(start + AT_ONCE, len(features)))
        few = features.take(places)
        scores = {name: part.scores(few) for name, part in made.items()}
        rough = np.sum(
            [np.float32(CANDIDATE_WEIGHTS[name]) * scores[name] for name in CANDIDATE_WEIGHTS], axis=0
        )
        some.append(take_candidates(scores, targets[places].toarray(), rough, CANDIDATES))
    return Candidates.concatenate(some)


def ancestor_features(material: FittingInput, known: FeatureSet, places: NDArray[np.int64]) -> Ancestors:
    """Return what later categories are scored by from above, of some products, in the order of `ancestor_matrix`."""
    from scipy.sparse import csr_matrix, hstack

    above = known.categories.above > 0
    features, targets, paths = known.features.take(places), known.targets[places], known.categories.paths
    words = csr_matrix(above.T @ (targets.T @ features.words + NAME_WEIGHT * paths.words))
    blocks = [normalize_sparse_rows(csr_matrix(words[:, columns])) for columns in known.blocks.values()]
    vectors = normalize_rows(above.T @ (targets.T @ features.vectors + NAME_WEIGHT * paths.vectors))
    return Ancestors(ancestors_of(material.paths), csr_matrix(hstack(blocks, format="csr")), vectors)


def held_out_metrics(probabilities: Matrix, right: Matrix) -> dict[str, float]:
    """Return accuracy, macro-F1 over the categories that are right or found, and the calibration error."""
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    hits = right[rows, best] > 0
    truth = np.where(hits, best, right.argmax(axis=1))
    classes = np.union1d(best, truth)
    size = probabilities.shape[1]
    true = np.bincount(best[hits], minlength=size)[classes]
    total = (np.bincount(best, minlength=size) + np.bincount(truth, minlength=size))[classes]
    return {
        "accuracy": round(float(hits.mean()), 4),
        "macro_f1": round(float((2 * true / np.maximum(total, 1)).mean()), 4),
        "calibration_error": round(expected_calibration_error(probabilities[rows, best], hits), 4),
    }
