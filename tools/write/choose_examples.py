"""The tool `choose_examples`: choose representative products of a category (Dual-Expert 3.2.2)."""

from collections.abc import Callable, Sequence

import numpy as np

from taxonaut.tools.support.clustering import Matrix, medoids
from taxonaut.tools.write.suggest_centres import sample_labels

POOL = 256
"""Maximum products of a category that are compared; of more, a random sample."""


def choose_examples(
    texts: Sequence[str],
    popularity: Sequence[float],
    count: int,
    vectors: Callable[[Sequence[str]], Matrix],
    seed: int = 0,
) -> list[int]:
    """Choose `count` different products, by row: half of them the most popular, the rest diverse.

    Without known popularity the first half are medoids of all; the rest are the medoids of as many clusters.
    `vectors` returns unit vectors (n, d) of texts, and is called only if there is a choice.
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
