"""Closed-form linear classifiers that complement the trained head: class centroids, names, paths, ancestors.

Every part is linear in a product's features, so that their weighted sum is one matrix (`trained_expert`). Categories
without products (zero-shot) have separate weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from taxonaut.models.embedder import Matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NAME_WEIGHT = 0.5
"""The weight of a category's path in its centroid; a product has weight 1."""

SINGLE = ("many", "none", "one")
"""Bias parts: log(1 + products) of a category, whether it has none, whether it has one."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features of texts: `words` (n, V), sparse, and `vectors` (n, d), unit rows."""

    words: "csr_matrix"
    vectors: Matrix

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[np.int64]) -> "Features":
        """Return some rows."""
        return Features(self.words[rows], self.vectors[rows])


@dataclass(frozen=True, slots=True)
class LabelledFeatures:
    """Features with their categories: `targets` (n, C) has rows that sum to 1."""

    features: Features
    targets: "csr_matrix"


@dataclass(frozen=True, slots=True)
class Categories:
    """Features of the categories' paths and names, and their ancestors.

    `above` (C, A) is 1 / (number of ancestors) for each ancestor of a category, so that rows sum to 1; zero rows for
    top categories.
    """

    paths: Features
    names: Features
    above: "csr_matrix"

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True)
class LinearPart:
    """A linear classifier: the scores of features f are f.words @ words + f.vectors @ vectors + bias.

    `words` is (V, C), `vectors` (d, C), `bias` (C,); None counts as zero.
    """

    words: "csr_matrix | None" = None
    vectors: Matrix | None = None
    bias: Matrix | None = None

    def scores(self, features: Features) -> Matrix:
        """Return the scores of each category, (n, C)."""
        found: Any = np.float32(0)
        if self.words is not None:
            found = sparse_product(features.words, self.words)
        if self.vectors is not None:
            found = found + features.vectors @ self.vectors
        if self.bias is not None:
            found = found + np.broadcast_to(self.bias, (len(features), len(self.bias)))
        scores: Matrix = np.asarray(found, np.float32)
        return scores


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an expert by name. Those over words and vectors have a second weight, `z:NAME`.

    It is added for categories without products, of which `without` (C,) is 1.
    """

    found: Mapping[str, LinearPart]
    without: Matrix

    def scores(self, features: Features) -> dict[str, Matrix]:
        """Return the scores of every part, (n, C) each, and of every `z:NAME`."""
        plain = {name: part.scores(features) for name, part in self.found.items()}
        zero = {f"z:{name}": scores * self.without for name, scores in plain.items() if name not in SINGLE}
        return {**plain, **zero}

    def weighted_sum(self, weights: Mapping[str, float]) -> LinearPart:
        """Return the weighted sum of the parts as one, with sparse words."""
        from scipy.sparse import csr_matrix, diags

        words: Any = None
        vectors: Any = None
        bias: Any = None
        for name, part in self.found.items():
            columns = np.float32(weights[name]) + np.float32(weights.get(f"z:{name}", 0.0)) * self.without
            if part.words is not None:
                scaled = part.words @ diags(columns)
                words = scaled if words is None else words + scaled
            vectors = add_optional(vectors, part.vectors, columns)
            bias = add_optional(bias, part.bias, columns)
        return LinearPart(None if words is None else csr_matrix(words), vectors, bias)


def build_parts(
    products: Features, targets: "csr_matrix", categories: Categories, blocks: Mapping[str, slice]
) -> Parts:
    """Build the parts from products and their categories; `targets` (n, C) has rows that sum to 1.

    Each block of word columns makes separate parts, and so do the vectors.
    """
    counts = np.asarray(targets.sum(axis=0)).ravel().astype(np.float32)
    none = (counts == 0).astype(np.float32)
    found = vector_parts(products, targets, categories)
    for kind, columns in blocks.items():
        found |= word_parts(kind, products, targets, categories, columns)
    for name, values in zip(SINGLE, (np.log1p(counts), none, counts == 1), strict=True):
        found[name] = LinearPart(bias=np.asarray(values, np.float32))
    return Parts(found, none)


def word_parts(
    kind: str, products: Features, targets: "csr_matrix", categories: Categories, columns: slice
) -> dict[str, LinearPart]:
    """Build the parts of one block of word columns."""
    from scipy.sparse import csr_matrix

    paths, names = categories.paths.words[:, columns], categories.names.words[:, columns]
    sums = csr_matrix(targets.T @ products.words[:, columns] + NAME_WEIGHT * paths)
    above = categories.above
    rows = {
        f"average {kind}": normalize_sparse_rows(sums),
        f"name {kind}": names,
        f"path {kind}": paths,
        f"above {kind}": above @ normalize_sparse_rows(csr_matrix((above > 0).T @ sums)),
    }
    first, width = columns.start, products.words.shape[1]
    return {name: LinearPart(words=place_block(matrix, first, width)) for name, matrix in rows.items()}


def vector_parts(products: Features, targets: "csr_matrix", categories: Categories) -> dict[str, LinearPart]:
    """Build the parts of the vectors."""
    paths, names = categories.paths.vectors, categories.names.vectors
    sums = targets.T @ products.vectors + NAME_WEIGHT * paths
    above = categories.above
    rows = {
        "average vectors": normalize_rows(sums),
        "name vectors": names,
        "path vectors": paths,
        "above vectors": np.asarray(above @ normalize_rows((above > 0).T @ sums), np.float32),
    }
    return {name: LinearPart(vectors=matrix.T) for name, matrix in rows.items()}


def place_block(matrix: "csr_matrix", first: int, width: int) -> "csr_matrix":
    """Transpose a block (C, v) and place it at row `first` of a (V, C) matrix, V = `width`."""
    from scipy.sparse import csr_matrix

    block = matrix.tocoo()
    made: csr_matrix = csr_matrix((block.data, (block.col + first, block.row)), shape=(width, block.shape[0]))
    return made


def add_parts(head: LinearPart, weight: float, others: LinearPart) -> LinearPart:
    """Return the weighted head plus `others`, with dense words; the head's words are overwritten."""
    words: Any = head.words
    words *= np.float32(weight)
    if others.words is not None:
        rows = others.words.tocoo()
        words[rows.row, rows.col] += rows.data
    vectors = add_optional(others.vectors, head.vectors, weight)
    return LinearPart(words, vectors, add_optional(others.bias, head.bias, weight))


