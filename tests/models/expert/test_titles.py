"""Where a title ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.expert.lexical import LONGEST_TITLE, split_title


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        ("Green tea. 100 bags", "Green tea.", "100 bags"),
        ("Green tea - 100 bags", "Green tea", "100 bags"),
        ("Green tea | 100 bags", "Green tea", "100 bags"),
        ("Green tea\n100 bags", "Green tea", "100 bags"),
        ("Tea 2.5 kg", "Tea 2.5 kg", ""),
        ("semi-dry wine", "semi-dry wine", ""),
        ("Tea. ", "Tea.", ""),
        ("", "", ""),
        ("\ntea", "", "tea"),
        ("x" * LONGEST_TITLE + ". tea", "x" * LONGEST_TITLE + ". tea", ""),
    ],
)
def test_a_title_ends_with_its_sentence(text: str, title: str, rest: str) -> None:
    assert split_title(text) == (title, rest)


@given(st.text())
def test_nothing_but_the_divider_is_lost(text: str) -> None:
    title, rest = split_title(text)
    assert text.startswith(title)
    assert text.endswith(rest)
    between = text[len(title) : len(text) - len(rest)]
    assert between.strip() in ("", "-", "–", "—", "|", ":")
