"""A page of a running service in the headless Chromium."""

from headless import Browser
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait


class Page(Browser):
    """A page of the service, as a person with the token and a name sees it."""

    def __init__(self, driver: WebDriver, address: str) -> None:
        super().__init__(driver)
        self.address = address

    def go(self, path: str) -> None:
        """Open a path of the service."""
        self.open(self.address + path)

    def until(self, script: str, seconds: float = 15.0) -> object:
        """Wait until a script's value is true, and return it."""
        wait = WebDriverWait(self.driver, seconds, poll_frequency=0.05)
        return wait.until(lambda driver: driver.execute_script(f"return {script}"), f"not true: {script}")

    def shows(self, words: str, seconds: float = 15.0) -> None:
        """Wait until the page shows some words."""
        self.until(f"document.body.innerText.includes({words!r})", seconds)

    def press(self, *keys: str) -> None:
        """Press keys on what has the focus."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
