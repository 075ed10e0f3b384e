"""The screen Map: drawn by a job, named, looked at by mouse and by keys, said to be stale."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from served_page import Page

from taxonaut.workspace.vocabulary.item_map import draw_map, load_map
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

TEXTS = ("running shoes", "hiking boots", "a family tent", "red apples", "green pears")


def test_a_map_is_drawn_lassoed_and_said_to_be_stale(page: Page, shop: Workspace) -> None:
    page.go("/map?of=items")
    page.shows("There are no items to draw")
    shop.classify(list(TEXTS))
    page.go("/map")
    page.shows("There is no map of the items yet")
    page.click("#state button.main")
    page.shows("5 points by PCA", 60)
    assert [row.text for row in page.find_all("#beside tbody th, #beside tbody button")] == ["Sport", "Food"]
    page.click("#beside tbody button")
    page.shows("a family tent")
    page.click("#back")
    plane = page.find("#plane")
    plane.send_keys("0", Keys.ARROW_LEFT, Keys.ARROW_RIGHT, "+", "-", Keys.ENTER)
    page.shows("Try this text")
    plane.send_keys("0", "l")
    width, height = plane.size["width"] // 2 - 5, plane.size["height"] // 2 - 5
    drag = (
        ActionChains(page.driver, duration=20)
        .move_to_element_with_offset(plane, -width, -height)
        .click_and_hold()
    )
    for x, y in ((2 * width, 0), (0, 2 * height), (-2 * width, 0)):
        drag = drag.move_by_offset(x, y)
    drag.release().perform()
    page.shows("5 in the lasso")
    shop.classify(["blue jeans"])
    page.driver.refresh()
    page.shows("This map is older than the workspace: 1 item was added")
    assert page.errors() == []


def test_labels_are_drawn_and_names_that_fit_are_kept(shop: Workspace) -> None:
    drawn = draw_map(shop, "labels")
    assert load_map(shop.folder, "labels") == drawn
    assert (drawn.method, len(drawn.ids), drawn.left_out) == ("pca", 5, 0)
    assert [(place.name, place.level, place.parent, place.points) for place in drawn.places] == [
        ("Sport", 1, -1, 3),
        ("Food", 1, -1, 2),
        ("Shoes", 2, 0, 2),
        ("Fruit", 2, 1, 2),
        ("Camping", 2, 0, 1),
    ]
    assert max(map(abs, [*drawn.x, *drawn.y])) == pytest.approx(1)
