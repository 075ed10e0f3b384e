"""Fit a domain expert: its head, closed-form parts, stacking weights and temperature.

The head is ridge regression (`ridge`), or trained by gradient with the two-phase loss (`heads`).

Weights and temperature are fitted on held-out products (stacked generalization, Wolpert 1992). The only product of a
category is, when held out, one of a category without products, so that weights for these are learned as well.
"""

from collections.abc import Iterator, Mapping, Sequence
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
    LabelledFeatures,
    LinearPart,
    Parts,
    add_parts,
    ancestor_matrix,
    ancestors_of,
    build_parts,
    normalize_rows,
    normalize_sparse_rows,
)
from taxonaut.models.expert.heads import FittedHead, HeadSettings, train_head
from taxonaut.models.expert.lexical import Lexicon
from taxonaut.models.expert.out_of_fold import OutOfFold, Scores, collect_out_of_fold, take_scores
from taxonaut.models.expert.ridge import Ridge
from taxonaut.models.expert.stacking import Candidates, fit_weights, take_candidates
from taxonaut.models.expert.trained_expert import Ancestors, ServedHead
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, as_one_stage, tell

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS = 4
MOST_HELD = 10_000
"""Maximum held-out products from which weights are fitted, sampled at random."""

MOST_CELLS = 1 << 28
"""Maximum cells of a matrix (1 GB): n-grams x categories, and 4 x held-out products x categories."""

AT_ONCE = 256
"""Held-out products per scoring batch."""

CANDIDATE_WEIGHTS = {
    "average words": 1.0,
    "average titles": 0.5,
    "average grams": 1.0,
    "average vectors": 1.0,
    "path vectors": 0.3,
    "above vectors": 0.3,
    "head": 0.1,
}
"""Rough weights by which candidates are chosen before weights are fitted."""

HEAD = "head"


@dataclass(frozen=True, slots=True)
class Products:
    """Texts with unit vectors (n, d) and categories: `targets` (n, C) has rows that sum to 1."""

    texts: Sequence[str]
    vectors: Matrix
    targets: "csr_matrix"


@dataclass(frozen=True, slots=True)
class FittingInput:
    """The training data of an expert.

    `synthetic` products were made from the products at `sources`. `paths` are the categories' names from the top down
    to their own; `path_texts` and `names` are paths and own names as texts, with their vectors.
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
    """Indices of the products held out in each fold, and of those from which the expert is made (`whole`).

    By default (`split_into_folds`) all are held out once, and the expert is made from all.
    """

    folds: Sequence[NDArray[np.int64]]
    whole: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitting:
    """The fitted head, metrics on held-out products, and the probabilities of all products that were held out."""

    head: ServedHead
    metrics: Mapping[str, Any]
    out_of_fold: OutOfFold


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Products, synthetic products and categories as features."""

    features: Features
    targets: "csr_matrix"
    synthetic: Features
    synthetic_targets: "csr_matrix"
    sources: NDArray[np.int64]
    categories: Categories
    blocks: Mapping[str, slice]

    def rows(self, places: NDArray[np.int64]) -> LabelledFeatures:
        """Return products, the synthetic ones made from them and, if there are any, a row per category path."""
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

    def ridge(self) -> Ridge:
        """Return ridge regression on the products, followed by a row per category path."""
        from scipy.sparse import csr_matrix, identity, vstack

        paths = self.categories.paths
        every = identity(len(self.categories), dtype=np.float32, format="csr")
        words = csr_matrix(vstack([self.features.words, paths.words], format="csr"))
        features = Features(words, np.vstack([self.features.vectors, paths.vectors]))
        targets = csr_matrix(vstack([self.targets, every], format="csr"))
        weights = np.repeat(np.array([1, NAME_WEIGHT], np.float32), [len(self.features), len(paths)])
        return Ridge(LabelledFeatures(features, targets), weights, self.blocks)

    def parts(self, places: NDArray[np.int64]) -> Parts:
        """Build the closed-form parts of some products."""
        return build_parts(self.features.take(places), self.targets[places], self.categories, self.blocks)


