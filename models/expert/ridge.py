"""Train the head of a domain expert in closed form: ridge regression over words and vectors.

One column per category is fitted by least squares, plus `SHRINKAGE` times its squared length. It is computed in the
dual (Saunders et al. 1998): the unknowns are the rows and not the n-grams, of which there are far more. Up to `BLOCK`
rows the solution is exact; of more rows, blocks are solved in turn, each against what the others leave unexplained
(block Gauss-Seidel).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.features import LabelledFeatures, LinearPart

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SHRINKAGE = 0.05
"""L2 regularization of the weights; features have unit length."""

SHARES = {"words": 1.0, "titles": 0.5, "grams": 1.0}
"""How much the similarities of the blocks of words count."""

VECTORS = 2.0
"""How much the similarity of vectors counts next to `SHARES`."""

BLOCK = 9_000
"""Maximum rows that are solved at once; their similarities take 4 * BLOCK ** 2 bytes (0.3 GB)."""

SWEEPS = 4
"""Passes over the blocks where there are several."""


class Ridge:
    """Ridge regression on rows and on parts of them.

    `weights` (n,) say how much the error of each row counts; `blocks` are the columns of each block of words
    (`Lexicon.blocks`).
    """

    def __init__(
        self, rows: LabelledFeatures, weights: NDArray[np.float32], blocks: Mapping[str, slice]
    ) -> None:
        from scipy.sparse import csr_matrix, diags

        whole = VECTORS + sum(SHARES[kind] for kind in blocks)
        self.scale = np.zeros(rows.features.words.shape[1], np.float32)
        for kind, columns in blocks.items():
            self.scale[columns] = np.sqrt(SHARES[kind] / whole)
        self.vector_scale = np.float32(np.sqrt(VECTORS / whole))
        self.words = csr_matrix(rows.features.words @ diags(self.scale), dtype=np.float32)
        self.vectors = rows.features.vectors * self.vector_scale
        self.targets = rows.targets
        self.slack = (SHRINKAGE / weights).astype(np.float32)
        everything = np.arange(len(weights))
        self.known = similarities(self.words, self.vectors) if len(everything) <= BLOCK else None

    def train(self, rows: NDArray[np.int64], *, last: bool = False) -> LinearPart:
        """Fit a classifier to some rows. `last`: nothing else will be fitted, which saves memory."""
        if len(rows) <= BLOCK:
            solved = self.solve(rows, self.targets[rows].toarray(), last=last)
            return self.part(*self.weights(rows, solved))
        blocks = np.array_split(np.random.default_rng(0).permutation(rows), -(-len(rows) // BLOCK))
        solutions: list[Any] = [np.float32(0)] * len(blocks)
        words = np.zeros((self.words.shape[1], self.targets.shape[1]), np.float32)
        vectors = np.zeros((self.vectors.shape[1], self.targets.shape[1]), np.float32)
        for _ in range(SWEEPS):
            for number, block in enumerate(blocks):
                left = self.targets[block].toarray() - self.slack[block, None] * solutions[number]
                left -= self.words[block] @ words
                left -= self.vectors[block] @ vectors
                step = self.solve(block, left)
                solutions[number] = solutions[number] + step
                more_words, more_vectors = self.weights(block, step)
                words += more_words
                vectors += more_vectors
        return self.part(words, vectors)

    def solve(self, rows: NDArray[np.int64], wanted: Matrix, *, last: bool = False) -> Matrix:
        """Return the dual solution (n, C) of some rows for the values `wanted` (n, C), which may be overwritten."""
        from scipy.linalg import cho_factor, cho_solve

        if self.known is None:
            alike = similarities(self.words[rows], self.vectors[rows])
        elif last and np.array_equal(rows, np.arange(len(self.known))):
            alike, self.known = self.known, None
        else:
            alike = self.known[np.ix_(rows, rows)]
        alike[np.diag_indices_from(alike)] += self.slack[rows]
        # LAPACK works in place on columns; the matrix is symmetric, so that its transpose is as good.
        factor = cho_factor(alike.T, lower=True, overwrite_a=True, check_finite=False)
        solved: Matrix = cho_solve(factor, np.asfortranarray(wanted), overwrite_b=True, check_finite=False)
        return solved

    def weights(self, rows: NDArray[np.int64], solved: Matrix) -> tuple[Matrix, Matrix]:
        """Return the weights of words (V, C) and of vectors (d, C) from a dual solution."""
        words: Matrix = self.words[rows].T @ np.ascontiguousarray(solved)
        vectors: Matrix = np.asarray(self.vectors[rows].T @ solved, np.float32)
        return words, vectors

    def part(self, words: Matrix, vectors: Matrix) -> LinearPart:
        """Return the classifier for unscaled features; `words` and `vectors` are overwritten."""
        words *= self.scale[:, None]
        vectors *= self.vector_scale
        return LinearPart(words, vectors)


def similarities(words: "csr_matrix", vectors: Matrix) -> Matrix:
    """Return the inner products of all rows, (n, n)."""
    found: Matrix = vectors @ vectors.T
    turned = words.T.tocsr()
    for start in range(0, len(vectors), 1024):
        found[start : start + 1024] += (words[start : start + 1024] @ turned).toarray()
    return found
