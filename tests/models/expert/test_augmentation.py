"""Synthetic products: how many, of which product, and what stands in them."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.expert.finetune import insert_path, make_synthetic_texts, mask_path

PATH = ["Food", "Drinks", "Tea"]
TEXTS = ["Darjeeling. First flush, loose leaves", "Earl Grey", "Sencha. Green leaves"]

steps = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=5)


def test_synthetic_products_follow_from_the_seed() -> None:
    made = make_synthetic_texts(TEXTS, [PATH] * 3, 1.0, seed=1)
    assert made == [
        (0, "Drinks > Tea. First flush, loose leaves"),
        (2, "Tea. Green leaves"),
        (1, "Food > Tea"),
    ]
    assert made == make_synthetic_texts(TEXTS, [PATH] * 3, 1.0, seed=1)
    assert made != make_synthetic_texts(TEXTS, [PATH] * 3, 1.0, seed=2)


def test_no_texts_or_no_share_make_nothing() -> None:
    assert make_synthetic_texts([], [], 3.0, seed=0) == []
    assert make_synthetic_texts(TEXTS, [PATH] * 3, 0.0, seed=0) == []


@given(st.integers(1, 20), st.floats(0, 3.5), st.integers(0, 5))
def test_a_share_takes_each_product_as_often(texts: int, share: float, seed: int) -> None:
    made = make_synthetic_texts(["a. b"] * texts, [PATH] * texts, share, seed)
    assert len(made) == round(share * texts)
    times = Counter(place for place, _ in made)
    assert (
        max((times[place] for place in range(texts)), default=0) - min(times[place] for place in range(texts))
        <= 1
    )


def test_the_title_or_the_description_gives_way() -> None:
    found = {insert_path("Assam. Strong", ["Food", "Tea"], random.Random(seed)) for seed in range(40)}
    assert found == {"Tea. Strong", "Food > Tea. Strong", "Assam. Tea", "Assam. Food > Tea"}


def test_a_path_stands_alone_where_there_is_nothing_but_a_title() -> None:
    assert {insert_path("Assam", ["Food", "Tea"], random.Random(seed)) for seed in range(20)} == {
        "Tea",
        "Food > Tea",
    }


@given(steps, st.integers(0, 100))
def test_the_last_step_is_never_masked(path: list[str], seed: int) -> None:
    found = mask_path(path, random.Random(seed)).split(" > ")
    assert found[-1] == path[-1]
    rest = iter(path[:-1])
    assert all(step in rest for step in found[:-1])
