"""`taxonaut feedback`: what is said about items, what holds, and who contradicts whom."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("embedder")

ITEMS = """\
id,text,labels,wrong
1,boots for hikes,boots,
2,tent for six,Family tents,tents?
3,sour apples,apples,
4,sour apples,pears,
5,nothing,,
"""


@pytest.fixture
def feedback(run: Any, shop: Path, tmp_path: Path) -> Callable[..., Any]:
    """Call a command of feedback on a shop; `items.csv` is in the test's folder."""
    (tmp_path / "items.csv").write_text(ITEMS, encoding="utf-8")
    return lambda *arguments: run("feedback", *arguments, "-w", shop)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "items.csv"


def plain(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def test_a_file_is_added_once_and_its_contradictions_are_told(
    feedback: Callable[..., Any], file: Path, shop: Path
) -> None:
    assert feedback("list").err == "nothing is known yet; add labelled items: taxonaut feedback add FILE\n"
    done = feedback("add", file)
    assert (done.code, done.out) == (0, "")
    assert plain(done.err) == [
        "note: gold labels were matched by name (1)",
        "4 items, 4 of them new or changed; nothing is said of 1 without labels; 1 item with the text of another",
        f"2 labels contradicted, and left out of learning: taxonaut feedback conflicts -w {shop}",
    ]
    assert json.loads(feedback("add", file, "--json").out) == {"items": 4, "new": 0, "conflicts": 2}
    assert plain(feedback("list", "-q").out) == [
        "text right answered and wrong missed",
        "boots for hikes Hiking boots not walked",
        "tent for six Family tents not walked",
        "sour apples not walked",
    ]
    (first, *_) = json.loads(feedback("list", "--json").out)
    assert (first["item_ids"], first["right"], first["complete"], first["run_id"]) == (
        ["1"],
        ["boots"],
        True,
        None,
    )
    assert plain(feedback("conflicts", "-q").out)[1:] == [
        "3 sour apples Red apples items.csv (gold file): right of 3; items.csv (gold file): wrong of 4",
        "3 sour apples Green pears items.csv (gold file): wrong of 3; items.csv (gold file): right of 4",
    ]


def test_people_correct_each_other_and_themselves(
    feedback: Callable[..., Any], file: Path, shop: Path
) -> None:
    feedback("add", file)
    done = feedback("correct", 1, "--right", "Running shoes", "--wrong", "boots", "--person", "anna")
    assert plain(done.out) == ["right Running shoes", "wrong Hiking boots", "any other label is wrong"]
    again = feedback("correct", 1, "--right", "shoes", "--wrong", "boots", "--person", "anna")
    assert again.err == "anna said so already\n"
    other = feedback("correct", 1, "--right", "boots", "--person", "bob", "--json")
    assert json.loads(other.out) == {
        "item_id": "1",
        "is_new": True,
        "right": ["shoes"],
        "wrong": [],
        "complete": True,
        "conflicts": ["boots"],
    }
    history = plain(feedback("list", 1).out)
    assert [line.partition(" ")[2] for line in history[:4]] == [
        "items.csv (gold file): right Hiking boots",
        "anna (review): right Running shoes",
        "anna (review): wrong Hiking boots",
        "bob (review): right Hiking boots",
    ]
    assert history[4:] == ["right Running shoes", "contradicted Hiking boots", "any other label is wrong"]
    assert [each["person"] for each in json.loads(feedback("conflicts", "--json").out)[0]["said"]] == [
        "anna",
        "bob",
    ]
    assert feedback("correct", 1, "--take-back", "--person", "bob").code == 0
    assert "wrong" in feedback("list", 1).out
    settled = feedback("correct", 4, "--right", "apples", "--only", "-q")
    assert (settled.out, len(json.loads(feedback("conflicts", "--json").out))) == ("", 0)


def test_a_person_s_file_may_say_little(feedback: Callable[..., Any], file: Path, tmp_path: Path) -> None:
    some = tmp_path / "checked.csv"
    some.write_text(
        "id,text,labels,wrong\n1,boots for hikes,,shoes;pears\n2,tent for six,tents,\n", encoding="utf-8"
    )
    partial = ("--person", "anna", "--partial", "--wrong-column", "wrong")
    assert json.loads(feedback("add", some, *partial, "--json").out) == {"items": 2, "new": 2, "conflicts": 0}
    one, two = json.loads(feedback("list", "--json").out)
    assert (one["right"], one["wrong"], one["complete"]) == ([], ["shoes", "pears"], False)
    assert (two["right"], two["complete"]) == (["tents"], False)
    feedback("add", file)
    assert json.loads(feedback("list", 1, "--json").out)["right"] == ["boots"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "items.csv", "--wrong-column", "wrong"), "--wrong-column needs --partial"),
        (("add", "items.csv", "--partial", "--wrong-column", "bad"), "there is no column 'bad'"),
        (
            ("add", "items.csv", "--partial", "--wrong-column", "wrong"),
            "matches no label of the index: 'tents?' (items.csv, line 3; nearest is 'tents' (Family tents))",
        ),
        (("add", "items.csv", "--labels-column", "text"), "4 gold labels match no label of the index"),
        (("add", "items.csv", "--weight", "-1"), "item '1' has the weight -1.0"),
        (("correct", "9", "--right", "boots"), "no item '9' in this workspace"),
        (("correct", "1", "--right", "boot", "--take-back"), "--take-back takes back all that was said"),
        (("list", "9"), "no item '9' in this workspace"),
    ],
)
def test_what_is_refused(
    feedback: Callable[..., Any],
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(file.parent)
    called = feedback(*arguments)
    assert called.code == 2
    assert message in called.err
    assert feedback("list").out == ""


def test_an_experts_answers_count_where_nobody_else_says_anything(
    feedback: Callable[..., Any], file: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.csv"
    answers.write_text("id,text,labels\n1,boots for hikes,shoes\n9,a quick run,shoes\n", encoding="utf-8")
    assert feedback("add", answers, "--expert", "big", "--weight", "0.3", "-q").code == 0
    assert [row["right"] for row in json.loads(feedback("list", "--json").out)] == [["shoes"], ["shoes"]]
    feedback("add", file, "-q")
    known = {row["item_ids"][0]: row["right"] for row in json.loads(feedback("list", "--json").out)}
    assert (known["1"], known["9"]) == (["boots"], ["shoes"])
    history = json.loads(feedback("list", "9", "--json").out)["said"]
    assert (history[0]["source"], history[0]["person"], history[0]["weight"]) == ("expert", "big", 0.3)
    answers.write_text("id,text,labels\n9,a quick run,boots\n", encoding="utf-8")
    feedback("add", answers, "--expert", "other", "-q")
    assert len(json.loads(feedback("conflicts", "--json").out)) == 2 + 2, "two experts against each other"
    assert "two sources" in feedback("add", answers, "--expert", "big", "--person", "anna").err
    assert "given by nobody" in feedback("add", answers, "--expert", " ").err
