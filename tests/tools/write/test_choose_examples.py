"""Products that stand for a category: popular or typical ones, and some unlike each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.tools.write.choose_examples import POOL, choose_examples

PLACES = {"red": (1.0, 0.0, 0.0), "blue": (0.0, 1.0, 0.0), "gold": (0.0, 0.0, 1.0)}


def vectors(texts: Sequence[str]) -> Any:
    """Texts of one colour lie together; their numbers part them a little."""
    rows = [np.array(PLACES[text.split()[0]]) + 0.01 * int(text.split()[1]) for text in texts]
    matrix = np.array(rows, np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


TEXTS = [
    f"{colour} {number}"
    for colour, count in (("red", 8), ("blue", 3), ("gold", 2))
    for number in range(count)
]


def test_each_kind_is_there() -> None:
    chosen = choose_examples(TEXTS, [0.0] * len(TEXTS), 6, vectors)
    assert len(set(chosen)) == 6
    assert {TEXTS[row].split()[0] for row in chosen} == set(PLACES)


def test_half_of_them_are_the_most_popular() -> None:
    popularity = [float(row) if row in (1, 3, 5, 7) else 0.0 for row in range(len(TEXTS))]
    chosen = choose_examples(TEXTS, popularity, 6, vectors)
    assert chosen[:3] == [7, 5, 3]
    assert {TEXTS[row].split()[0] for row in chosen[3:]} == set(PLACES)


def test_few_products_are_all_shown_without_vectors_and_equal_texts_once() -> None:
    def refuse(texts: Sequence[str]) -> Any:
        raise AssertionError(texts)

    assert choose_examples(["a", "b", "a"], [0.0] * 3, 2, refuse) == [0, 1]
    assert choose_examples([], [], 4, refuse) == []


def test_of_very_many_products_a_sample_is_compared() -> None:
    texts = [f"red {number}" for number in range(4 * POOL)]
    seen: list[int] = []

    def counted(wanted: Sequence[str]) -> Any:
        seen.append(len(wanted))
        return vectors(wanted)

    popularity = [0.0] * (4 * POOL - 1) + [1.0]
    chosen = choose_examples(texts, popularity, 4, counted, seed=2)
    assert (seen, chosen[0], len(chosen)) == ([POOL], 4 * POOL - 1, 4)
    assert choose_examples(texts, popularity, 4, vectors, seed=2) == chosen


@given(st.lists(st.sampled_from(TEXTS), max_size=14), st.integers(1, 8), st.data())
def test_never_more_than_asked_never_twice(texts: list[str], count: int, data: st.DataObject) -> None:
    popularity = data.draw(
        st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=len(texts), max_size=len(texts))
    )
    chosen = choose_examples(texts, popularity, count, vectors)
    shown = [texts[row] for row in chosen]
    assert len(set(shown)) == len(shown) <= count
    if len(set(texts)) <= count:
        assert set(shown) == set(texts)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two(count: int) -> None:
    assert len(choose_examples(TEXTS, [0.0] * len(TEXTS), count, vectors)) == count
