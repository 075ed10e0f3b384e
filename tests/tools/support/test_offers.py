"""Numbered offers: each option once, an order that the seed alone decides, and no number beyond them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.state.errors import ToolError
from taxonaut.tools.support.offers import shuffle_options


@given(st.lists(st.integers(), unique=True, max_size=30), st.integers())
def test_an_offer_is_a_permutation_that_the_seed_decides(options: list[int], seed: int) -> None:
    offer = shuffle_options(options, seed)
    assert sorted(offer.options) == sorted(options)
    assert (offer, offer.seed) == (shuffle_options(options, seed), seed)
    assert offer.pick(range(1, len(options) + 1)) == list(offer.options)


def test_seeds_give_different_orders() -> None:
    assert len({shuffle_options(range(6), seed).options for seed in range(50)}) > 30


@pytest.mark.parametrize("number", [0, 4, -1])
def test_a_number_that_is_not_on_offer(number: int) -> None:
    with pytest.raises(ToolError) as caught:
        shuffle_options("abc", 0).pick([1, number])
    assert str(caught.value) == f"{number} is not on offer; the numbers are 1 to 3"
