"""The browser of the tests: it clicks, and hears of errors and of requests."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

CLICKED = """<!doctype html><meta charset="utf-8"><title>t</title><p id="said">before</p>
<button onclick="document.getElementById('said').textContent = 'after'">Press</button>"""
ASKING = '<!doctype html><title>t</title><img src="http://127.0.0.1:9/a.png">'
WRONG = "<!doctype html><title>t</title><script>throw new Error('out of order')</script>"


def test_a_click_changes_a_page_that_asks_for_nothing(browser: Any, tmp_path: Path) -> None:
    page = tmp_path / "a page.html"
    page.write_text(CLICKED, encoding="utf-8")
    browser.open(page)
    assert browser.text("#said") == "before"
    browser.click("button")
    assert browser.text("#said") == "after"
    assert (browser.requests(), browser.network(), browser.errors()) == ([page.as_uri()], [], [])


def test_what_a_page_asks_of_a_network_is_seen_and_then_forgotten(browser: Any, tmp_path: Path) -> None:
    asking = tmp_path / "asking.html"
    asking.write_text(ASKING, encoding="utf-8")
    (tmp_path / "quiet.html").write_text(CLICKED, encoding="utf-8")
    browser.open(asking)
    assert browser.network() == ["http://127.0.0.1:9/a.png"]
    assert browser.requests() == [asking.as_uri(), "http://127.0.0.1:9/a.png"]
    browser.open(tmp_path / "quiet.html")
    assert (browser.network(), browser.errors()) == ([], [])


def test_an_error_of_a_page_is_heard(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "wrong.html").write_text(WRONG, encoding="utf-8")
    browser.open(tmp_path / "wrong.html")
    (error,) = browser.errors()
    assert "Uncaught Error: out of order" in error


@pytest.mark.parametrize(("ci", "outcome"), [("", {"skipped": 1}), ("true", {"errors": 1})])
def test_without_a_chromium_the_tests_are_skipped_but_fail_on_ci(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: dict[str, int]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CI", ci)
    pytester.makepyfile("def test_a_page(browser): pass")
    found = pytester.runpytest("-p", "headless", "-p", "no:xdist", "-p", "no:asyncio", "-rs")
    found.assert_outcomes(**outcome)
    found.stdout.fnmatch_lines(["*no chromium and chromedriver: on Debian*"])
