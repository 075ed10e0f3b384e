"""Phrases: what is cut, what is left out, and that any text is survived."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.encoder.passages import PassageSettings, cut_passages
from taxonaut.models.encoder.phrases import PhraseSettings, phrases

PAIRS = PhraseSettings(max_words=2)


def test_a_phrase_neither_begins_nor_ends_in_a_function_word() -> None:
    assert phrases("You will design web pages for the clients", PhraseSettings(max_words=4)) == [
        "design",
        "design web",
        "design web pages",
        "web",
        "web pages",
        "pages",
        "pages for the clients",
        "clients",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Scrub pad, regular. Brand (new)", ["Scrub", "Scrub pad", "pad", "regular", "Brand", "new"]),
        ("soap - neem", ["soap", "soap - neem", "neem"]),
        ("soap | neem", ["soap", "neem"]),
        ("long line\nwrapped", ["long", "long line", "line", "line\nwrapped", "wrapped"]),
        ("Title\n\nBody", ["Title", "Body"]),
        ("", []),
        (" \t\n", []),
        ("... !?", []),
        ("the of and", []),
    ],
)
def test_a_phrase_does_not_cross_punctuation(text: str, expected: list[str]) -> None:
    assert phrases(text, PAIRS) == expected


@pytest.mark.parametrize(
    "word",
    [
        "C++",
        "C#",
        ".NET",
        "node.js",
        "CI/CD",
        "state-of-the-art",
        "L'Oréal",
        "naïve",
        "R&D",
        "3D",
        "snake_case",
    ],
)
def test_words_keep_the_signs_that_belong_to_them(word: str) -> None:
    assert phrases(f"({word}), ") == [word]


def test_equal_phrases_count_once_whatever_their_case() -> None:
    assert phrases("Deep sea. deep  SEA. Deep Sea", PAIRS) == ["Deep", "Deep sea", "sea"]


def test_characters_of_a_script_without_spaces_are_half_words() -> None:
    assert phrases("分类标签", PAIRS) == ["分类", "分类标", "分类标签", "类标", "类标签", "标签"]


def test_other_scripts_are_cut_into_words() -> None:
    assert phrases("анализ данных", PAIRS) == ["анализ", "анализ данных", "данных"]
    assert phrases("تحليل البيانات", PAIRS) == ["تحليل", "تحليل البيانات", "البيانات"]


def test_a_word_that_is_a_blob_is_left_out() -> None:
    assert phrases(f"key {'x' * 500} value", PAIRS) == ["key", "value"]


def test_single_words_can_be_left_out() -> None:
    assert phrases("design web pages", PhraseSettings(min_words=2, max_words=3)) == [
        "design web",
        "design web pages",
        "web pages",
    ]


@pytest.mark.parametrize("unit", ["word ", "字", "-", "a-", "\n", "é", "a\n", "'a", "🙂 "])
def test_the_passages_of_a_long_text_give_a_bounded_number_at_once(unit: str) -> None:
    distinct = "".join(f"{unit}{number}" for number in range(20))
    text = (distinct + unit * 100_000)[:100_000]
    for passage in cut_passages(text, PassageSettings(most=3)).read:
        assert len(phrases(text[passage.start : passage.end], PhraseSettings(limit=100))) <= 100


@given(st.text(max_size=200), st.integers(1, 3), st.integers(0, 4), st.integers(1, 40))
def test_any_text_gives_distinct_parts_of_itself(text: str, low: int, more: int, limit: int) -> None:
    settings = PhraseSettings(min_words=low, max_words=low + more, limit=limit)
    found = phrases(text, settings)
    assert len(found) <= limit
    assert len({" ".join(phrase.casefold().split()) for phrase in found}) == len(found)
    assert all(phrase and phrase == phrase.strip() and phrase in text for phrase in found)
    assert found == phrases(text, settings)
