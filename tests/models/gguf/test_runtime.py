"""The library itself: what is said where it is not installed, and how many cores it takes."""

import sys

import pytest

from taxonaut.models.cpu import available_cores, chat_threads, default_threads
from taxonaut.models.gguf.runtime import library
from taxonaut.state.errors import MissingExtraError

pytestmark = pytest.mark.slow


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'taxonaut\[local\]'"):
        library()


@pytest.mark.parametrize(("cores", "embedding", "chatting"), [(1, 1, 1), (2, 2, 1), (8, 8, 4), (64, 8, 8)])
def test_threads(monkeypatch: pytest.MonkeyPatch, cores: int, embedding: int, chatting: int) -> None:
    monkeypatch.setattr("taxonaut.models.cpu.available_cores", lambda: cores)
    assert (default_threads(), chat_threads()) == (embedding, chatting)


def test_there_is_a_core() -> None:
    assert available_cores() >= 1
