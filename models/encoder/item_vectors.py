"""Vectors of items: of their whole texts and of their phrases."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.words import Ids


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """Items as unit vectors: `whole` (n, d), and `parts` (p, d), the concatenated phrases of all items.

    The phrases of item i are `parts[offsets[i]:offsets[i + 1]]`, at least one each (a text without phrases has
    itself), their texts at the same indices of `phrases`. `words` holds the ids of each item's words in the label
    set's vocabulary.
    """

    whole: Matrix
    parts: Matrix
    offsets: npt.NDArray[np.int64]
    phrases: tuple[str, ...]
    words: tuple[Ids, ...]

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: Sequence[int]) -> "ItemVectors":
        """Return some of the items, in the order given."""
        spans = [slice(self.offsets[row], self.offsets[row + 1]) for row in rows]
        return ItemVectors(
            self.whole[list(rows)],
            np.concatenate([self.parts[span] for span in spans]) if spans else self.parts[:0],
            np.array([0, *accumulate(span.stop - span.start for span in spans)], np.int64),
            tuple(phrase for span in spans for phrase in self.phrases[span]),
            tuple(self.words[row] for row in rows),
        )
