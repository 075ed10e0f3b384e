"""What holds of every screen: axe-core's rules, and names that attack are text and break nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from served_page import Page
from serving import make_workspace

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.review.suspects import Suggestion, Suspect
from taxonaut.workspace.vocabulary.item_map import draw_map
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

SCREENS = {
    "home": ("/", "document.querySelector('#next')"),
    "review": ("/review", "document.querySelector('#choices button')"),
    "runs": ("/runs", "document.querySelector('#jobs p, #jobs li b')"),
    "a run": ("/runs?run=1", "document.querySelector('#run-body .decision')"),
    "measures": ("/measures", "!document.querySelector('#main .wait')"),
    "try": ("/try", "document.querySelector('#text')"),
    "tree": ("/tree", "document.querySelector('#tree .rows.ready .item')"),
    "a label": ("/tree?label=l0", "document.querySelector('#card .card-name')"),
    "search": ("/tree?q=shoes", "document.querySelector('#search .found li')"),
    "changes": ("/changes", "document.querySelector('#diff tbody tr')"),
    "chat": ("/chat", "document.querySelector('#threads a')"),
    "map": ("/map?of=labels", "!document.querySelector('#map').hidden"),
    "a text": ("/try?text=shoes", "document.querySelector('#others ol li')"),
}
"""Address of each screen, and what is true once it shows something."""

SCRIPT = "<script>document.title='run'</script><img src=x onerror=document.title='run'>"
NAMES = (
    f"{SCRIPT} shoes",
    "\x1b[31mred\x1b[0m shoes \u202eesrever\u202c",
    "{{ 7*7 }} ${7*7} `x` shoes",
    "shoes" * 1_000,
    "أحذية shoes 靴 👟",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with names that attack."""
    quoted = ['"' + name.replace('"', '""').replace("\x1b", "") + '"' for name in NAMES]
    lines = [f'l{at},{name},"About {name[1:]}' for at, name in enumerate(quoted)]
    with make_workspace(
        tmp_path_factory.mktemp("poisoned"), "\n".join(["id,name,description", *lines, ""])
    ) as made:
        made.build_index("kmeans", terminal_size=2)
        made.items.put([Item(ItemId(f"i{at} {SCRIPT}"), name) for at, name in enumerate(NAMES)])
        made.classify(list(NAMES))
        suggested = tuple(Suggestion(LabelId(f"l{at}"), (name,), 0.1) for at, name in enumerate(NAMES))
        items = [Item(ItemId(f"r{at} {SCRIPT}"), name) for at, name in enumerate(NAMES)]
        made.review_queue().put(
            "errors",
            [Suspect(item, (LabelId("l0"),), ((NAMES[0],),), suggested, 0.9, NAMES) for item in items],
        )
        draw_map(made, "labels")
        draw_map(made, "items")
        yield made


@pytest.mark.parametrize("screen", SCREENS)
def test_names_that_attack_are_text_and_break_nothing(page: Page, screen: str) -> None:
    address, ready = SCREENS[screen]
    page.go(address)
    page.until(ready)
    assert page.driver.execute_script("return document.title") != "run"
    assert not page.find_all("main script, main img[src=x]")
    wide = page.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], "the body scrolls sideways"
    assert page.errors() == []
    assert all(asked.startswith((page.address, "about:", "data:", "blob:")) for asked in page.requests())


@pytest.mark.parametrize("screen", SCREENS)
def test_a_narrow_window_does_not_scroll_sideways(page: Page, screen: str) -> None:
    address, ready = SCREENS[screen]
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.go(address)
        page.until(ready)
        assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 360
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(page: Page, screen: str) -> None:
    from axe_selenium_python import Axe

    address, ready = SCREENS[screen]
    page.go(address)
    page.until(ready)
    axe = Axe(page.driver)
    axe.inject()
    found = [each for each in axe.run()["violations"] if not _is_a_combobox(each)]
    assert not found, axe.report(found)


def _is_a_combobox(violation: dict[str, Any]) -> bool:
    """Whether this old axe only says that a text field may be no combobox, which ARIA 1.2 made the pattern."""
    return violation["id"] == "aria-allowed-role" and all(
        "combobox" in check["message"]
        for node in violation["nodes"]
        for check in [*node["any"], *node["all"], *node["none"]]
    )
