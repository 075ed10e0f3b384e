"""Pairs of an item and a right label, with what competes: the data and settings of fine-tuning by contrast."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from taxonaut.models.encoder.option_texts import compared_texts
from taxonaut.models.requests import OptionText
from taxonaut.state.errors import InputError

MOST_RIGHT = 4
"""Right labels of an item in a batch."""

_CHARACTERS_A_TOKEN = 16


@dataclass(frozen=True, slots=True)
class ContrastItem:
    """An item with the places of its right labels, and of its hard negatives, in `ContrastData.labels`.

    Hard negatives are labels that are near but not right: the walk's errors, a right label's siblings.
    """

    text: str
    right: tuple[int, ...]
    wrong: tuple[int, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ContrastData:
    """What an encoder is fine-tuned on: items, and the known labels as options are compared (`option_vectors`).

    Labels of equal texts count as one.
    """

    items: Sequence[ContrastItem]
    labels: Sequence[str | OptionText]


@dataclass(frozen=True, slots=True)
class ContrastSettings:
    """How an encoder is fine-tuned by contrast.

    The learning rate warms up over the share `warmup` of all steps and decays to 0. Similarities are multiplied by
    `scale`. Besides the labels of a batch, up to `bank` labels compete at every step, with the weight `bank_share`;
    their vectors are computed again every `refresh` steps, when a checkpoint is kept as well. A hard negative
    counts as `hard` others. `items_share` is the weight of contrast between items of equal and of other labels
    (SetFit, Tunstall et al. 2022, 3), for few items a label. `lora_rank` 0 trains all weights but those of the
    lowest `frozen_layers` (with them, the embeddings), else low-rank updates of all linear layers (Hu et al. 2021),
    which are merged at the end.
    """

    epochs: float = 1.0
    batch: int = 32
    learning_rate: float = 1e-4
    scale: float = 20.0
    bank: int = 4096
    bank_share: float = 1.0
    refresh: int = 60
    hard: float = 2.0
    items_share: float = 0.0
    lora_rank: int = 0
    frozen_layers: int = 0
    max_tokens: int = 64
    warmup: float = 0.1
    weight_decay: float = 0.01
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ContrastBatch:
    """Items of a batch, their labels, and the labels' texts; `rows` has the row in `texts` of each label's.

    `pairs` are an item's row and one of its right labels.
    """

    items: list[int]
    labels: list[int]
    texts: list[str]
    rows: list[int]
    pairs: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ContrastPairs:
    """Items with their right and wrong labels, labels of equal texts merged.

    `labels` are the texts of each, `drawn` those of them that no other label has, if there are such.
    """

    texts: list[str]
    weights: list[float]
    right: list[list[int]]
    wrong: list[list[int]]
    labels: list[list[str]]
    drawn: list[list[str]]
    seed: int

    @classmethod
    def of(cls, data: ContrastData, settings: ContrastSettings) -> "ContrastPairs":
        """Check the data. Raises InputError."""
        all_texts = [tuple(compared_texts([label])) for label in data.labels]
        distinct = {texts: place for place, texts in enumerate(dict.fromkeys(all_texts))}
        merged = [distinct[texts] for texts in all_texts]
        for item in data.items:
            if outside := [place for place in (*item.right, *item.wrong) if not 0 <= place < len(merged)]:
                raise InputError(f"an item names the label {outside[0]} of {len(merged)}")
            if not item.weight >= 0:
                raise InputError(f"an item has the weight {item.weight}; allowed are numbers from 0")
        items = [item for item in data.items if item.right and item.weight and item.text.strip()]
        right = [list(dict.fromkeys(merged[place] for place in item.right)) for item in items]
        wrong = [
            list(dict.fromkeys(p for place in item.wrong if (p := merged[place]) not in each))
            for item, each in zip(items, right, strict=True)
        ]
        used = {label for each in (*right, *wrong) for label in each}
        if len(used) < 2:
            raise InputError(
                f"{len(items)} labelled items of {len(used)} different labels: contrast needs two labels; "
                "give items of more labels"
            )
        shared = Counter(text for texts in distinct for text in texts)
        room = settings.max_tokens * _CHARACTERS_A_TOKEN
        return cls(
            [" ".join(item.text[: 8 * room].split())[:room] for item in items],
            [item.weight for item in items],
            right,
            wrong,
            [list(texts) for texts in distinct],
            [[text for text in texts if shared[text] == 1] or list(texts) for texts in distinct],
            settings.seed,
        )

    def batch(self, items: Sequence[int]) -> ContrastBatch:
        """Return the batch of some items; the same ones give the same.

        Of an item's right labels up to `MOST_RIGHT` are drawn. Of a label's texts one is drawn, which halves the cost
        of labels; the bank holds the mean of all.
        """
        random = np.random.default_rng([self.seed, *items])
        pairs = [
            (row, label)
            for row, item in enumerate(items)
            for label in random.permutation(self.right[item])[:MOST_RIGHT].tolist()
        ]
        labels = list(dict.fromkeys(label for _, label in pairs))
        drawn = [self.drawn[label][random.integers(len(self.drawn[label]))] for label in labels]
        texts = list(dict.fromkeys(drawn))
        return ContrastBatch(list(items), labels, texts, [texts.index(text) for text in drawn], pairs)

    def competing(self, most: int) -> list[int]:
        """Return up to `most` labels for the bank: right and wrong ones first, then others at random."""
        used = dict.fromkeys(label for each in (*self.right, *self.wrong) for label in each)
        rest = [label for label in range(len(self.labels)) if label not in used]
        random = np.random.default_rng(self.seed)
        order = [*random.permutation(list(used)).tolist(), *random.permutation(rest).tolist()]
        return sorted(order[:most])

    def digest(self) -> str:
        """Return the SHA-256 of everything that is trained on."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()
