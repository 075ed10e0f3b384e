"""Spherical k-means, medoids of a cluster, and an even split as a fallback."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Indexes = NDArray[np.intp]

_ROUNDS = 25
_SAME = 1e-6
_CENTRALITY = 2.0


LOPSIDED = 0.9
"""Share of the rows above which the largest cluster makes a clustering useless."""


def part_count(count: int, terminal_size: int, most: int) -> int:
    """Return the number of parts for `count` rows: at most `most`, fewer if a part would be under half a terminal."""
    return min(most, max(2, round(2 * count / terminal_size)))


def unit_rows(vectors: NDArray[np.floating]) -> Matrix:
    """Scale the rows of (n, d) to unit length; zero rows stay zero."""
    matrix = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: Matrix = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0)
    return scaled


def spherical_kmeans(vectors: Matrix, k: int, rng: np.random.Generator) -> list[Indexes]:
    """Cluster the unit rows of (n, d) into at most `k` clusters by cosine (Dhillon & Modha 2001).

    Initialized as in k-means++ (Arthur & Vassilvitskii 2007). Returns the rows of each non-empty cluster, the largest
    first; fewer than `k` if fewer rows are distinct.
    """
    centres = _starts(vectors, k, rng)
    nearest = np.full(len(vectors), -1, dtype=np.intp)
    for _ in range(_ROUNDS):
        before = nearest
        nearest = np.argmax(vectors @ centres.T, axis=1)
        if np.array_equal(nearest, before):
            break
        for centre in range(len(centres)):
            members = vectors[nearest == centre]
            if len(members):
                centres[centre] = members.sum(axis=0)
        centres = unit_rows(centres)
    clusters = [np.flatnonzero(nearest == centre) for centre in range(len(centres))]
    return sorted((rows for rows in clusters if len(rows)), key=lambda rows: (-len(rows), rows[0]))


def even_split(vectors: Matrix, parts: int) -> list[Indexes]:
    """Cut the rows of (n, d) into equal parts along the first principal component."""
    centred = vectors - vectors.mean(axis=0)
    direction = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    direction = direction * np.sign(direction[np.argmax(np.abs(direction))])
    along = np.round(centred @ direction, 5)
    return [part for part in np.array_split(np.argsort(along, kind="stable"), parts) if len(part)]


def medoids(vectors: Matrix, count: int) -> Indexes:
    """Choose `count` representative rows of (n, d), the most central first.

    Each next row is central and unlike those chosen (maximal marginal relevance, Carbonell & Goldstein 1998) with
    centrality weighted twice: of 13,896 ESCO skills 86 % are then nearest to the eight medoids of their own of 16
    clusters, by mean cosine, against 81 % at equal weights. Rows equal to a chosen one are skipped, so fewer than
    `count` may be returned.
    """
    central = np.round(vectors @ unit_rows(vectors.sum(axis=0, keepdims=True))[0], 5)
    chosen = [int(np.argmax(central))]
    likeness = vectors @ vectors[chosen[0]]
    likeness[chosen[0]] = np.inf
    while len(chosen) < min(count, len(vectors)):
        merit = np.where(likeness < 1 - _SAME, _CENTRALITY * central - np.round(likeness, 5), -np.inf)
        best = int(np.argmax(merit))
        if merit[best] == -np.inf:
            break
        chosen.append(best)
        likeness = np.maximum(likeness, vectors @ vectors[best])
        likeness[best] = np.inf
    return np.array(chosen, dtype=np.intp)


def _starts(vectors: Matrix, k: int, rng: np.random.Generator) -> Matrix:
    chosen = [int(rng.integers(len(vectors)))]
    distance = 1 - vectors @ vectors[chosen[0]]
    while len(chosen) < k:
        weight = np.where(distance > _SAME, distance, 0).astype(np.float64)
        total = weight.sum()
        if total == 0:
            break
        draw = rng.random() * total
        chosen.append(min(int(np.searchsorted(np.cumsum(weight), draw, side="right")), len(vectors) - 1))
        distance = np.minimum(distance, 1 - vectors @ vectors[chosen[-1]])
    return vectors[chosen].copy()
