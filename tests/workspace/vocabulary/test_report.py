"""The page of a vocabulary: what is in it, that nobody's text becomes markup, and a walk through it."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxonaut.state.descriptors import ChangeProposal, RefinedGroup, Round, Tagging
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.graph_states.build_index import Centre
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.records import VOCABULARY, Item, Tree, TreeNode
from taxonaut.state.stores.taggings import Taggings
from taxonaut.workspace.vocabulary.report import LONGEST_TEXT, report_page, write_page
from taxonaut.workspace.vocabulary.report_data import load_facts, statistics_row
from taxonaut.workspace.vocabulary.vocabulary_agents import item_text
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

HOSTILE = "</script><script>window.broken = 1</script><!--<script>"
IMAGE = '<img src=x onerror="window.broken = 2">'
TEMPLATE = "{{ 7*7 }} %{label} \u2028 &lt;"
LINKED = "<b>Paper</b> <a href='http://127.0.0.1:9/'>here</a>"

DRAWN = [(0, "Pens"), (1, "Ballpoint " + HOSTILE), (1, "Fountain"), (0, LINKED), (0, TEMPLATE)]
"""Every descriptor's parent, by its place from 1, and its name; keys count from 1."""

PATHS = [(1, 2), (1, 2), (1, 3), (1,), (4,), (5,), (5,), ()]


def text(number: int) -> str:
    return (
        f"Item {number} {IMAGE if number < 4 else HOSTILE} \u2028 {'long ' * 200 if number == 1 else 'short'}"
    )


def fill(workspace: Workspace, *, history: bool = True) -> Workspace:
    """Eight items on five descriptors with names that would be markup; two groups were refined."""
    nodes = tuple(
        TreeNode(key, name, f"What {IMAGE} is.", includes=("ink " + HOSTILE,), excludes=(TEMPLATE,))
        for key, (_, name) in enumerate(DRAWN, start=1)
    )
    run = workspace.runs.open("vocabulary", "a build", {})
    edges = tuple((parent, key) for key, (parent, _) in enumerate(DRAWN, start=1))
    workspace.index.load_tree(Tree(VOCABULARY, nodes, edges, (), settings={"run": run} if history else {}))
    ids = dict(
        enumerate((n for n in workspace.index.snapshot().nodes if n != workspace.index.root()), start=1)
    )
    workspace.items.put([Item(ItemId(f"i{number}"), text(number)) for number in range(len(PATHS))])
    tags = [
        Tagging(ItemId(f"i{number}"), tuple(ids[key] for key in path), (ids[4],) if number == 0 else ())
        for number, path in enumerate(PATHS)
    ]
    Taggings(workspace.database).put(run, tags)
    angles = np.array([0, 90, 1, 45, 91, 2, 92, 0], dtype=np.float32) * np.pi / 180
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    read = [
        item_text(Item(ItemId(""), text(number)), workspace.config.vocabulary.characters)
        for number in range(len(PATHS))
    ]
    workspace.wiring.embeddings.put("drawn", read, vectors)
    if history:
        keep_history(workspace, run, ids)
    return workspace


def keep_history(workspace: Workspace, run: RunId, ids: dict[int, NodeId]) -> None:
    """The root's group saw two rounds, which added the last descriptor; that of Pens one."""
    added = ChangeProposal(
        "create", f"Templates fit nowhere {IMAGE}.", 2, (), Centre(TEMPLATE), approved=True, reason=HOSTILE
    )
    wider = ChangeProposal("expand", "Refills.", 3, (), Centre("Pens"), 0, False, "They are no pens.")
    odd = ChangeProposal("ignore", "an item like no other", 1, ())
    names = [Centre(name) for _, name in DRAWN]
    root = RefinedGroup(
        (names[0], names[3], names[4]),
        ((), (), ()),
        (),
        2,
        (Round(8, 5, (added, wider, odd, odd)), Round(8, 7)),
    )
    pens = RefinedGroup((names[1], names[2]), ((), ()), (), 2, (Round(4, 3),))
    made = {ids[1]: ("", 0), ids[4]: ("", 1), ids[5]: ("", 2), ids[2]: ("0", 0), ids[3]: ("0", 1)}
    units = {"": root.to_row(), "0": pens.to_row(), "made": {str(n): list(at) for n, at in made.items()}}
    workspace.runs.finish(run, units, [])
    workspace.runs.close(run, "finished")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "shop") as opened:
        yield opened


