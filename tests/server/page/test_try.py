"""The screen Try, used as a person does: a text, its evidence, what is right; a file and its table."""

import io
import zipfile
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from served_page import Page

from taxonaut.state.ids import LabelId
from taxonaut.state.records import as_item
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

TEXT = "light running shoes for women"


def truth(shop: Workspace, text: str) -> tuple[tuple[LabelId, ...], tuple[LabelId, ...]]:
    unit = unit_key(as_item(text))
    found = shop.ledger.truths([unit]).get(unit)
    return (found.right, found.wrong) if found else ((), ())


def test_a_text_gets_labels_with_marked_evidence_a_walk_and_other_methods(page: Page) -> None:
    page.go("/try")
    page.find("#text").send_keys(TEXT, Keys.CONTROL, Keys.ENTER)
    page.shows("Dense retrieval")
    page.until("document.querySelector('#others ol li')")
    assert page.text("#found .name") == "Running shoes"
    assert page.driver.current_url.endswith("/try?text=light+running+shoes+for+women")
    walk = page.text("#walk")
    assert "Sport" in walk
    assert "1. Running shoes" in walk
    assert "Running shoes" in page.text("#others")
    page.driver.execute_script("document.querySelector('#found li').focus()")
    assert page.text("#marked mark.own") in TEXT
    page.driver.get(page.address + "/try?text=red+apples")
    page.shows("Red apples")
    page.driver.back()
    page.until("document.querySelector('#found .name')?.textContent === 'Running shoes'")
    assert page.errors() == []


def test_right_wrong_and_should_be_become_gold_and_are_taken_back(page: Page, shop: Workspace) -> None:
    page.go("/try?text=" + TEXT.replace(" ", "+"))
    page.until("document.querySelector('#found li[data-at]')")
    page.press("j", "y")
    page.shows("Kept as right: Running shoes")
    assert truth(shop, TEXT) == (("shoes",), ())
    page.press("j", "n")
    page.shows("Kept as wrong")
    assert truth(shop, TEXT)[0] == ("shoes",)
    assert len(truth(shop, TEXT)[1]) == 1
    page.driver.find_elements("css selector", ".toast button")[-1].click()
    page.shows("1 right, 0 wrong")
    assert truth(shop, TEXT) == (("shoes",), ())
    page.press("s")
    page.press("tents")
    page.until("document.querySelector('[role=option]')?.textContent.includes('Family tents')")
    page.press(Keys.ENTER)
    page.shows("2 right, 0 wrong")
    assert set(truth(shop, TEXT)[0]) == {"shoes", "tents"}
    page.go("/try?text=" + TEXT.replace(" ", "+"))
    page.shows("2 right, 0 wrong")  # what was said is shown again
    shop.take_back(TEXT, person="Ada")


def test_without_the_token_nothing_can_be_said(page: Page, served: str) -> None:
    page.go("/")
    page.driver.delete_all_cookies()
    try:
        page.go("/try?text=red+apples")
        page.until("document.querySelector('#found li[data-at]')")
        assert page.find("#should-be").get_attribute("disabled")
        page.press("j", "y")
        page.shows("open the link with the token")
    finally:
        page.driver.get(f"{served}/#token=a-token-for-the-tests")
        page.until("document.body.dataset.mayChange === 'yes'")


def test_a_file_becomes_a_table_to_download(page: Page, upload: Path) -> None:
    page.go("/try")
    page.find("#file").send_keys(str(upload))
    page.shows("2 texts labelled", 60)
    rows = [row.text for row in page.find_all("#rows tbody tr")]
    assert len(rows) == 2
    assert "fast running shoes" in rows[0]
    links = [link.get_attribute("href") for link in page.find_all("#file-do a")]
    table = httpx.get(links[0]).text.splitlines()
    assert table[0].startswith("sku,price,text,label_1,label_id_1,path_1,score_1") or table[0].startswith(
        "id,sku"
    )
    assert "'=1+1" in table[1], "no cell runs as a formula"
    assert "Running shoes" in table[1]
    book = zipfile.ZipFile(io.BytesIO(httpx.get(links[1]).content))
    assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
    page.driver.refresh()
    page.shows("2 texts labelled")  # the address leads back to it


def test_a_text_dropped_on_the_page_is_looked_at(page: Page) -> None:
    page.go("/try")
    page.driver.execute_script(
        "const data = new DataTransfer(); data.setData('text', 'green pears');"
        "document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}))"
    )
    page.shows("Green pears")
    ActionChains(page.driver).move_to_element(page.find("#found li")).perform()
    page.until("document.querySelector('#marked mark.own')")
