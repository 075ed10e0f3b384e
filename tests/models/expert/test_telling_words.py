"""The words that speak for a category, on weights that are set by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.expert.features import LinearPart
from taxonaut.models.expert.lexical import Lexicon, words_by_hash
from taxonaut.models.expert.trained_expert import explaining_words

TEXT = "Leather laptop messenger bag for women's office, 15 inch, with a x"
LEXICON = Lexicon.fit([TEXT, "Steel bottle for school. Blue"], ["Bags"])


def part(says: dict[tuple[str, ...], float], everywhere: float = 0.0) -> LinearPart:
    """Return weights of two categories: the first by what is said of it, the second `everywhere`."""
    words = np.full((len(LEXICON), 2), everywhere, np.float32)
    columns = {words_by_hash(TEXT).get(value): at for at, value in enumerate(LEXICON.buckets.tolist())}
    for each, weight in says.items():
        words[columns[each], 0] += weight
    return LinearPart(words)


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ({("laptop",): 1}, "laptop"),
        ({("laptop",): 1, ("messenger", "bag"): 3}, "messenger bag, laptop"),
        (
            {("laptop",): 1, ("messenger",): 1, ("messenger", "bag"): 0.5, ("bag",): 0.2},
            "messenger bag, laptop",
        ),
        ({("messenger", "bag"): -1, ("messenger",): 2, ("bag",): 1}, "messenger, bag"),
        ({("women",): 1, ("women", "s"): 1}, "women's"),
        ({("x",): 9, ("s",): 9, ("a", "x"): 9}, ""),
        ({("laptop",): 5, ("office",): 0.1}, "laptop"),
        ({("laptop",): 5, ("office",): 4, ("inch",): 3, ("15",): 2, ("for",): 1}, "laptop, office, inch, 15"),
        ({("laptop",): -1}, ""),
        ({}, ""),
    ],
)
def test_what_says_most_is_named_first(says: dict[tuple[str, ...], float], said: str) -> None:
    assert explaining_words(TEXT, LEXICON, part(says), 0) == said
    assert explaining_words(TEXT, LEXICON, part(says, everywhere=7.0), 0) == said


def test_what_speaks_for_one_speaks_against_the_other() -> None:
    weights = part({("laptop",): 1.0, ("office",): -1.0})
    assert (explaining_words(TEXT, LEXICON, weights, 0), explaining_words(TEXT, LEXICON, weights, 1)) == (
        "laptop",
        "office",
    )


@pytest.mark.parametrize("text", ["", "?!", "unknown words", "\ud800\0"])
def test_without_known_words_nothing_is_named(text: str) -> None:
    assert explaining_words(text, LEXICON, part({("laptop",): 1.0}), 0) == ""
    empty = Lexicon.fit([TEXT], lexical=False)
    assert explaining_words(text, empty, LinearPart(np.zeros((0, 2), np.float32)), 0) == ""


def test_words_and_pairs_are_spelled_as_they_stand() -> None:
    assert sorted(words_by_hash("Tea POT. tea-pot\0x").values()) == sorted(
        [("tea",), ("pot",), ("x",), ("tea", "pot"), ("pot", "tea"), ("pot", "x")]
    )
    assert words_by_hash("") == {}


@given(st.text(max_size=60))
def test_only_words_of_the_text_are_named(text: str) -> None:
    lexicon = Lexicon(
        np.array(sorted(words_by_hash(text)), np.int64), np.ones(len(words_by_hash(text)), np.float32)
    )
    weights = np.eye(max(len(lexicon), 1), 2, dtype=np.float32)[: len(lexicon)]
    said = explaining_words(text, lexicon, LinearPart(weights), 0)
    lowered = text.lower()
    assert all(word in lowered for pair in said.split(", ") for word in pair.removesuffix("'s").split())
