"""Names of an index in words: exact but for case and accents, read loosely, spelt alike."""

import pytest

from taxonaut.conversation.nlu.names import Names, key, loose_key, strip_nouns
from taxonaut.state.index.index import Index


@pytest.fixture
def names(index: Index) -> Names:
    return Names(index, int(index.version()))


@pytest.mark.parametrize(
    ("one", "other"), [("Café Tables", "cafe  TABLES"), ("Shoes", "shoes"), ("Straße", "strasse")]
)
def test_names_that_are_the_same_for_a_change(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Name?", "Name"), ("Shoes", "Shoe"), ("A & B", "A and B"), ("C", "C++")]
)
def test_names_that_are_not(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Health & Beauty", "health and beauty"),
        ("Headphones", "headphone"),
        ("Cameras & Optics", "camera, optics"),
    ],
)
def test_names_that_are_the_same_for_a_question(one: str, other: str) -> None:
    assert loose_key(one) == loose_key(other)


def test_words_around_a_name() -> None:
    assert strip_nouns("the category Shoes, please") == "Shoes"


def test_the_longest_name_at_each_place(names: Names) -> None:
    said = "move gift cards and boots there"
    starts = [0, 5, 10, 16, 20, 26]
    words = [(start, start + len(word)) for start, word in zip(starts, said.split(), strict=True)]
    assert list(names.spans(said, words)) == [(1, 3), (4, 5)]


def test_only_a_question_takes_what_is_spelt_alike(names: Names) -> None:
    (boots,) = names.exact("BOOTS")
    assert names.exact("bootz") == ()
    assert names.like("bootz") == names.like("the category boot") == (boots,)
    assert names.like("nothing of this kind") == ()
