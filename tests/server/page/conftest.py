"""One small workspace that is served to all tests of a module, and one Chromium with the session of its token."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait
from served_page import Page
from serving import TOKEN, make_workspace, running

from taxonaut.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The workspace that is served; a test that changes it takes its change back."""
    with make_workspace(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture(scope="module")
def served(shop: Workspace) -> Iterator[str]:
    """The address of the service."""
    with running(shop) as address:
        yield address


@pytest.fixture(scope="module")
def _session(chromium: WebDriver, served: str) -> Iterator[None]:
    chromium.get(f"{served}/#token={TOKEN}")
    WebDriverWait(chromium, 15, poll_frequency=0.05).until(
        lambda driver: driver.execute_script("return document.body.dataset.mayChange === 'yes'")
    )
    chromium.execute_script("localStorage.setItem('person', 'Ada')")
    yield
    chromium.delete_all_cookies()


@pytest.fixture
def page(chromium: WebDriver, served: str, _session: None) -> Page:
    """A page that has done nothing yet."""
    fresh = Page(chromium, served)
    fresh.forget()
    return fresh


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """A small file of texts, with a cell that looks like a formula."""
    file = tmp_path / "items.csv"
    file.write_text(
        "sku,price,text\n7,=1+1,fast running shoes\n8,2,a tent for the family\n", encoding="utf-8"
    )
    return file
