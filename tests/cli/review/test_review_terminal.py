"""`taxonaut review` at a terminal: keys, search, undo, stop and continue, a kill."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal_screen import Played

from taxonaut import Workspace
from taxonaut.state.ids import ItemId

pytestmark = pytest.mark.slow

KEYS = "k keep   n none of these   ? cannot tell   s skip   / search   u undo   q stop"

Start = Callable[..., Played]


@pytest.fixture
def start(queued: Path) -> Iterator[Start]:
    """Start reviews of the shop's queue; they are closed at the end."""
    if importlib.util.find_spec("pexpect") is None:
        pytest.skip("pexpect is not installed")
    started: list[Played] = []

    def begin(person: str = "anna") -> Played:
        command = [sys.executable, "-m", "taxonaut", "review", "-w", str(queued), "--person", person]
        started.append(Played(command, env=dict(os.environ), patience_s=180))
        started[-1].wait_for(KEYS)
        return started[-1]

    yield begin
    for each in started:
        each.close()


def press(review: Played, keys: str, times: int = 1) -> str:
    """Press keys, wait for as many screens, and return the last one."""
    before = review.screen.text().count(KEYS)
    review.send(keys)
    review.wait(lambda shown: shown.count(KEYS) >= before + times)
    return review.screen.text().rpartition("review by ")[2]


def rights(folder: Path) -> dict[str, tuple[str, ...]]:
    with Workspace.open(folder) as workspace:
        return {each.item: each.right for each in workspace.ledger.truths().values()}


def test_a_review_from_the_first_key_to_the_last(start: Start, queued: Path) -> None:
    review = start()
    shown = review.screen.text()
    assert "review by anna: 0 done now; 3 open, 0 answered" in shown
    assert "one   likely wrong: 90 %" in shown
    assert "label now  Sport > Shoes > Running shoes" in shown
    assert "why        it looks odd" in shown
    assert "1  Food > Fruit > Red apples" in shown
    assert "there is no 7; / searches labels" in press(review, "7")
    assert "'x' is no key here" in press(review, "x")
    assert "one: now Fruit > Red apples" in press(review, "1")
    undone = press(review, "u")
    assert "taken back: decide again" in undone
    assert "crisp red apples" in undone

    review.send("/")
    review.wait_for("search labels")
    assert "1  Food > Fruit > Green pears" in press(review, "pears\r")
    assert "one: now Fruit > Green pears" in press(review, "1")
    assert "two: skipped" in press(review, "s")
    long_one = press(review, "s")
    assert "two   likely wrong" in long_one
    review.send("q")
    assert review.ended() == 0
    assert "go on: taxonaut review --person anna" in review.screen.text()


def test_keys_typed_ahead_count_and_a_kill_loses_nothing(start: Start, queued: Path) -> None:
    review = start()
    press(review, "1k", times=2)
    assert "18 more lines: m" in review.screen.text()
    review.close()
    assert rights(queued) == {}
    again = start()
    assert "1 open, 2 answered" in again.screen.text()
    assert "more lines" not in press(again, "m")
    again.send("k")
    assert again.ended() == 0
    assert "1 decision kept, 0 items left" in again.screen.text()
    assert rights(queued) == {"one": ("apples",), "two": ("shoes",), "three": ("apples",)}
    with Workspace.open(queued) as workspace:
        assert [each.person for each in workspace.ledger.history(ItemId("one"))] == ["anna"]


def test_two_people_at_once_get_no_doubles(start: Start, queued: Path) -> None:
    anna, ben = start(), start("ben")
    assert "two   likely wrong" in ben.screen.text()
    ben.send("\x03")
    assert ben.ended() == 0
    assert "three   likely wrong" in press(anna, "1")
