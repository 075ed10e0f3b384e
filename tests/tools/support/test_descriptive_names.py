"""The shortest ends of paths that no other path shares."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.tools.support import names as descriptive_names
from taxonaut.tools.support.names import PATH_JOINER, shortest_unique_suffixes

paths = st.lists(st.lists(st.sampled_from("abAB"), min_size=1, max_size=4).map(tuple), max_size=12)


def test_the_example_in_the_documentation() -> None:
    assert doctest.testmod(descriptive_names).failed == 0


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ([], []),
        ([("a", "b")], ["b"]),
        ([("a", "x"), ("x",)], ["a > x", "x"]),
        ([("a", "b", "x"), ("c", "b", "X"), ("a", "d", "x")], ["a > b > x", "c > b > X", "d > x"]),
        ([("a", "x"), ("a", "x")], ["a > x", "a > x"]),
    ],
)
def test_ends(given: list[tuple[str, ...]], ends: list[str]) -> None:
    assert shortest_unique_suffixes(given) == ends


@given(paths)
def test_ends_are_ends_and_set_apart_what_differs(given: list[tuple[str, ...]]) -> None:
    found = shortest_unique_suffixes(given)
    for path, end in zip(given, found, strict=True):
        assert PATH_JOINER.join(path).endswith(end)
    folded = {
        tuple(name.casefold() for name in path): end.casefold()
        for path, end in zip(given, found, strict=True)
    }
    assert len(set(folded.values())) == len(folded)
