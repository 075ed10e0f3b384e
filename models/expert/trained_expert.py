"""Serve a trained domain expert without PyTorch: a word matrix, a vector matrix, and a calibrated softmax."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.models.cpu import default_threads
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.label_space import PATH_SEPARATOR
from taxonaut.models.expert.calibration import TemperatureScaling
from taxonaut.models.expert.features import Features, LinearPart, add_weighted, ancestor_matrix
from taxonaut.models.expert.lexical import Lexicon, words_by_hash
from taxonaut.state.ids import LabelId

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


HEAD = "head.npz"
NAMES = "head.json"
AT_ONCE = 512
"""Texts per matrix product."""

Embed = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class Ancestors:
    """The ancestors of categories: names from the top down, and centroids of what is below, (A, V) and (A, d)."""

    paths: tuple[tuple[str, ...], ...]
    words: "csr_matrix"
    vectors: Matrix


@dataclass(frozen=True, slots=True)
class ServedHead:
    """Everything needed to classify.

    `part` gives logits, `tempering` their probabilities. `weights` are the stacking weights, which score categories
    added later.
    """

    labels: tuple[LabelId, ...]
    lexicon: Lexicon
    part: LinearPart
    tempering: TemperatureScaling
    weights: Mapping[str, float]
    ancestors: Ancestors

    def save(self, folder: Path) -> None:
        """Write two files into a folder; word weights are stored in half precision."""
        ancestors = self.ancestors
        assert self.part.words is not None
        assert self.part.vectors is not None
        np.savez(
            folder / HEAD,
            buckets=self.lexicon.buckets,
            idf=self.lexicon.idf,
            words=np.asarray(self.part.words, np.float16),
            vectors=self.part.vectors,
            bias=np.asarray(self.part.bias, np.float32),
            tempering=np.array([self.tempering.level, self.tempering.slope]),
            above_data=ancestors.words.data.astype(np.float16),
            above_indices=ancestors.words.indices,
            above_starts=ancestors.words.indptr,
            above_vectors=ancestors.vectors,
        )
        named = {"labels": self.labels, "weights": dict(self.weights), "above": ancestors.paths}
        (folder / NAMES).write_text(json.dumps(named), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ServedHead":
        """Read what `save` wrote.

        Raises OSError for missing files, ValueError for files of different experts, and the errors of `json`,
        `zipfile` and NumPy for damaged ones.
        """
        from scipy.sparse import csr_matrix

        named = json.loads((folder / NAMES).read_text(encoding="utf-8"))
        with (folder / HEAD).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        paths = tuple(tuple(path) for path in named["above"])
        lexicon = Lexicon(arrays["buckets"], arrays["idf"])
        above: Any = csr_matrix(
            (arrays["above_data"].astype(np.float32), arrays["above_indices"], arrays["above_starts"]),
            shape=(len(arrays["above_vectors"]), len(lexicon)),
        )
        part = LinearPart(arrays["words"].astype(np.float32), arrays["vectors"], arrays["bias"])
        labels = tuple(map(LabelId, named["labels"]))
        if arrays["words"].shape != (len(lexicon), len(labels)):
            raise ValueError(f"{HEAD} and {NAMES} are from different experts")
        return cls(
            labels,
            lexicon,
            part,
            TemperatureScaling(*map(float, arrays["tempering"])),
            {str(name): float(weight) for name, weight in named["weights"].items()},
            Ancestors(paths, above, arrays["above_vectors"]),
        )


class TrainedExpert:
    """A classifier over an expert's categories. `embed` returns the unit vectors of texts, (n, d).

    `present` maps categories of the head to those that replaced them, whose probability is then the sum.
    """

    def __init__(
        self, name: str, head: ServedHead, embed: Embed, present: Mapping[LabelId, LabelId] | None = None
    ) -> None:
        self.name = name
        self.head = head
        self.embed = embed
        now = [(present or {}).get(label, label) for label in head.labels]
        self.labels: tuple[LabelId, ...] = tuple(dict.fromkeys(now))
        """The categories, in the order of the columns."""
        places = {label: place for place, label in enumerate(self.labels)}
        self._columns = [places[label] for label in now] if now != list(head.labels) else None
        self._present = tuple(now)

    def probabilities(self, texts: Sequence[str]) -> Matrix:
        """Return calibrated probabilities, float32 of shape (len(texts), len(labels)); rows sum to 1."""
        return self.probabilities_of(texts, self.embed(texts))

    def probabilities_of(self, texts: Sequence[str], vectors: Matrix) -> Matrix:
        """Return probabilities of texts with known unit vectors (n, d); see `probabilities`."""
        found = np.empty((len(texts), len(self.labels)), np.float32)
        starts = range(0, len(texts), AT_ONCE)

        def work(start: int) -> None:
            part = slice(start, start + AT_ONCE)
            features = Features(self.head.lexicon.rows(texts[part]), vectors[part])
            scores = self.head.tempering.probabilities(self.head.part.scores(features))
            if self._columns is None:
                found[part] = scores
            else:
                found[part] = 0.0
                for place, column in enumerate(self._columns):
                    found[part, column] += scores[:, place]

        if len(starts) > 1:
            with ThreadPoolExecutor(default_threads()) as pool:
                list(pool.map(work, starts))
        else:
            for start in starts:
                work(start)
        return found

    def explain(self, text: str, label: LabelId) -> str:
        """Return the words of a text that contribute most to a category; empty if none does.

        Raises ValueError for a label that is not among `labels`.
        """
        place = self.head.labels.index(label) if label in self.head.labels else self._present.index(label)
        return explaining_words(text, self.head.lexicon, self.head.part, place)


def open_expert(
    head: ServedHead,
    number: int,
    embed: Embed,
    labels: Collection[LabelId],
    later: Mapping[LabelId, str],
    present: Mapping[LabelId, LabelId] | None = None,
) -> TrainedExpert:
    """Open an expert over the current categories `labels`.

    Categories removed since training are dropped, except those that `present` maps to what replaced them. `later`
    maps those added since to their paths as text, by which they are scored (zero-shot).
    """
    if gone := set(head.labels).difference(labels, present or {}):
        head = drop_categories(head, gone)
    if later:
        head = add_categories(head, later, embed)
    return TrainedExpert(f"expert/{number}", head, embed, present)


def drop_categories(head: ServedHead, gone: Collection[LabelId]) -> ServedHead:
    """Remove the columns of categories."""
    kept = [place for place, label in enumerate(head.labels) if label not in gone]
    own = head.part
    assert own.words is not None
    part = LinearPart(
        np.asarray(own.words)[:, kept], np.asarray(own.vectors)[:, kept], np.asarray(own.bias)[kept]
    )
    return replace(head, labels=tuple(head.labels[place] for place in kept), part=part)


def add_categories(head: ServedHead, later: Mapping[LabelId, str], embed: Embed) -> ServedHead:
    """Add columns for categories without products, from their paths as text."""
    columns = zero_shot_part(head, list(later.values()), embed)
    own = head.part
    part = LinearPart(
        np.hstack([np.asarray(own.words), np.asarray(columns.words)]),
        np.hstack([np.asarray(own.vectors), np.asarray(columns.vectors)]),
        np.concatenate([np.asarray(own.bias), np.asarray(columns.bias)]),
    )
    return replace(head, labels=(*head.labels, *later), part=part)


def zero_shot_part(head: ServedHead, texts: Sequence[str], embed: Embed) -> LinearPart:
    """Return the columns of categories without products, from their paths as text."""
    names = [text.rpartition(PATH_SEPARATOR)[2] for text in texts]
    paths = Features(head.lexicon.rows(texts, names=True), embed(texts))
    own = Features(head.lexicon.rows(names, names=True), embed(names))
    above = known_ancestors(head.ancestors, texts)
    weights = head.weights
    words = np.zeros((len(head.lexicon), len(texts)), np.float32)
    vectors = np.zeros((len(texts), paths.vectors.shape[1]), np.float32)
    sources = {
        "average": paths,
        "name": own,
        "path": paths,
        "above": Features(above @ head.ancestors.words, np.asarray(above @ head.ancestors.vectors)),
    }
    for source, features in sources.items():
        for kind, columns in head.lexicon.blocks.items():
            weight = np.float32(zero_shot_weight(weights, f"{source} {kind}"))
            add_weighted(words[columns], features.words[:, columns].T, weight)
        vectors += np.float32(zero_shot_weight(weights, f"{source} vectors")) * features.vectors
    bias = np.full(len(texts), weights.get("none", 0.0), np.float32)
    return LinearPart(words, vectors.T, bias)


def zero_shot_weight(weights: Mapping[str, float], name: str) -> float:
    """Return the weight of a part for categories without products."""
    return weights.get(name, 0.0) + weights.get(f"z:{name}", 0.0)


def known_ancestors(ancestors: Ancestors, texts: Sequence[str]) -> "csr_matrix":
    """Return the known ancestors of paths, (n, A), as in `Categories.above`."""
    return ancestor_matrix([text.split(PATH_SEPARATOR) for text in texts], ancestors.paths)


SHOWN = 4
"""Maximum words or word pairs of an explanation."""

LEAST = 0.1
"""Minimum contribution of a word, as a share of the first."""


def explaining_words(text: str, lexicon: Lexicon, part: LinearPart, column: int) -> str:
    """Return the words and pairs of a text that contribute most to a category, such as `laptop, messenger bag`.

    A word's contribution is what it adds to the category's score (`part`, with dense words) minus the mean over all
    categories. A pair's includes those of its words. Empty if no known word contributes.
    """
    known = lexicon.rows([text])
    strings = words_by_hash(text)
    columns = known.indices[known.indices < lexicon.blocks["words"].stop]
    if not len(columns):
        return ""
    rows = np.asarray(part.words)[columns]
    said = known.data[: len(columns)] * (rows[:, column] - rows.mean(axis=1))
    worth = {
        strings[value]: float(each)
        for value, each in zip(lexicon.buckets[columns].tolist(), said, strict=True)
    }
    whole = {words: each + sum(single_word_scores(worth, words)) for words, each in worth.items()}
    found: list[tuple[str, ...]] = []
    for words in sorted(whole, key=lambda words: -whole[words]):
        first = whole[found[0]] if found else 0.0
        if len(found) == SHOWN or len(words[0]) == 1 or worth[words] <= 0 or whole[words] <= LEAST * first:
            continue
        if not {word for each in found for word in each}.intersection(words):
            found.append(words)
    return ", ".join(map(spell_words, found))


def spell_words(words: tuple[str, ...]) -> str:
    """Join a word or a pair as in a text; the `s` of a genitive is a separate word."""
    return f"{words[0]}'s" if words[1:] == ("s",) else " ".join(words)


def single_word_scores(worth: dict[tuple[str, ...], float], words: tuple[str, ...]) -> list[float]:
    """Return the contributions of the words of a pair."""
    return [worth.get((word,), 0.0) for word in words] if len(words) > 1 else []