def fit(
    material: FittingInput,
    dev: Products | None,
    settings: HeadSettings | None = None,
    *,
    seed: int = 0,
    lexical: bool = True,
    split: Split | None = None,
) -> Fitting:
    """Fit an expert. Metrics and temperature come from `dev`, by default from products held out by `split`.

    With `settings` the head is trained by gradient, which needs PyTorch; else it is ridge regression. `seed` divides
    the products into folds.
    """
    texts = material.products.texts
    split = split or split_into_folds(texts, seed)
    folds = len(split.folds)
    heads = {f"part {number + 1} of {folds}": 20 // folds for number in range(folds)}
    with as_one_stage("fitting", {"words": 1, **heads, "weighing": 5, "the whole": 10}):
        tell(Progress("words"))
        of_whole = [texts[place] for place in split.whole]
        most = MOST_CELLS // len(material.labels)
        lexicon = Lexicon.fit(of_whole, [*material.path_texts, *material.names], lexical=lexical, most=most)
        known = featurize(material, lexicon)
        trainer = RidgeHeads(known) if settings is None else GradientHeads(known, settings)
        weights, logits, places, held_out = cross_fit_weights(known, split.folds, trainer, seed)
        head = trainer.last(split.whole)
        part = add_parts(head, weights[HEAD], known.parts(split.whole).weighted_sum(weights))
        tell(Progress("the whole", 1, 1))
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
    unscaled = held_out_metrics(TemperatureScaling().probabilities(logits), right)
    return Fitting(
        served,
        {
            **held_out_metrics(tempering.probabilities(logits), right),
            **trainer.metrics(),
            "before_scaling": unscaled["calibration_error"],
        },
        collect_out_of_fold(material.labels, len(texts), held_out, tempering),
    )


class RidgeHeads:
    """Heads by ridge regression."""

    def __init__(self, known: FeatureSet) -> None:
        self.ridge = known.ridge()
        products = len(known.features)
        self.paths = np.arange(products, products + len(known.categories))

    def without(self, rest: NDArray[np.int64], held: LabelledFeatures, stage: str) -> LinearPart:
        """Train on the products `rest` of a fold."""
        part = self.ridge.train(np.concatenate([rest, self.paths]))
        tell(Progress(stage, 1, 1))
        return part

    def last(self, places: NDArray[np.int64]) -> LinearPart:
        """Train the expert's own head."""
        return self.ridge.train(np.concatenate([places, self.paths]), last=True)

    def metrics(self) -> dict[str, Any]:
        """Return what the model card says of the training."""
        return {}


class GradientHeads:
    """Heads by gradient descent; the number of epochs of the last one is the median of the best ones of the folds."""

    def __init__(self, known: FeatureSet, settings: HeadSettings) -> None:
        self.known = known
        self.settings = settings
        self.best: list[int] = []

    def without(self, rest: NDArray[np.int64], held: LabelledFeatures, stage: str) -> LinearPart:
        """Train on the products `rest` of a fold, until the accuracy on those held out no longer rises."""
        found: FittedHead = train_head(self.known.rows(rest), held, self.settings, stage)
        self.best.append(found.best)
        return found.part

    @property
    def epochs(self) -> int:
        """The epochs of the last head."""
        return int(np.median(self.best))

    def last(self, places: NDArray[np.int64]) -> LinearPart:
        """Train the expert's own head."""
        settings = replace(self.settings, epochs=self.epochs)
        return train_head(self.known.rows(places), None, settings, "the whole").part

    def metrics(self) -> dict[str, Any]:
        """Return what the model card says of the training."""
        return {"epochs": self.epochs}


def featurize(material: FittingInput, lexicon: Lexicon) -> FeatureSet:
    """Compute the features of all texts."""
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
    """Divide products into random non-empty folds; equal texts stay together. Needs two different texts."""
    _, group = np.unique(np.array([text_hash(text) for text in texts], np.uint64), return_inverse=True)
    groups = int(group.max()) + 1
    folds = min(FOLDS, groups)
    of_group = np.random.default_rng(seed).permutation(groups) % folds
    return Split([np.flatnonzero(of_group[group] == fold) for fold in range(folds)], np.arange(len(texts)))


def text_hash(text: str) -> int:
    """Return a 64-bit hash of a text, stable across processes."""
    from hashlib import blake2b

    return int.from_bytes(blake2b(text.strip().encode("utf-8", "replace"), digest_size=8).digest(), "big")


def cross_fit_weights(
    known: FeatureSet, folds: Sequence[NDArray[np.int64]], trainer: RidgeHeads | GradientHeads, seed: int
) -> tuple[dict[str, float], Matrix, NDArray[np.int64], list[Scores]]:
    """Fit the parts' weights by cross-fitting; return weights, held-out logits, their indices, and scores of all.

    Of more than `MOST_HELD` products, weights and logits are of a sample; the scores are of every held-out product.
    """
    everything = np.arange(known.targets.shape[0])
    most = -(-min(MOST_HELD, MOST_CELLS // (4 * len(known.categories))) // len(folds))
    found: list[Candidates] = []
    heads: list[Matrix] = []
    others: list[list[Scores]] = []
    names: list[str] = []
    chance = np.random.default_rng(seed)
    held = [fold if len(fold) <= most else chance.choice(fold, most, replace=False) for fold in folds]
    for number, fold in enumerate(folds):
        rest = np.setdiff1d(everything, fold)
        rows = LabelledFeatures(known.features.take(held[number]), known.targets[held[number]])
        head = trainer.without(rest, rows, f"part {number + 1} of {len(folds)}")
        heads.append(head.scores(rows.features))
        parts = known.parts(rest)
        names, candidates = held_out_candidates(parts, heads[number], rows)
        found.append(candidates)
        others.append(head_scores(known, np.setdiff1d(fold, held[number]), head, parts))
    weights = fit_weights(Candidates.concatenate(found), names)
    logits: list[Matrix] = []
    scores: list[Scores] = []
    for number, fold in enumerate(folds):
        part = known.parts(np.setdiff1d(everything, fold)).weighted_sum(weights)
        rest_scores = [part.scores(known.features.take(places)) for places in batches(held[number])]
        logits.append(np.float32(weights[HEAD]) * heads[number] + np.concatenate(rest_scores))
        for places in batches(np.arange(len(held[number]))):
            right = known.targets[held[number][places]].toarray()
            scores.append(take_scores(held[number][places], logits[-1][places], right))
        scores += [add_head(known, each, part, weights[HEAD]) for each in others[number]]
        tell(Progress("weighing", number + 1, len(folds)))
    return weights, np.concatenate(logits), np.concatenate(held), scores


def head_scores(known: FeatureSet, places: NDArray[np.int64], head: LinearPart, parts: Parts) -> list[Scores]:
    """Return the head's scores of held-out products at their best categories by rough weights, in batches."""
    if not len(places):
        return []
    rough = parts.weighted_sum({**dict.fromkeys(parts.found, 0.0), **CANDIDATE_WEIGHTS})
    scores = []
    for batch in batches(places):
        features = known.features.take(batch)
        found = head.scores(features)
        weighted = rough.scores(features) + np.float32(CANDIDATE_WEIGHTS[HEAD]) * found
        scores.append(take_scores(batch, weighted, known.targets[batch].toarray(), found))
    return scores


def add_head(known: FeatureSet, scores: Scores, part: LinearPart, weight: float) -> Scores:
    """Return the logits of products whose head scores are known: the weighted head plus the other parts."""
    others = part.scores(known.features.take(scores.places))
    values = np.take_along_axis(others, np.maximum(scores.columns, 0), axis=1)
    return replace(scores, logits=np.float32(weight) * scores.logits + values)


def batches(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Divide indices into batches of at most `AT_ONCE`."""
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]


def held_out_candidates(parts: Parts, head: Matrix, rows: LabelledFeatures) -> tuple[list[str], Candidates]:
    """Return the names of all parts and the candidates of held-out products with their scores, in batches.

    `head` are the scores of the trained head, (n, C).
    """
    some = []
    scores: dict[str, Matrix] = {}
    for places in batches(np.arange(len(head))):
        scores = {**parts.scores(rows.features.take(places)), HEAD: head[places]}
        rough = np.sum(
            [np.float32(CANDIDATE_WEIGHTS[name]) * scores[name] for name in CANDIDATE_WEIGHTS], axis=0
        )
        some.append(take_candidates(scores, rows.targets[places].toarray(), rough, CANDIDATES))
    return list(scores), Candidates.concatenate(some)


def ancestor_features(material: FittingInput, known: FeatureSet, places: NDArray[np.int64]) -> Ancestors:
    """Return the centroids of ancestors, which score categories added later, in the order of `ancestor_matrix`."""
    from scipy.sparse import csr_matrix, hstack

    above = known.categories.above > 0
    features, targets, paths = known.features.take(places), known.targets[places], known.categories.paths
    words = csr_matrix(above.T @ (targets.T @ features.words + NAME_WEIGHT * paths.words))
    blocks = [normalize_sparse_rows(csr_matrix(words[:, columns])) for columns in known.blocks.values()]
    vectors = normalize_rows(above.T @ (targets.T @ features.vectors + NAME_WEIGHT * paths.vectors))
    return Ancestors(ancestors_of(material.paths), csr_matrix(hstack(blocks, format="csr")), vectors)


def held_out_metrics(probabilities: Matrix, right: Matrix) -> dict[str, float]:
    """Return accuracy, macro-F1 over the categories that occur in truth or predictions, and the ECE."""
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
