"""Messages are cut into words and marked parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.conversation.nlu.utterance import read, unquoted


def marks(said: str) -> list[tuple[str, str]]:
    """Return the words of a message with their marks."""
    return [(token.word, token.mark) for token in read(said).tokens]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Show Audio", [("show", ""), ("audio", "")]),
        ('where would "Red Shoes" go?', [("where", ""), ("would", ""), ("red shoes", "quoted"), ("go", "")]),
        (
            "«a b» and *c d* and `e`",
            [("a b", "quoted"), ("and", ""), ("c d", "quoted"), ("and", ""), ("e", "quoted")],
        ),
        ("“it's”, 'kids boots'", [("it's", "quoted"), (",", ""), ("kids boots", "quoted")]),
        (
            "what's there, it isn't",
            [("what", ""), ("is", ""), ("there", ""), (",", ""), ("it", ""), ("is", ""), ("not", "")],
        ),
        ("whats up pls", [("what", ""), ("is", ""), ("up", ""), ("please", "")]),
        ("label data/feed.csv.", [("label", ""), ("data/feed.csv", "file")]),
        ('do "Q3 feed.jsonl.gz"', [("do", ""), ("Q3 feed.jsonl.gz", "file")]),
        ("lost in the last 3 days?", [("lost", ""), ("in the last 3 days", "period")]),
        ("new since Monday", [("new", ""), ("since monday", "period")]),
        ("lost since Easter?", [("lost", ""), ("since easter", "period")]),
        ("losses between 1 March and 15 March", [("losses", ""), ("between 1 march and 15 march", "period")]),
        ("from Monday to Wednesday", [("from monday to wednesday", "period")]),
        ("new since it is there", [("new", ""), ("since", ""), ("it", ""), ("is", ""), ("there", "")]),
        ("since change 3", [("since", ""), ("change", ""), ("3", "number")]),
        ("undo change #12", [("undo", ""), ("change", ""), ("#12", "change")]),
        ("top 5", [("top", ""), ("5", "number")]),
        ("7in1 hub 2.5", [("7in1", ""), ("hub", ""), ("2.5", "")]),
        ("rename C++ -> C#", [("rename", ""), ("c++", ""), ("to", ""), ("c#", "")]),
        ("Audio > Video", [("audio", ""), (">", ""), ("video", "")]),
        ("", []),
    ],
)
def test_words_and_marks(said: str, expected: list[tuple[str, str]]) -> None:
    assert marks(said) == expected


def test_an_apostrophe_is_no_quote() -> None:
    assert [mark for _, mark in marks("the cat's toys and the dogs' toys")] == [""] * 7


def test_text_between_tokens_is_as_it_was_said() -> None:
    utterance = read("Where would Wireless  Earbuds (new) go?")
    assert utterance.text(2, 5) == "Wireless  Earbuds (new"
    assert utterance.text(3, 3) == ""
    assert read('find "Big Cats"').text(1, 2) == "Big Cats"


@pytest.mark.parametrize(
    ("text", "plain"), [('"a"', "a"), ("„a“", "a"), (" *a b* ", "a b"), ('"', '"'), ("a", "a")]
)
def test_quotes_around_a_text(text: str, plain: str) -> None:
    assert unquoted(text) == plain


@given(st.text(max_size=80))
def test_any_message_is_read_in_order(said: str) -> None:
    tokens = read(said).tokens
    assert all(0 <= token.start < token.end <= len(said) for token in tokens)
    assert [token.start for token in tokens] == sorted(token.start for token in tokens)
