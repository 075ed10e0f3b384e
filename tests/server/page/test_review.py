"""The screen Review, used as people do: by keys, by several at once, over an interruption."""

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from served_page import Page

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.review.suspects import Suggestion, Suspect
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

SUGGESTED = (
    Suggestion(LabelId("shoes"), ("Sport", "Shoes", "Running shoes"), 0.6),
    Suggestion(LabelId("boots"), ("Sport", "Shoes", "Hiking boots"), 0.3),
)


def suspect(number: int) -> Suspect:
    """An item that is labelled apples, and looks like shoes."""
    path = ("Food", "Fruit", "Red apples")
    item = Item(ItemId(f"i{number}"), f"text number {number}")
    return Suspect(item, (LabelId("apples"),), (path,), SUGGESTED, 0.9, ("a reason",))


def key_of(number: int) -> str:
    return unit_key(suspect(number).item)


@pytest.fixture
def queue(shop: Workspace, page: Page) -> Workspace:
    """The workspace with twelve open items, whatever was decided before."""
    page.forget()
    (shop.folder / "review").mkdir(exist_ok=True)
    queue = shop.review_queue("Ada")
    while queue.undo():
        pass
    queue.release()
    queue.put("errors", [suspect(number) for number in range(12)])
    page.go("/review")
    page.until("document.querySelector('#choices button')")
    return shop


def said(shop: Workspace) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (each.item.suspect.item.id, each.decision.kind, tuple(each.decision.labels))
        for each in shop.review_queue().decisions()
    ]


def settled(page: Page, total: int) -> None:
    page.until(f"document.querySelector('#counts').textContent.startsWith('{total} decided')")
    count = "Object.values(r.decided).reduce((x, y) => x + y)"
    asked = "fetch('/api/review/summary').then(a => a.json())"
    page.until(f"{asked}.then(a => a.reviewers.reduce((n, r) => n + {count}, 0) === {total})")


def test_ten_items_by_keys_with_search_several_labels_and_undo(page: Page, queue: Workspace) -> None:
    body = page.find("body")
    assert page.text(".item .text") == "text number 0"
    assert "a reason" in page.text(".why")
    body.send_keys("1", "2", "k", "n", "u", "s")
    page.until("document.querySelector('.item .text')?.textContent === 'text number 6'")
    body.send_keys("z", "z")
    page.until("document.querySelector('.item .text')?.textContent === 'text number 4'")
    body.send_keys("n", "1")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys("12").key_up(Keys.SHIFT).perform()
    page.until("!document.querySelector('#these').hidden")
    body.send_keys(Keys.ENTER)
    page.until("document.querySelector('.item .text')?.textContent === 'text number 7'")
    body.send_keys("/")
    page.find("#search").send_keys("pears")
    page.until("document.querySelector('#choices').textContent.includes('Green pears')")
    page.find("#search").send_keys(Keys.ENTER)
    settled(page, 8)
    assert said(queue) == [
        ("i0", "label", ("shoes",)),
        ("i1", "label", ("boots",)),
        ("i2", "keep", ()),
        ("i3", "none", ()),
        ("i4", "none", ()),
        ("i5", "label", ("shoes",)),
        ("i6", "label", ("shoes", "boots")),
        ("i7", "label", ("pears",)),
    ]
    truths = queue.ledger.truths()
    assert truths[key_of(7)].right == ("pears",)
    assert page.errors() == []


def test_a_key_waits_for_nothing(page: Page, queue: Workspace) -> None:
    """The next item is drawn in the turn of the key, before any answer of the service."""
    drawn = page.driver.execute_script(
        "const press = key => document.dispatchEvent("
        "new KeyboardEvent('keydown', {key, code: 'Digit1', bubbles: true}));"
        "press('1'); const first = document.querySelector('.item .text').textContent;"
        "press('1'); return [first, document.querySelector('.item .text').textContent]"
    )
    assert drawn == ["text number 1", "text number 2"]
    settled(page, 2)


def test_what_others_have_is_not_given(page: Page, queue: Workspace) -> None:
    bea = queue.review_queue("Bea")
    taken = {each.key for each in bea.claim(4)}
    page.driver.refresh()
    page.until("document.querySelector('#choices button')")
    shown = page.text(".item .text")
    assert unit_key(Item(ItemId(f"i{shown.split()[-1]}"), shown)) not in taken
    assert bea.release() == len(taken) > 0


def test_the_tasks_go_out_and_answers_come_back(page: Page, queue: Workspace, tmp_path: Path) -> None:
    fetched = page.driver.execute_async_script(
        "fetch('/api/review/export?format=label-studio').then(a => a.json()).then(arguments[0])"
    )
    assert [task["data"]["id"] for task in fetched] == [f"i{number}" for number in range(12)]
    task = fetched[0]
    result = task["predictions"][0]["result"]
    file = tmp_path / "answers.json"
    file.write_text(json.dumps([{**task, "annotations": [{"completed_by": 7, "result": result}]}]))
    page.find("#answers-file").send_keys(str(file))
    page.shows("1 answers taken")
    assert said(queue) == [("i0", "label", ("shoes",))]
    queue.review_queue("7 (label-studio)").undo()
