"""Vectors that are kept: each text is embedded once, in order, whatever is asked again."""

from collections.abc import Sequence

import numpy as np
import pytest

from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder import stored_vectors as stored_embedder
from taxonaut.models.encoder.stored_vectors import StoredEmbedder
from taxonaut.state.db.connection import Database
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.updates import Progress, Update, listening


class Letters:
    """Embeds a text as its length and first letter, scaled to length 1; remembers what it was given."""

    name = "letters"
    dimension = 2

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        self.calls.append(list(texts))
        return vectors(texts)


def vectors(texts: Sequence[str]) -> Matrix:
    rows = np.asarray([[len(text), ord(text[:1] or " ")] for text in texts], dtype=np.float32)
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_texts_are_embedded_once_and_come_in_order(database: Database) -> None:
    letters = Letters()
    assert isinstance(letters, Embedder)
    stored = StoredEmbedder(letters, Embeddings(database))
    np.testing.assert_array_equal(stored.lookup(["b", "aa", "b"]), vectors(["b", "aa", "b"]))
    np.testing.assert_array_equal(stored.lookup(["ccc", "aa"]), vectors(["ccc", "aa"]))
    again = StoredEmbedder(letters, Embeddings(database))
    np.testing.assert_array_equal(again.lookup(["aa", "ccc", "b"]), vectors(["aa", "ccc", "b"]))
    assert letters.calls == [["b", "aa"], ["ccc"]]


def test_progress_and_chunks(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_embedder, "CHUNK", 2)
    letters = Letters()
    seen: list[Update] = []
    texts = ["a", "b", "c", "d", "e"]
    with listening(seen.append):
        matrix = StoredEmbedder(letters, Embeddings(database)).lookup(texts, "embedding")
    np.testing.assert_array_equal(matrix, vectors(texts))
    assert letters.calls == [["a", "b"], ["c", "d"], ["e"]]
    assert seen == [Progress("embedding", done, 5) for done in (0, 2, 4, 5)]


def test_no_texts_give_a_matrix_of_the_right_shape(database: Database) -> None:
    assert StoredEmbedder(Letters(), Embeddings(database)).lookup([]).shape == (0, 2)


def test_two_embedders_do_not_share_vectors(database: Database) -> None:
    letters, others = Letters(), Letters()
    others.name = "others"
    StoredEmbedder(letters, Embeddings(database)).lookup(["a"])
    StoredEmbedder(others, Embeddings(database)).lookup(["a"])
    assert (letters.calls, others.calls) == ([["a"]], [["a"]])
