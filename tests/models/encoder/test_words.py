"""Shared words: which words are the same, how much each tells, and what an item has of a name."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.encoder.words import SharedWords, Vocabulary
from taxonaut.state.text_words import stems

NAMES = ["manage teams", "manage musical staff", "Visual Studio .NET", "C++"]


def test_a_rare_word_tells_more() -> None:
    vocabulary = Vocabulary(NAMES)
    shares = SharedWords(vocabulary, NAMES).shares([vocabulary.known("She manages musical teams")])
    often, once = math.log(1 + 4 / 2), math.log(1 + 4 / 1)
    expected = [(often + once) / (often + once + 5), (often + once) / (often + 2 * once + 5), 0, 0]
    np.testing.assert_allclose(shares, [expected], rtol=1e-5)


def test_names_and_items_without_known_words_share_nothing() -> None:
    vocabulary = Vocabulary(NAMES)
    shared = SharedWords(vocabulary, ["...", "unheard of", "manage"])
    shares = shared.shares([vocabulary.known(""), vocabulary.known("unheard"), vocabulary.known("manager")])
    assert np.flatnonzero(shares).tolist() == [8]
    assert SharedWords(vocabulary, []).shares([vocabulary.known("manage")]).shape == (1, 0)
    assert SharedWords(Vocabulary([]), ["a"]).shares([Vocabulary([]).known("a")]).tolist() == [[0]]


@given(st.lists(st.text("ab c", max_size=8), max_size=5), st.lists(st.text("ab c", max_size=8), max_size=4))
def test_a_share_is_of_the_name_alone(names: list[str], texts: list[str]) -> None:
    vocabulary = Vocabulary(names)
    shares = SharedWords(vocabulary, names).shares([vocabulary.known(text) for text in texts])
    for row, text in zip(shares, texts, strict=True):
        for share, name in zip(row, names, strict=True):
            alone = SharedWords(vocabulary, [name]).shares([vocabulary.known(text)])
            assert 0 <= share < 1
            assert share == pytest.approx(alone[0, 0])
            assert bool(share) == bool(set(stems(text)) & set(stems(name)))
