"""What people wrote is printed as data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from taxonaut.cli.shared.item_view import marked
from taxonaut.cli.shared.terminal import clipped, counted, path_text, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc", "a b c"),
        ("\x1b[31mred\x1b[0m", " [31mred [0m"),
        ("\x9b31m and \x07", " 31m and  "),
        ("a\u202eb\u2066c", "abc"),
        ("👩‍🔬 שלום", "👩‍🔬 שלום"),
        ("half \ud83d", "half  "),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_printable_can_keep_lines() -> None:
    assert printable("a\r\nb\x1bc\nd", keep_lines=True) == "a \nb c\nd"


@given(st.text())
def test_nothing_printable_moves_the_cursor_or_ends_a_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() or all(ord(sign) >= 0xA0 for sign in shown if not sign.isprintable())
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown
    shown.encode("utf-8")


def test_clipped_says_that_there_was_more() -> None:
    assert clipped("abcdef", 6) == "abcdef"
    assert clipped("abcdefg", 6) == "abcde…"


def test_counted() -> None:
    assert [counted(1, "label"), counted(2, "branch"), counted(1200, "item")] == [
        "1 label",
        "2 branches",
        "1,200 items",
    ]


def test_a_path_reads_from_the_top() -> None:
    assert path_text(("Sport", "Shoes")).plain == "Sport > Shoes"
    assert path_text(("Sport",)).plain == "Sport"
    assert path_text(()).plain == ""


def test_the_telling_phrase_stands_out() -> None:
    line = marked("fresh [bold]red apples[/bold] today", "red apples")
    assert line.plain == "fresh [bold]red apples[/bold] today"
    assert [line.plain[span.start : span.end] for span in line.spans] == ["red apples"]


def test_a_long_text_is_its_beginning_and_what_is_around_the_telling_phrase() -> None:
    line = marked("word " * 500 + "red\napples " + "word " * 500, "red\napples")
    assert line.plain.count("…") == 2
    assert line.plain.endswith("…")
    assert len(line.plain) < 330
    assert [line.plain[span.start : span.end] for span in line.spans] == ["red apples"]


def test_the_phrase_is_not_marked_where_it_is_the_whole_text() -> None:
    assert marked("red apples", "red apples").spans == []
    assert marked("red apples", "").spans == []
    assert marked("red apples", "pears").spans == []


def test_markup_stays_text() -> None:
    console = Console(file=None, width=80, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(marked("[link=http://x]:smile:[/]", ""))
    assert capture.get() == "[link=http://x]:smile:[/]\n"
