"""Vectors that are kept: each text is embedded once, in order, whatever is asked again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEmbedder

from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder import stored_vectors as stored_embedder
from taxonaut.models.encoder.stored_vectors import PhraseEmbedder, StoredEmbedder
from taxonaut.state.db.connection import Database
from taxonaut.state.stores.embeddings import Embeddings
from taxonaut.state.stores.phrase_vectors import PhraseVectors
from taxonaut.state.updates import Progress, Update, listening


def length_and_letter() -> FakeEmbedder:
    """Embeds a text as its length and first letter."""
    return FakeEmbedder("letters", 2, lambda text: [len(text), ord(text[:1] or " ")])


def vectors(texts: Sequence[str]) -> Matrix:
    rows = np.asarray([[len(text), ord(text[:1] or " ")] for text in texts], dtype=np.float32)
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def test_texts_are_embedded_once_and_come_in_order(database: Database) -> None:
    letters = length_and_letter()
    assert isinstance(letters, Embedder)
    stored = StoredEmbedder(letters, Embeddings(database))
    np.testing.assert_array_equal(stored.lookup(["b", "aa", "b"]), vectors(["b", "aa", "b"]))
    np.testing.assert_array_equal(stored.lookup(["ccc", "aa"]), vectors(["ccc", "aa"]))
    again = StoredEmbedder(letters, Embeddings(database))
    np.testing.assert_array_equal(again.lookup(["aa", "ccc", "b"]), vectors(["aa", "ccc", "b"]))
    assert letters.calls == [["b", "aa"], ["ccc"]]


def test_progress_and_chunks(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_embedder, "CHUNK", 2)
    letters = length_and_letter()
    seen: list[Update] = []
    texts = ["a", "b", "c", "d", "e"]
    with listening(seen.append):
        matrix = StoredEmbedder(letters, Embeddings(database)).lookup(texts, "embedding")
    np.testing.assert_array_equal(matrix, vectors(texts))
    assert letters.calls == [["a", "b"], ["c", "d"], ["e"]]
    assert seen == [Progress("embedding", done, 5) for done in (0, 2, 4, 5)]


def test_no_texts_give_a_matrix_of_the_right_shape(database: Database) -> None:
    assert StoredEmbedder(length_and_letter(), Embeddings(database)).lookup([]).shape == (0, 2)


def test_two_embedders_do_not_share_vectors(database: Database) -> None:
    letters, others = length_and_letter(), length_and_letter()
    others.name = "others"
    StoredEmbedder(letters, Embeddings(database)).lookup(["a"])
    StoredEmbedder(others, Embeddings(database)).lookup(["a"])
    assert (letters.calls, others.calls) == ([["a"]], [["a"]])


def test_phrases_are_known_to_a_later_run_and_give_the_same_vectors(tmp_path: Path) -> None:
    letters, long = length_and_letter(), "a long text " * 5
    kept = PhraseVectors(tmp_path / "phrases.sqlite", 100)
    embedder = PhraseEmbedder(letters, kept)
    assert (embedder.name, embedder.dimension, isinstance(embedder, Embedder)) == ("letters", 2, True)
    first = embedder.embed_queries(["b", long, "aa", "b"])
    np.testing.assert_allclose(first, vectors(["b", long, "aa", "b"]), atol=5e-4)
    again = PhraseEmbedder(letters, kept)
    np.testing.assert_array_equal(again.embed_queries(["aa", "ccc", long, "b"])[[3, 2, 0]], first[:3])
    assert letters.calls == [["b", long, "aa"], ["ccc", long]]
    assert again.embed_queries([]).shape == (0, 2)
    np.testing.assert_array_equal(again.embed(["b"]), vectors(["b"]))
