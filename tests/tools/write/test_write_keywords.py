"""Keywords that a model wrote, made fit to be kept and shown."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from taxonaut.state.errors import ToolError
from taxonaut.tools.support.names import tfidf_terms
from taxonaut.tools.write.write_keywords import LONGEST, write_keywords, write_keywords_spec


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["Pens", " pens ", "PENS", "ink"], ["Pens", "ink"]),
        (["", "  ", "\x00", "\u200b", "a\tb\r\nc"], ["a b c"]),
        (["\x1b[31mred\x1b[0m", "a\u202eb", "\U000e0041x"], ["[31mred [0m", "ab", "x"]),
        (["می\u200cخواهم", "\u200d", "👩\u200d🚀"], ["می\u200cخواهم", "👩\u200d🚀"]),
        (["x" * 99, "x" * 99 + "y", "word " * 30], ["x" * LONGEST, ("word " * 12).rstrip()]),
        (["1", "2", "3", "4", "5"], ["1", "2", "3", "4"]),
        ([], []),
    ],
)
def test_keywords_are_cleaned(given: list[str], kept: list[str]) -> None:
    assert write_keywords({"keywords": given}, 4) == kept


@pytest.mark.parametrize("given", [None, "pens", [1], {"a": "b"}])
def test_other_things_are_no_keywords(given: Any) -> None:
    with pytest.raises(ToolError, match=r"`keywords` is a list of texts; .* was given"):
        write_keywords({"keywords": given}, 3)


@pytest.mark.parametrize(
    ("given", "fits"), [(["a"], True), ([], False), (["a"] * 4, False), (["x" * 61], False)]
)
def test_the_schema_bounds_number_and_length(given: list[str], fits: bool) -> None:
    spec = write_keywords_spec(3)
    assert (spec.name, spec.description) == ("write_keywords", write_keywords.__doc__)
    assert Draft202012Validator(dict(spec.parameters)).is_valid({"keywords": given}) is fits


@given(st.lists(st.text(max_size=80), max_size=6))
def test_whatever_is_written_is_one_line_and_can_be_a_file(given: list[str]) -> None:
    kept = write_keywords({"keywords": given}, 3)
    assert len(kept) <= 3
    assert len({each.casefold() for each in kept}) == len(kept)
    for each in kept:
        assert 0 < len(each) <= LONGEST
        assert each == " ".join(each.split())
        assert not {unicodedata.category(sign) for sign in each} & {"Cc", "Cs"}
    json.dumps(kept, ensure_ascii=False).encode()


def test_telling_terms_are_those_of_few_texts() -> None:
    texts = ["Blue pen, pen and ink", "Blue pencil", "blue Desk for the office", "", "the desk DESK", "!"]
    assert tfidf_terms(texts, 2) == [
        ("pen", "and"),
        ("pencil", "Blue"),
        ("for", "office"),
        (),
        ("Desk", "the"),
        (),
    ]
    assert tfidf_terms([]) == []
    assert tfidf_terms(["one text"]) == [("one", "text")]
