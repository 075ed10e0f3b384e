"""A residual low-rank map on an embedder's vectors, learned by contrast between items and labels, in NumPy.

The encoder stays as it is: a vector v becomes v + vAB, scaled to length 1, the same for items and labels, so that
labels that were never trained on are mapped, too. It is the inductive half of XMC-Agent 2.3 (*contrastive feedback*)
without a language model: the right label has to be told from the walk's errors and from all other known labels. The
loss is InfoNCE (van den Oord et al. 2018) with a softmax over labels; the map is a residual adapter (Houlsby et al.
2019) on the outputs, near the identity.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from taxonaut.models.adapt.learner import TrainingMaterial
from taxonaut.models.embedder import Embedder, Matrix, TextInContext, embed_queries
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, tell

FILE = "adapter.npz"
STAGE = "adapting vectors"
LABELS_A_STEP = 4_096
"""Known labels that compete in a step; of more, those of the batch, siblings, errors and a random sample."""
LEAST_LABELS = 2
_FIRST, _SECOND = 0.9, 0.999


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """How the map is trained (Adam, Kingma and Ba 2015; the learning rate falls to 0).

    `rank`: of the map, at most the length of the vectors. `scale`: the inverse temperature of the softmax. `dropout`:
    the share of an item's vector that is set to 0 at random, so that no single dimension decides.
    """

    rank: int = 192
    passes: int = 6
    batch: int = 256
    learning_rate: float = 1e-3
    scale: float = 20.0
    dropout: float = 0.15


@dataclass(frozen=True, slots=True)
class Adapter:
    """The map v + vAB with `down` A (d, r) and `up` B (r, d); `embedder` names the vectors it was trained on."""

    embedder: str
    down: Matrix
    up: Matrix

    def __call__(self, vectors: Matrix) -> Matrix:
        """Map unit vectors (n, d) to unit vectors."""
        if not len(vectors):
            return vectors
        return residual(vectors, self.down, self.up)[0]

    @property
    def stamp(self) -> str:
        """A hash of the map, as a part of its vectors' name."""
        return blake2b(self.down.tobytes() + self.up.tobytes(), digest_size=6).hexdigest()

    def save(self, folder: Path) -> None:
        """Write the map to a folder."""
        np.savez(folder / FILE, embedder=np.array(self.embedder), down=self.down, up=self.up)

    @classmethod
    def load(cls, folder: Path) -> "Adapter":
        """Read what `save` wrote. Raises OSError, or ValueError and KeyError for a damaged file."""
        with (folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return cls(
                str(stored["embedder"]), stored["down"].astype(np.float32), stored["up"].astype(np.float32)
            )


class AdaptedEmbedder:
    """An embedder whose vectors are mapped by an adapter; those of words in context stay as they are.

    The vectors of `base` are what is stored: `StoredEmbedder` maps them after it has looked them up.
    """

    def __init__(self, base: Embedder, adapt: Adapter) -> None:
        self.base = base
        self.adapt = adapt
        self.name = f"{base.name}+{adapt.stamp}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.base, name)

    @property
    def vectors_key(self) -> str:
        """The name under which vectors are stored: that of the base."""
        return str(getattr(self.base, "vectors_key", self.base.name))

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts; see `Embedder.embed`."""
        return self.adapt(self.base.embed(texts))

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed texts that are compared with others; see `embed_queries`."""
        return self.adapt(embed_queries(self.base, texts))

    def embed_in_context(self, texts: Sequence[str], *, queries: bool = False) -> list[TextInContext]:
        """Embed texts with their words; see `ContextEmbedder`."""
        read: Callable[..., list[TextInContext]] = getattr(self.base, "embed_in_context")  # noqa: B009
        found = read(texts, queries=queries)
        mapped = self.adapt(np.stack([each.vector for each in found])) if found else ()
        return [
            TextInContext(vector, each.words, each.starts, each.vectors)
            for vector, each in zip(mapped, found, strict=True)
        ]


class AdapterLearner:
    """Learns an `Adapter`. `lookup` returns the unit vectors of texts, (n, d), by the embedder called `embedder`."""

    name = "adapter"

    def __init__(
        self,
        embedder: str,
        lookup: Callable[[Sequence[str]], Matrix],
        settings: AdapterSettings | None = None,
    ) -> None:
        self.embedder = embedder
        self.lookup = lookup
        self.settings = settings or AdapterSettings()

    def learn(self, material: TrainingMaterial, folder: Path) -> Mapping[str, Any]:
        """Train the map and write it; see `Learner.learn`."""
        started = time.process_time()
        labels = list(material.options)
        place = {label: at for at, label in enumerate(labels)}
        examples = [
            each for each in material.examples if each.weight > 0 and not place.keys().isdisjoint(each.right)
        ]
        if len({label for each in examples for label in each.right if label in place}) < LEAST_LABELS:
            raise InputError(
                f"{len(examples)} labelled items of one label cannot tell labels apart; give items of at least "
                f"{LEAST_LABELS} labels"
            )
        contrast = Contrast(
            items=self.lookup([each.text for each in examples]),
            labels=option_vectors(list(material.options.values()), self.lookup),
            right=[places_of(place, each.right) for each in examples],
            wrong=[places_of(place, each.wrong) for each in examples],
            near=[places_of(place, material.siblings.get(label, ())) for label in labels],
            weights=np.array([each.weight for each in examples], np.float32),
        )
        down, up, losses = train(contrast, self.settings, material.seed)
        Adapter(self.embedder, down, up).save(folder)
        return {
            **asdict(self.settings),
            "items": len(examples),
            "labels": len(labels),
            "losses": losses,
            "cpu_seconds": round(time.process_time() - started, 1),
        }


def places_of(place: Mapping[LabelId, int], labels: Sequence[LabelId]) -> list[int]:
    """Return the places of those labels that have one."""
    return [place[label] for label in labels if label in place]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Unit vectors of items (n, d) and labels (m, d), the places of each item's right and wrong labels, each label's
    siblings, and the items' weights (n,).
    """

    items: Matrix
    labels: Matrix
    right: Sequence[Sequence[int]]
    wrong: Sequence[Sequence[int]]
    near: Sequence[Sequence[int]]
    weights: Matrix


def train(contrast: Contrast, settings: AdapterSettings, seed: int) -> tuple[Matrix, Matrix, list[float]]:
    """Train A and B; return them with the mean loss of each pass.

    Each pair of an item and one of its right labels is an example; the item's other right labels do not compete.
    """
    random = np.random.default_rng(seed)
    width = contrast.items.shape[1]
    rank = min(settings.rank, width)
    down = (random.normal(size=(width, rank)) / np.sqrt(width)).astype(np.float32)
    optimizer = Adam([down, np.zeros((rank, width), np.float32)])
    pairs = np.array([(item, label) for item, labels in enumerate(contrast.right) for label in labels])
    steps, losses = settings.passes * -(-len(pairs) // settings.batch), []
    for number in range(settings.passes):
        tell(Progress(STAGE, number, settings.passes))
        order, total = random.permutation(len(pairs)), 0.0
        for start in range(0, len(order), settings.batch):
            part = pairs[order[start : start + settings.batch]]
            loss, slopes = slope(contrast, part, optimizer.values, settings, random)
            total += loss * len(part)
            optimizer.step(slopes, settings.learning_rate * (1 - optimizer.made / steps))
        losses.append(round(total / len(pairs), 4))
    tell(Progress(STAGE, settings.passes, settings.passes))
    down, up = optimizer.values
    return down, up, losses


def slope(
    contrast: Contrast,
    pairs: npt.NDArray[np.int64],
    values: Sequence[Matrix],
    settings: AdapterSettings,
    random: np.random.Generator,
) -> tuple[float, tuple[Matrix, Matrix]]:
    """Return the mean loss of some pairs (k, 2) of item and label, and its gradients by A and B."""
    down, up = values
    rows, targets = pairs[:, 0], pairs[:, 1]
    known = competing(contrast, rows, targets, random)
    column = np.full(len(contrast.labels), -1, np.int64)
    column[known] = np.arange(len(known))
    items = contrast.items[rows]
    if settings.dropout:
        items = np.where(random.random(items.shape) < settings.dropout, np.float32(0), items)
    labels = contrast.labels[known]
    mapped_items, item_lengths = residual(items, down, up)
    mapped_labels, label_lengths = residual(labels, down, up)
    logits = np.float32(settings.scale) * (mapped_items @ mapped_labels.T)
    for row, (item, target) in enumerate(zip(rows.tolist(), targets.tolist(), strict=True)):
        others = [column[label] for label in contrast.right[item] if label != target and column[label] >= 0]
        logits[row, others] = -1e4
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    at = (np.arange(len(rows)), column[targets])
    weights: Matrix = contrast.weights[rows] / np.float32(max(float(contrast.weights[rows].sum()), 1e-9))
    loss = float(-(weights * np.log(np.maximum(shares[at], 1e-12))).sum())
    shares[at] -= 1
    shares *= (np.float32(settings.scale) * weights)[:, None]
    by_items = tangent(shares @ mapped_labels, mapped_items, item_lengths)
    by_labels = tangent(shares.T @ mapped_items, mapped_labels, label_lengths)
    by_down: Matrix = items.T @ (by_items @ up.T) + labels.T @ (by_labels @ up.T)
    low_items: Matrix = items @ down
    low_labels: Matrix = labels @ down
    by_up: Matrix = low_items.T @ by_items + low_labels.T @ by_labels
    return loss, (by_down, by_up)


def competing(
    contrast: Contrast,
    rows: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    random: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the places of the labels that compete for a batch, ascending."""
    count = len(contrast.labels)
    if count <= LABELS_A_STEP:
        return np.arange(count)
    wrong = [label for item in rows.tolist() for label in contrast.wrong[item]]
    near = [label for target in targets.tolist() for label in contrast.near[target][:8]]
    sampled = random.choice(count, LABELS_A_STEP, replace=False)
    return np.unique(np.concatenate([targets, sampled, np.array([*wrong, *near], np.int64)]))


def residual(vectors: Matrix, down: Matrix, up: Matrix) -> tuple[Matrix, Matrix]:
    """Return mapped unit vectors (n, d) and the lengths that they had, (n, 1)."""
    low: Matrix = vectors @ down
    mapped: Matrix = vectors + low @ up
    lengths = row_lengths(mapped)
    mapped /= lengths
    return mapped, lengths


def row_lengths(vectors: Matrix) -> Matrix:
    """Return the lengths of rows, (n, 1)."""
    lengths: Matrix = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.maximum(lengths, np.float32(1e-9), dtype=np.float32)


def tangent(slopes: Matrix, unit: Matrix, lengths: Matrix) -> Matrix:
    """Return the gradient by vectors of which `unit` are the directions, from that by `unit`."""
    found: Matrix = slopes - (slopes * unit).sum(axis=1, keepdims=True) * unit
    found /= lengths
    return found


class Adam:
    """Adam (Kingma and Ba 2015) over some matrices, which it changes in place."""

    def __init__(self, values: list[Matrix]) -> None:
        self.values = values
        self.made = 0
        self._first = [np.zeros_like(value) for value in values]
        self._second = [np.zeros_like(value) for value in values]

    def step(self, slopes: Sequence[Matrix], rate: float) -> None:
        """Make one step against the gradients."""
        self.made += 1
        for value, by, first, second in zip(self.values, slopes, self._first, self._second, strict=True):
            first += (1 - _FIRST) * (by - first)
            second += (1 - _SECOND) * (by * by - second)
            even = first / (1 - _FIRST**self.made)
            value -= np.float32(rate) * even / (np.sqrt(second / (1 - _SECOND**self.made)) + 1e-8)
