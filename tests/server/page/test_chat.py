"""The screen Chat: a question, a change that waits for yes and is undone, threads, no files."""

import pytest
from selenium.webdriver.common.keys import Keys
from served_page import Page

from taxonaut.state.ids import LabelId
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow


def send(page: Page, text: str) -> None:
    page.until("!document.querySelector('#send').hidden && !document.querySelector('#log .wait')")
    page.find("#words").send_keys(text, Keys.ENTER)


def test_a_question_is_answered_with_its_tools_folded_to_lines(page: Page) -> None:
    page.go("/chat?thread=questions")
    page.shows("Ask about the labels and their tree")
    send(page, "/under Sport")
    page.until("document.querySelector('.message.assistant')?.textContent.includes('Shoes')", 25)
    page.until("document.querySelector('.tools') && !document.querySelector('.tools').open")
    assert page.text(".tools summary") == "1 tool: list_children"
    page.driver.refresh()
    page.until("document.querySelectorAll('.message').length === 2")
    assert page.text(".message.person") == "/under Sport"
    assert page.text("#threads a[aria-current] .clip") == "questions"
    assert page.errors() == []


def test_a_change_waits_for_yes_and_is_undone(page: Page, shop: Workspace) -> None:
    pears = LabelId("pears")
    page.go("/chat?thread=changes")
    send(page, "/rename Green pears to Pears")
    page.until("document.querySelector('.proposal [data-answer=yes]')", 25)
    assert shop.index.label(pears).name == "Green pears", "nothing is written before yes"
    page.driver.refresh()
    page.until("document.querySelector('.proposal [data-answer=yes]') === document.activeElement")
    assert "waits for yes" in page.text("#threads")
    page.driver.execute_script("document.activeElement.blur()")
    page.press("n")
    page.shows("Nothing was changed")
    assert shop.index.label(pears).name == "Green pears"
    send(page, "/rename Green pears to Pears")
    page.until("document.querySelector('.proposal [data-answer=yes]') === document.activeElement", 25)
    page.press(Keys.ENTER)
    page.until("document.querySelector('.toast button')")
    assert shop.index.label(pears).name == "Pears"
    page.click(".toast button")
    page.shows("The change was undone")
    assert shop.index.label(pears).name == "Green pears"


def test_no_file_of_the_machine_is_read_and_errors_are_sentences(page: Page, shop: Workspace) -> None:
    page.go("/chat?thread=files")
    send(page, "/label /etc/hostname")
    page.shows("no file can be read or written here", 25)
    send(page, "/undr Sport")
    page.shows("did you mean")


def test_a_thread_is_begun_and_deleted(page: Page) -> None:
    page.go("/chat")
    page.until("document.querySelector('#threads a')")
    page.click("#new-thread")
    page.find("dialog input").send_keys(Keys.CONTROL, "a", Keys.NULL, "pears and apples", Keys.ENTER)
    page.until("document.querySelector('#thread-title').textContent === 'pears and apples'")
    assert page.driver.current_url.endswith("?thread=pears+and+apples")
    send(page, "/about")
    page.until("document.querySelector('.message.assistant')", 25)
    page.until("!document.querySelector('#delete-thread').hidden")
    page.click("#delete-thread")
    page.click("dialog button.danger")
    page.shows("The thread was deleted")
    page.until(
        "![...document.querySelectorAll('#threads a')].some((each) => each.textContent.includes('pears and apples'))"
    )
