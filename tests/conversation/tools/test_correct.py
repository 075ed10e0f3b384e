"""The tool `correct`: what the user says of an item is proposed, kept once, and taken back by saying so."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item

EARBUDS = "Electronics > Audio > Headphones > Earbuds"


@pytest.fixture
def item(shop_workspace: Any, monkeypatch: pytest.MonkeyPatch) -> Item:
    """Item 7 was labelled as earbuds; `anna` is the user of this computer."""
    monkeypatch.setenv("LOGNAME", "anna")
    item = Item(ItemId("7"), "white earbuds")
    shop_workspace.classify([item])
    return item


def held(workspace: Any) -> list[tuple[str, ...]]:
    """Who says what of which label, as it holds."""
    return [
        (label, said.verdict, said.source, said.person)
        for truth in workspace.ledger.truths().values()
        for label, said in truth.labels.items()
    ]


def test_a_correction_is_proposed_and_kept(shop_workspace: Any, say: Callable[..., Any], item: Item) -> None:
    version = shop_workspace.index.version()
    proposal = say("/correct 7 is Speakers")
    assert proposal.title == "item 7 is Electronics > Audio > Speakers"
    assert proposal.diff == (
        "item 7: white earbuds",
        "+ right: Electronics > Audio > Speakers",
        f"- wrong: {EARBUDS}",
    )
    assert held(shop_workspace) == []
    done = say("/correct 7 is Speakers", yes=True)
    assert (done.text, done.data["diff"]) == (
        "done: item 7 is Electronics > Audio > Speakers",
        list(proposal.diff),
    )
    assert held(shop_workspace) == [("sp", "right", "chat", "anna"), ("ib", "wrong", "chat", "anna")]
    assert shop_workspace.index.version() == version
    assert say("/correct 7 is Speakers").diff[-1] == "! you said so already"


def test_what_is_right_as_well_what_is_wrong_and_nothing_any_more(
    shop_workspace: Any, say: Callable[..., Any], item: Item
) -> None:
    say("/correct 7 is also Speakers", yes=True)
    assert held(shop_workspace) == [("sp", "right", "chat", "anna")]
    say("/correct 7 is not Speakers", yes=True)
    assert held(shop_workspace) == [("sp", "wrong", "chat", "anna")]
    say("/correct 7 is Cameras not Dog food", yes=True)
    assert held(shop_workspace)[1:] == [("cm", "right", "chat", "anna"), ("fo", "wrong", "chat", "anna")]
    say("/correct 7 is nothing", yes=True)
    assert held(shop_workspace) == []
    with pytest.raises(NotFoundError, match="'anna' said nothing about item '7'"):
        say("/correct 7 is nothing")


def test_other_people_are_not_overruled(shop_workspace: Any, say: Callable[..., Any], item: Item) -> None:
    shop_workspace.correct("7", wrong="Speakers", person="bob")
    assert say("/correct 7 is Speakers").diff[-1] == "! Speakers is contradicted by other people"


def test_a_call_is_kept_once(
    shop_tools: Any, shop_workspace: Any, say: Callable[..., Any], item: Item
) -> None:
    proposal = say("/correct 7 is Speakers")
    first = asyncio.run(shop_tools.apply(proposal))
    assert asyncio.run(shop_tools.apply(proposal)) == first
    assert len(shop_workspace.ledger.history(item.id)) == 2


def test_the_last_text_is_meant_without_another(
    shop_workspace: Any, shop_tools: Any, say: Callable[..., Any]
) -> None:
    from taxonaut.tools.support.chat_tool import ToolUse

    use = ToolUse("c1", "correct", {"label": "sp"})
    with pytest.raises(InputError, match="no text was looked at yet"):
        asyncio.run(shop_tools.preview(use))
    say("/where white earbuds")
    assert asyncio.run(shop_tools.preview(use)).title == "“white earbuds” is Electronics > Audio > Speakers"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/correct 7", "'7' does not say which item is what; write: /correct ITEM is LABEL"),
        ("/correct 7 is Speekers", "Speekers"),
    ],
)
def test_what_is_not_understood(say: Callable[..., Any], item: Item, line: str, message: str) -> None:
    with pytest.raises((InputError, NotFoundError), match=message):
        say(line)
