"""The tree as a person uses it: opening, searching, moving by mouse and by keys, retiring, undoing, looking back."""

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from served_page import Page

from taxonaut.state.ids import EventId, LabelId
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ROWS = "[...document.querySelectorAll('#tree .item bdi')].map((each) => each.textContent)"
TOAST = "document.querySelector('.toast button')"


@pytest.fixture(autouse=True)
def _as_before(shop: Workspace) -> Iterator[None]:
    before = shop.index.version()
    yield
    for change in shop.index.events.changes():
        if change.id > before and not change.is_undone and "undo" not in change.operations:
            shop.index.undo_change(EventId(change.id))


def _open(page: Page, path: str = "/tree") -> None:
    page.go(path)
    page.until("document.querySelector('#tree .rows.ready .item')")


def _choose(page: Page, label: str, name: str) -> None:
    _open(page, f"/tree?label={label}")
    page.until(f"document.querySelector('.card-name')?.textContent === {name!r}")


def _agree(page: Page) -> None:
    page.until(
        "document.querySelector('dialog.wide button.main:not(:disabled), dialog.wide .row .danger:not(:disabled)')"
    )
    page.click("dialog.wide .row button:last-child")
    page.until("!document.querySelector('dialog[open]')")


def test_keys_open_close_and_choose(page: Page) -> None:
    _open(page)
    assert page.until(ROWS) == ["Sport", "Food"]
    page.find("#tree").send_keys(Keys.ARROW_RIGHT)
    page.until(f"{ROWS}.length === 4")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    page.until(f"{ROWS}.length === 6")
    page.press(Keys.ARROW_DOWN)
    page.until("document.querySelector('.card-name')?.textContent === 'Running shoes'")
    assert page.until("new URLSearchParams(location.search).get('label')") == "shoes"
    active = page.find("#tree").get_attribute("aria-activedescendant")
    assert page.find(f"#{active}").get_attribute("aria-level") == "3"
    page.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.until(f"{ROWS}.length === 4")
    assert page.errors() == []


def test_a_search_leads_to_the_label(page: Page) -> None:
    _open(page)
    page.press("/")
    page.press(*"pears")
    page.until("document.querySelector('#search .found li')")
    page.press(Keys.ENTER)
    page.until("document.querySelector('.card-name')?.textContent === 'Green pears'")
    assert page.until(ROWS) == ["Sport", "Food", "Fruit", "Red apples", "Green pears"]
    page.driver.back()
    page.until("!location.search.includes('label')")


def test_dragging_moves_after_yes_and_the_message_undoes(page: Page, shop: Workspace) -> None:
    _choose(page, "tents", "Family tents")
    rows = {row.text.split("\n")[0]: row for row in page.find_all("#tree .item")}
    drag = ActionChains(page.driver, duration=20)
    drag.click_and_hold(rows["Family tents"]).move_by_offset(0, 12)
    drag.move_to_element(rows["Food"]).release().perform()
    page.shows("Move “Family tents” under “Food”")
    assert shop.index.paths(LabelId("tents")) == [("Sport", "Camping", "Family tents")]
    _agree(page)
    assert shop.index.paths(LabelId("tents")) == [("Food", "Family tents")]
    page.until(TOAST)
    page.click(".toast button")
    page.shows("Undone.")
    assert shop.index.paths(LabelId("tents")) == [("Sport", "Camping", "Family tents")]


def test_cut_and_paste_moves_by_keys(page: Page, shop: Workspace) -> None:
    _choose(page, "pears", "Green pears")
    page.find("#tree").send_keys("x")
    page.until("document.querySelector('.item.cut')")
    page.press(Keys.HOME)
    page.until("document.querySelector('.item.current bdi').textContent === 'Sport'")
    page.press("v")
    page.shows("Move “Green pears” under “Sport”")
    _agree(page)
    assert shop.index.paths(LabelId("pears")) == [("Sport", "Green pears")]


def test_rename_add_merge_split_retire_and_restore(page: Page, shop: Workspace) -> None:
    _choose(page, "apples", "Red apples")
    page.press(Keys.F2)
    page.press(*"Apples", Keys.ENTER)
    _agree(page)
    page.until("document.querySelector('.card-name')?.textContent === 'Apples'")

    page.press("n")
    page.find("dialog input[name=name]").send_keys("Russet <b>apples</b>", Keys.ENTER)
    _agree(page)
    page.until("document.querySelector('.card-name')?.textContent === 'Russet <b>apples</b>'")

    page.press("e")
    page.until("document.querySelector('dialog.pick input')")
    page.press(*"pears")
    page.until("document.querySelector('dialog.pick .found li')")
    page.press(Keys.ENTER)
    _agree(page)
    page.until("document.querySelector('.card-name')?.textContent === 'Green pears'")
    page.shows("What became part of it")

    page.press("s")
    page.find("dialog textarea").send_keys("Conference\nAbate")
    page.click("dialog button.main")
    _agree(page)
    page.shows("Restore")
    assert shop.index.is_retired(LabelId("pears"))

    page.click(".actions button")
    _agree(page)
    page.until("document.querySelector('.actions button')?.textContent.startsWith('Rename')")
    assert shop.index.has_label(LabelId("pears"))

    page.press(Keys.DELETE)
    page.click("dialog button.main")
    _agree(page)
    page.shows("Retired on")
    assert page.errors() == []


def test_a_change_made_meanwhile_is_told_and_looked_at_again(page: Page, shop: Workspace) -> None:
    _choose(page, "boots", "Hiking boots")
    page.press(Keys.F2)
    page.find("dialog input[name=name]").send_keys(Keys.END, " and more", Keys.ENTER)
    page.until("document.querySelector('dialog.wide button.main:not(:disabled)')")
    shop.rename_label("tents", "Tents")
    page.click("dialog.wide button.main")
    page.shows("nothing was changed")
    page.click("dialog.wide button.main")
    page.until("document.querySelector('dialog.wide .diff')")
    _agree(page)
    assert shop.index.label(LabelId("boots")).name == "Hiking boots and more"


def test_changes_are_compared_side_by_side_and_undone(page: Page, shop: Workspace) -> None:
    shop.rename_label("shoes", "Trainers")
    shop.move_label("tents", "Food")
    page.go("/changes")
    page.until("document.querySelector('#diff tbody tr')")
    assert page.text("#diff tbody tr").split() == ["moved", "Family", "tents", "Sport›Camping", "Food"]
    page.press("j")
    page.until("document.querySelector('#diff tbody').innerText.includes('Trainers')")
    page.click('#log li:nth-child(3) [data-end="before"]')
    page.until("document.querySelectorAll('#diff tbody tr').length === 1")
    page.click('#log li:first-child [data-end="after"]')
    page.until("document.querySelectorAll('#diff tbody tr').length === 2")
    page.driver.back()
    page.until("document.querySelectorAll('#diff tbody tr').length === 1")
    page.click("#log li:first-child a")
    page.until("document.querySelector('#diff button[type=button] kbd')")
    page.press("z")
    page.shows("Undo change")
    _agree(page)
    page.until("document.querySelector('#log li:nth-child(2)')?.innerText.includes('undone')")
    assert shop.index.paths(LabelId("tents")) == [("Sport", "Camping", "Family tents")]
    assert page.errors() == []