def sparse_product(words: "csr_matrix", matrix: "csr_matrix | Matrix") -> Matrix:
    """Return the dense product of words (n, V) with a matrix (V, C).

    In CSC order each row of a dense matrix is read once for all texts, twice as fast as in CSR order.
    """
    product = words.tocsc() @ matrix if isinstance(matrix, np.ndarray) else (words @ matrix).toarray()
    return np.asarray(product, np.float32)


def add_weighted(total: Matrix, part: Any, weight: np.float32) -> None:
    """Add a weighted matrix, sparse or dense, in place."""
    if isinstance(part, np.ndarray):
        total += weight * part
        return
    rows = part.tocoo()
    np.add.at(total, (rows.row, rows.col), weight * rows.data)


def add_optional(total: Any, part: Matrix | None, weight: Any) -> Any:
    """Add a weighted matrix to a total; both may be None."""
    if part is None:
        return total
    weighted = np.asarray(part * np.asarray(weight, np.float32), np.float32)
    return weighted if total is None else total + weighted


def normalize_rows(matrix: Any) -> Matrix:
    """Scale rows to unit length; zero rows stay zero."""
    dense: Matrix = np.asarray(matrix, np.float32)
    scaled: Matrix = dense / np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), np.float32(1e-9))
    return scaled


def normalize_sparse_rows(matrix: "csr_matrix") -> "csr_matrix":
    """Scale rows of a sparse matrix to unit length; zero rows stay zero."""
    from scipy.sparse import csr_matrix, diags

    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scaled: csr_matrix = (diags(1 / np.maximum(lengths, 1e-9)) @ matrix).tocsr().astype(np.float32)
    return scaled


def ancestors_of(paths: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return the paths of all ancestors of categories with these paths (names from the top down), without repeats."""
    return tuple(dict.fromkeys(tuple(path[:depth]) for path in paths for depth in range(1, len(path))))


def ancestor_matrix(
    paths: Sequence[Sequence[str]], ancestors: Sequence[tuple[str, ...]] | None = None
) -> "csr_matrix":
    """Return `Categories.above` for categories with these paths (names from the top down to their own).

    Columns are `ancestors`, by default all of theirs; other ancestors are ignored.
    """
    from scipy.sparse import csr_matrix

    columns_of = ancestors_of(paths) if ancestors is None else ancestors
    known = {path: place for place, path in enumerate(columns_of)}
    rows, columns, values = [], [], []
    for row, path in enumerate(paths):
        for depth in range(1, len(path)):
            place = known.get(tuple(path[:depth]))
            if place is not None:
                rows.append(row)
                columns.append(place)
                values.append(1 / (len(path) - 1))
    shape = (len(paths), max(len(known), 1))
    made: csr_matrix = csr_matrix((np.array(values, np.float32), (rows, columns)), shape=shape)
    return made
