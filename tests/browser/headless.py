"""A headless Chromium for tests of pages, which tells what a page complained of and what it asked for."""

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1200,900",
)
OFFLINE = {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
"""Keep Selenium from looking for drivers and from sending statistics."""

LOCAL = ("file:", "data:", "blob:", "about:", "chrome:")
"""How addresses begin that no network is needed for."""


class Browser:
    """One page at a time: `driver` is Selenium's, the rest says what the page did since it was opened."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.seen: list[str] = []
        self.said: list[str] = []

    def open(self, page: Path | str) -> None:
        """Load a file or an address and wait for its load event; what earlier pages did is forgotten."""
        self.forget()
        self.driver.get(page.resolve().as_uri() if isinstance(page, Path) else page)

    def find(self, selector: str) -> Any:
        """The first element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def find_all(self, selector: str) -> list[Any]:
        """All elements of a CSS selector, in the order of the page."""
        return list(self.driver.find_elements("css selector", selector))

    def text(self, selector: str) -> str:
        """What a person reads in the first element of a CSS selector."""
        return str(self.find(selector).text)

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector."""
        self.find(selector).click()

    def errors(self) -> list[str]:
        """The errors in the console, uncaught exceptions among them."""
        self.said += [row["message"] for row in self.driver.get_log("browser") if row["level"] == "SEVERE"]
        return list(self.said)

    def requests(self) -> list[str]:
        """Every address that was asked for, the page's own first."""
        for row in self.driver.get_log("performance"):
            event = json.loads(row["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                self.seen.append(event["params"]["request"]["url"])
            elif event["method"] == "Network.webSocketCreated":
                self.seen.append(event["params"]["url"])
        return list(self.seen)

    def network(self) -> list[str]:
        """The addresses among `requests` that a network is needed for."""
        return [address for address in self.requests() if not address.startswith(LOCAL)]

    def forget(self) -> None:
        """Leave the page, and forget what it did."""
        self.driver.get("about:blank")
        self.errors(), self.requests()
        self.seen, self.said = [], []


def missing(reason: str) -> None:
    """Skip the test; where CI=true, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Selenium's driver of one Chromium, for all tests of a process."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        missing("no chromium and chromedriver: on Debian  apt-get install chromium chromium-driver")
    if importlib.util.find_spec("selenium") is None:
        missing("selenium is not installed: pip install 'taxonaut[dev]'")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary or ""
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        service = webdriver.ChromeService(executable_path=driver, log_output=subprocess.DEVNULL)
        started = webdriver.Chrome(options=options, service=service)
        started.set_page_load_timeout(60)
        yield started
        started.quit()


@pytest.fixture
def browser(chromium: Any) -> Browser:
    """A browser that has seen nothing yet."""
    fresh = Browser(chromium)
    fresh.forget()
    return fresh
