"""The embedder over llama.cpp: vectors like the plain library's, whatever the text, from any thread."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.embedder import Embedder
from taxonaut.models.gguf.embedder import GgufEmbedder, _pack_batches
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.errors import InputError, ModelError, ModelNotFoundError

pytestmark = pytest.mark.slow

TEXTS = [
    "wireless headphones",
    "Manage the budget of a small hospital ward",
    "café au lait, naïve façade",
    "数据库 管理",
    "",
    "a",
    "repair bicycles " * 60,
    "emoji 🚲 and\tcontrol\x00characters",
]


@pytest.fixture(scope="module")
def embedder(minilm: Path) -> Iterator[GgufEmbedder]:
    embedder = GgufEmbedder(threads=1)
    yield embedder
    embedder.close()


@pytest.mark.local
def test_it_is_an_embedder(embedder: GgufEmbedder) -> None:
    assert isinstance(embedder, Embedder)
    assert (embedder.name, embedder.dimension) == ("gguf/all-minilm-l6-v2", 384)


@pytest.mark.local
def test_vectors_are_those_of_the_plain_library(embedder: GgufEmbedder, minilm: Path) -> None:
    import llama_cpp

    plain = llama_cpp.Llama(str(minilm), embedding=True, n_ctx=512, n_threads=1, verbose=False)
    expected = np.array([plain.embed(text, normalize=True) for text in TEXTS if len(text) < 500], np.float32)
    plain.close()

    found = embedder.embed([text for text in TEXTS if len(text) < 500])

    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=0.01)
    np.testing.assert_array_less(0.99, np.sum(found * expected, axis=1))


@pytest.mark.local
def test_rows_are_unit_float32_in_the_order_given(embedder: GgufEmbedder) -> None:
    rows = embedder.embed([*TEXTS, TEXTS[0]])

    assert (rows.shape, rows.dtype) == ((9, 384), np.dtype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[8])
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_array_less(0.999, np.sum(rows[:8] * alone, axis=1))


@pytest.mark.local
def test_no_texts_give_no_rows(embedder: GgufEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.local
def test_a_million_characters_are_cut(embedder: GgufEmbedder) -> None:
    rows = embedder.embed(["bicycle " * 125_000, "bicycle " * 254, "x" * 1_000_000, " " * 1_000_000])

    np.testing.assert_allclose(rows[0] @ rows[1], 1, atol=1e-3)
    assert np.isfinite(rows).all()


@pytest.mark.local
@pytest.mark.parametrize("most", [2, 100, 200, 511])
def test_any_length_may_be_asked_for(minilm: Path, most: int) -> None:
    embedder = GgufEmbedder(threads=1, max_tokens=most)
    assert embedder.embed(["word " * 600, "word"]).shape == (2, 384)
    embedder.close()


@pytest.mark.local
def test_several_threads_may_ask_at_once(embedder: GgufEmbedder) -> None:
    expected = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(embedder.embed, [TEXTS] * 8):
            np.testing.assert_allclose(rows, expected, atol=1e-5)


@pytest.mark.local
def test_two_contexts_give_the_same_vectors(embedder: GgufEmbedder) -> None:
    texts = [f"text number {number}" for number in range(200)]
    both = GgufEmbedder(threads=2)
    np.testing.assert_allclose(both.embed(texts), embedder.embed(texts), atol=1e-5)
    both.close()


@pytest.mark.local
def test_a_closed_embedder_says_so(minilm: Path) -> None:
    embedder = GgufEmbedder(minilm, threads=1)
    assert embedder.name.startswith("gguf/all-minilm-l6-v2-")
    embedder.embed(["a"])
    embedder.close()
    with pytest.raises(ModelError, match="was closed"):
        embedder.embed(["a"])


@pytest.mark.local
def test_the_interpreter_exits_quietly_with_a_model_open(minilm: Path) -> None:
    code = "from taxonaut.models.gguf.embedder import GgufEmbedder\nGgufEmbedder(threads=2).embed(['a', 'b'])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_weights_that_are_not_here(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="taxonaut models pull all-minilm-l6-v2"):
        GgufEmbedder(catalog=ModelCatalog(tmp_path))


@pytest.mark.local
def test_a_file_that_is_no_model(tmp_path: Path, minilm: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(ModelError, match=r"cannot load .*broken"):
        GgufEmbedder(tmp_path / "broken.gguf").embed(["a"])


def test_max_tokens_must_leave_room(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="max_tokens is 1"):
        GgufEmbedder(max_tokens=1)


def test_batches_hold_texts_of_like_length() -> None:
    assert list(_pack_batches([100, 3, 28, 200, 3, 4])) == [[1, 4, 5, 2], [0], [3]]
    assert [len(group) for group in _pack_batches([2] * 70)] == [32, 32, 6]
