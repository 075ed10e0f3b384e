"""Where a text goes, why not elsewhere, single steps, and what that cost."""

from collections.abc import Callable
from typing import Any

import pytest

from taxonaut.state.errors import InputError


def test_a_text_gets_its_labels_with_paths(say: Callable[..., Any]) -> None:
    found = say("/where over-ear headphones")
    first = found.text.splitlines()[0]
    assert first.startswith("1. Electronics > Audio > Headphones > Over-ear headphones  ")
    assert first.endswith("  “over-ear headphones”")
    assert found.data["labels"][0]["id"] == "ob"
    assert found.focus.text == "over-ear headphones"
    assert found.focus.labels[0] == "ob"
    assert found.foreign


def test_why_says_what_was_chosen_and_where_the_other_one_was(say: Callable[..., Any]) -> None:
    say("/where over-ear headphones")
    told = say("/why not under Audio")
    lines = told.text.splitlines()
    assert lines[0].startswith(
        "“over-ear headphones” went to Electronics > Audio > Headphones > Over-ear headphones"
    )
    assert lines[-1].startswith("Electronics > Audio: it was opened, scored ")
    assert "the best of it is 'Over-ear headphones', place 1" in lines[-1]
    assert told.data["asked"]["rank"] == 1
    assert 3 <= len(lines) <= 6


def test_why_walks_a_text_that_was_not_walked(say: Callable[..., Any]) -> None:
    told = say("/why bird cages not in Electronics")
    assert told.data["chosen"]["id"] == "ca"
    assert told.data["asked"]["path"] == ["Electronics"]
    assert told.focus.text == "bird cages"


@pytest.mark.parametrize(
    "line", ["/why not under Pets", "/why not Pets", "/why under Pets", "/why not in Pets"]
)
def test_why_reads_what_is_asked(say: Callable[..., Any], line: str) -> None:
    say("/where earbuds")
    assert say(line).data["asked"]["path"] == ["Pets"]


def test_a_label_in_the_answer_has_its_place(say: Callable[..., Any]) -> None:
    say("/where earbuds")
    asked = say("/why not Speakers").data["asked"]
    assert asked["fate"] in ("found", "ranked low", "not opened")
    assert asked["said"]


def test_one_step_of_a_walk(say: Callable[..., Any]) -> None:
    step = say("/open Electronics | audio headphones")
    assert step.data["chosen"][0]["name"] == "Audio"
    assert say("/open Electronics audio headphones").data["text"] == "audio headphones"
    with pytest.raises(InputError, match="has no branches"):
        say("/open Headphones | earbuds")


def test_a_few_labels_in_order(say: Callable[..., Any]) -> None:
    ranked = say("/rank earbuds | Speakers | Earbuds")
    assert ranked.data["ranked"][0]["id"] == "ib"
    with pytest.raises(InputError, match="1 different labels"):
        say("/rank earbuds | Earbuds | Earbuds")


def test_the_cost_of_that_of_the_thread_and_of_today(say: Callable[..., Any]) -> None:
    assert say("/cost").text == "the last run: nothing was asked of a model"
    say("/where earbuds")
    that = say("/cost")
    assert that.text.startswith("that (classify): ")
    assert that.text.endswith("no language model was asked: an encoder on this machine answered")
    asked = that.data["comparisons"]
    say("/open Electronics | earbuds")
    assert say("/cost").data["comparisons"] == 1
    for period in ("thread", "today", "all", "last week"):
        assert say(f"/cost {period}").data["comparisons"] == asked + 1
    assert say("/cost yesterday").data["comparisons"] == 0