def data_of(page: str) -> dict[str, Any]:
    """The page's data; its element ends where it should, or this is no JSON."""
    found = re.search('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_nothing_anybody_wrote_is_markup(workspace: Workspace) -> None:
    page = report_page(fill(workspace), load_facts(workspace))
    own = page.replace(page[page.index("plotly.js v") : page.index("// What the page's parts share")], "")
    assert len(re.findall("<script", own)) == 4
    for hostile in (HOSTILE, "<script>window", "<!--", "<img src=x", "<b>Paper", "<a href='http"):
        assert hostile not in own
    assert "{{ 7*7 }} %{label}" in own
    assert "49 %" not in own
    assert "default-src 'none'" in own
    assert "http://" not in own.replace("http://127.0.0.1:9/", "")
    assert "\u2028" not in page[page.index('id="data"') :]
    data = data_of(page)
    assert [node["name"] for node in data["nodes"]] == [name for _, name in DRAWN]
    assert data["items"][0]["text"] == text(0)


def test_the_data_has_items_origins_and_rounds_and_says_what_is_left_out(workspace: Workspace) -> None:
    data = data_of(report_page(fill(workspace), load_facts(workspace), items=1))
    pens, ballpoint, _, linked, template = data["nodes"]
    assert (pens["items"], pens["parent"], pens["rounds"]) == (4, -1, [[4, 3]])
    assert (ballpoint["items"], ballpoint["parent"], ballpoint["sample"]) == (2, 0, [0])
    assert (linked["items"], linked["further"], linked["also"]) == (1, 1, [0])
    assert pens["origin"] == {"name": "Pens", "created": None, "expanded": []}
    assert template["origin"]["created"] == {
        "round": 1,
        "kind": "create",
        "name": TEMPLATE,
        "description": "",
        "problem": f"Templates fit nowhere {IMAGE}.",
        "size": 2,
        "approved": True,
        "reason": HOSTILE,
    }
    assert data["root"]["rounds"] == [[8, 5], [8, 7]]
    assert [change["approved"] for change in data["root"]["changes"]] == [True, False]
    assert (data["root"]["ignored"], pens["ignored"]) == ([[1, 2, 2]], [])
    long = next(
        item for item in data_of(report_page(workspace, load_facts(workspace)))["items"] if item["cut"]
    )
    assert (long["id"], len(long["text"]), long["cut"]) == ("i1", LONGEST_TEXT, len(text(1)) - LONGEST_TEXT)
    assert long["path"] == [0, 1]


def test_the_numbers_are_those_of_the_vocabulary(workspace: Workspace) -> None:
    row = statistics_row(load_facts(fill(workspace)))
    json.dumps(row)
    assert (row["items"], row["covered"], row["uncovered"], row["descriptors"]) == (8, 7, 1, 5)
    assert (row["coverage"], row["utilization"]) == (7 / 8, 4 / 5)
    assert [each["coverage"] for each in row["rounds"]] == [5 / 8, 7 / 8, 3 / 4]
    assert row["steps"] == [{"level": 1, "step": 1, "deltas": (25.0,), "mean": 25.0, "p_value": None}]
    assert [(each["path"][-1], each["items"]) for each in row["shared_paths"]] == [
        (DRAWN[1][1], 2),
        (TEMPLATE, 2),
    ]
    assert row["confused"] == []
    assert row["resolvers"] == (2 / 8, 1 / 8)


def test_a_vocabulary_without_a_history_says_so(workspace: Workspace) -> None:
    page = report_page(fill(workspace, history=False), load_facts(workspace))
    assert "This vocabulary has no history here" in page
    data = data_of(page)
    assert (data["history"], data["rounds"], data["steps"]) == (False, [], [])
    assert all(node["origin"] is None for node in data["nodes"])


def test_without_kept_vectors_the_page_says_so(workspace: Workspace) -> None:
    fill(workspace).items.put([Item(ItemId(f"i{number}"), f"another {number}") for number in range(8)])
    facts = load_facts(workspace)
    assert facts.confused is None
    assert "keeps no vectors of these items" in report_page(workspace, facts)


def test_errors_say_what_to_do(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="has no vocabulary yet; build one: taxonaut vocabulary build ITEMS"):
        load_facts(workspace)
    workspace.index.load_tree(Tree(VOCABULARY, (TreeNode(1, "Pens"),), ((0, 1),), ()))
    with pytest.raises(InputError, match=r"no item has been tagged .* taxonaut vocabulary assign ITEMS"):
        load_facts(workspace)
    facts = load_facts(fill(workspace))
    with pytest.raises(
        InputError, match=r"cannot write a report to 'a\.pdf': use the suffix \.html or \.htm"
    ):
        write_page(workspace, facts, "a.pdf")
    with pytest.raises(InputError, match="does not exist; create it first"):
        write_page(workspace, facts, str(tmp_path / "none" / "a.html"))
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'taxonaut\[report\]'"):
        write_page(workspace, facts, str(tmp_path / "a.html"))
    assert not (tmp_path / "a.html").exists()


def slices(browser: Any) -> list[str]:
    """The names in the drawing, outermost first; what a person reads."""
    return [each.get_attribute("textContent") for each in browser.find_all("#tree g.slice text")]


def test_one_clicks_through_the_page_down_to_an_item(
    workspace: Workspace, browser: Any, tmp_path: Path
) -> None:
    page = tmp_path / "vocabulary.html"
    write_page(fill(workspace), load_facts(workspace), str(page))
    browser.open(page)
    assert browser.text("#panel h2") == "All items"
    assert slices(browser)[0].startswith("All items")
    assert any(LINKED[:20] in name for name in slices(browser))

    browser.find_all("#tree g.slice path")[1].click()
    assert browser.text("#panel h2") == "Pens"
    assert "4 items" in browser.text("#panel .facts")
    assert slices(browser)[0].startswith("Pens")
    browser.find_all("#tree g.slice path")[1].click()
    assert browser.text("#panel h2") == DRAWN[1][1]
    assert HOSTILE in browser.text("#panel ul.plain")
    browser.click("#panel .items summary")
    assert browser.find("#panel .items p").get_attribute("textContent") == text(0)

    browser.click("#panel .crumbs button:last-child")
    assert browser.text("#panel h2") == "Pens"
    browser.find_all("#tree g.slice path")[0].click()
    assert browser.text("#panel h2") == "All items"

    browser.find("#search").send_keys("7*7")
    assert browser.text("#found button") == " ".join(TEMPLATE.split())
    browser.find("#search").send_keys("\ue007")
    assert "Change proposal: created after round 1" in browser.text("#panel .change")
    assert HOSTILE in browser.text("#panel .change")

    browser.click("input[value=sunburst]")
    assert slices(browser)
    browser.click("#uncovered summary")
    assert "Item 7" in browser.text("#uncovered details p")
    assert browser.find_all("#tree a, #tree b, main img") == []
    assert browser.driver.execute_script("return window.broken === undefined")
    assert (browser.errors(), browser.network()) == ([], [])
