"""Vectors of items: of their passages and of their phrases."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from taxonaut.models.embedder import Matrix, TextInContext
from taxonaut.models.encoder.name_index import NameMatch
from taxonaut.models.encoder.words import Ids

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ItemVectors:
    """Items as unit vectors: `whole` (p, d), one a passage, and `parts` (f, d), the phrases of all passages.

    The passages of item i are `whole[items[i]:items[i + 1]]`, at least one each; a short text is one passage. Of
    passage j the phrases are `parts[offsets[j]:offsets[j + 1]]`, at least one (a passage without phrases has itself),
    and the sentences `sentences[edges[j]:edges[j + 1]]`, none in a text of one passage. At the indices of `parts`,
    `phrases` has the phrases' texts and `starts` where they begin in the item's text. `words` holds the ids of each
    passage's words in the label set's vocabulary, `names` the labels' names in it (with their places in the item's
    text), `passages` its number in the text, from 1, `totals` how many passages each item has, those included that
    are not read. `contexts` holds the words of each passage in context; it is empty if the embedder has no vectors of
    words.
    """

    whole: Matrix
    parts: Matrix
    offsets: Offsets
    sentences: Matrix
    edges: Offsets
    phrases: tuple[str, ...]
    starts: Offsets
    words: tuple[Ids, ...]
    names: tuple[tuple[NameMatch, ...], ...]
    items: Offsets
    passages: tuple[int, ...]
    totals: tuple[int, ...]
    contexts: tuple[TextInContext, ...] = ()

    def __len__(self) -> int:
        return len(self.totals)

    def take(self, rows: Sequence[int]) -> "ItemVectors":
        """Return some of the items, in the order given."""
        if list(rows) == list(range(len(self))):
            return self
        read = [range(self.items[row], self.items[row + 1]) for row in rows]
        taken = [place for each in read for place in each]
        spans = [slice(self.offsets[place], self.offsets[place + 1]) for place in taken]
        pieces = [slice(self.edges[place], self.edges[place + 1]) for place in taken]
        return ItemVectors(
            self.whole[taken],
            np.concatenate([self.parts[span] for span in spans]) if spans else self.parts[:0],
            to_offsets([span.stop - span.start for span in spans]),
            np.concatenate([self.sentences[span] for span in pieces]) if pieces else self.sentences[:0],
            to_offsets([span.stop - span.start for span in pieces]),
            tuple(phrase for span in spans for phrase in self.phrases[span]),
            np.concatenate([self.starts[span] for span in spans]) if spans else self.starts[:0],
            tuple(self.words[place] for place in taken),
            tuple(self.names[place] for place in taken),
            to_offsets([len(each) for each in read]),
            tuple(self.passages[place] for place in taken),
            tuple(self.totals[row] for row in rows),
            tuple(self.contexts[place] for place in taken) if self.contexts else (),
        )


def to_offsets(lengths: Sequence[int]) -> Offsets:
    """Return where each of some lists begins when they are put one after the other, and where the last one ends."""
    return np.array([0, *accumulate(lengths)], np.int64)
