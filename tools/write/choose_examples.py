"""The tool `choose_examples`: a few products that stand for a category (Dual-Expert 3.2.2)."""

from collections.abc import Callable, Sequence

import numpy as np

from taxonaut.tools.support.clustering import Matrix, medoids
from taxonaut.tools.write.suggest_centres import sample_labels

POOL = 256
"""Products of a category that are compared; of more, a random sample, and the most popular ones."""


def choose_examples(
    texts: Sequence[str],
    popularity: Sequence[float],
    count: int,
    vectors: Callable[[Sequence[str]], Matrix],
    seed: int = 0,
) -> list[int]:
    """Choose `count` different products, by their rows: half of them popular, the rest unlike each other.

    Where no popularity is known the first half are the most typical ones instead; the rest are the medoids of
    as many clusters. `vectors` gives unit vectors (n, d) of texts, and is called only where there is a choice.
    """
    rows = sorted({text: row for row, text in reversed(list(enumerate(texts)))}.values())
    if len(rows) <= count:
        return rows
    half = (count + 1) // 2
    chosen = sorted((row for row in rows if popularity[row] > 0), key=lambda row: -popularity[row])[:half]
    rest = [row for row in rows if row not in set(chosen)]
    if len(rest) > POOL:
        rest = sorted(np.random.default_rng(seed).choice(rest, POOL, replace=False).tolist())
    matrix = vectors([texts[row] for row in rest])
    if not chosen:
        typical = medoids(matrix, half).tolist()
        chosen = [rest[place] for place in typical]
        left = [place for place in range(len(rest)) if place not in set(typical)]
        rest, matrix = [rest[place] for place in left], matrix[left]
    more = count - len(chosen)
    return [*chosen, *(rest[place] for place in (sample_labels(matrix, more, seed) if more else ()))]
