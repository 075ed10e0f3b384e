"""The library itself: what is said where it is not installed, and how many cores it takes."""

import sys
from pathlib import Path

import pytest

from taxonaut.models.cpu import available_cores, chat_threads, default_threads
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.models.gguf.runtime import library
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.errors import MissingExtraError

pytestmark = pytest.mark.slow


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'taxonaut\[gguf\]'$"):
        library()


def test_an_embedder_also_says_what_works_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    (tmp_path / "own.gguf").touch()
    with pytest.raises(MissingExtraError) as raised:
        GgufEmbedder(tmp_path / "own.gguf").embed(["a"])
    with pytest.raises(MissingExtraError) as not_pulled:
        GgufEmbedder("all-minilm-l6-v2", catalog=ModelCatalog(tmp_path))
    assert (
        str(raised.value)
        == str(not_pulled.value)
        == (
            "llama-cpp-python is not installed; install it with: pip install 'taxonaut[gguf]'; or let ONNX Runtime "
            'embed, in taxonaut.toml: model = "onnx/all-minilm-l6-v2" under [embeddings], '
            "encoder/onnx/all-minilm-l6-v2 for the roles"
        )
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'taxonaut\[gguf\]'$"):
        ModelCatalog(tmp_path).resolve("smollm2-135m-instruct")


@pytest.mark.parametrize(("cores", "embedding", "chatting"), [(1, 1, 1), (2, 2, 1), (8, 8, 4), (64, 8, 8)])
def test_threads(monkeypatch: pytest.MonkeyPatch, cores: int, embedding: int, chatting: int) -> None:
    monkeypatch.setattr("taxonaut.models.cpu.available_cores", lambda: cores)
    assert (default_threads(), chat_threads()) == (embedding, chatting)


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
