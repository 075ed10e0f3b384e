"""`taxonaut evaluate --attribution`."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import Answer, ScriptedModel

pytestmark = pytest.mark.usefixtures("embedder")


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    file = tmp_path / "judged.csv"
    file.write_text(
        "id,text,labels\na,Food Fruit Red apples,apples\nb,Food,apples;pears\nc,Food,boots\nd,snow,\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def by_words(scripted: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """Opens and ranks what the text names; shortlists are the walk's alone."""

    def rule(request: ModelRequest) -> Answer:
        return [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2] in request.text] or [0]

    scripted.rule = rule
    monkeypatch.setenv("TAXONAUT_WALK__SHORTLIST", "tree")
    monkeypatch.setenv("TAXONAUT_WALK__CANDIDATES", "0")
    return scripted


LOST = """\
Outcomes of the right labels: navigate
4 right labels of 3 texts
3 75.0% the navigator passed its branch by
1 25.0% found
0 answered labels wrong
lost at how branches that stayed closed texts
2 Food not opened 2 “Fruit” 2 b
1 the top not opened 1 “Sport” 1 c
"""


@pytest.mark.usefixtures("by_words")
def test_the_nodes_that_lose_most(run: Any, shop: Path, judged: Path) -> None:
    called = run("evaluate", judged, "--methods", "dense,navigate", "--attribution", 5, "-w", shop, "--quiet")
    assert (called.code, called.err) == (0, "")
    _, title, shown = called.out.partition("Outcomes of")
    lines = [re.sub(r"\s+", " ", line).strip() for line in (title + shown).splitlines() if line.strip()]
    assert "\n".join(lines) + "\n" == LOST
    few = run("evaluate", judged, "--methods", "navigate", "--attribution", 1, "-w", shop, "--quiet")
    assert few.out.rstrip().endswith("and 1 more node that lost 1")


@pytest.mark.usefixtures("by_words")
def test_as_json(run: Any, shop: Path, judged: Path) -> None:
    methods = "navigate,navigate:order=depth"
    called = run(
        "evaluate", judged, "--methods", methods, "--attribution", 1, "--json", "-w", shop, "--quiet"
    )
    found = json.loads(called.out)["attribution"]
    assert list(found) == methods.split(",")
    for row in found.values():
        assert (row["items"], row["gold"], row["outcomes"]) == (3, 4, {"not opened": 3, "found": 1})
        (node,) = row["nodes"]
        assert (node["path"], node["lost"]) == (["Food"], 2)
        assert [(loss["item_id"], loss["label_id"]) for loss in node["losses"]] == [
            ("b", "apples"),
            ("b", "pears"),
        ]
        assert row["marks"] == {"hit": 1, "miss": 3, "error": 0}


@pytest.mark.usefixtures("by_words")
def test_what_a_person_said_since_counts_before_the_file(run: Any, shop: Path, judged: Path) -> None:
    call = ("evaluate", judged, "--methods", "navigate", "--attribution", 1, "--json", "-w", shop, "--quiet")
    run(*call)
    with Workspace.open(shop) as workspace:
        workspace.correct("a", right="pears", wrong="apples", person="ann")
    found = json.loads(run(*call).out)["attribution"]["navigate"]
    assert found["marks"] == {"hit": 0, "miss": 4, "error": 1}


def test_without_a_walk_there_is_nothing_to_follow(run: Any, shop: Path, judged: Path) -> None:
    called = run("evaluate", judged, "--methods", "dense,bm25", "--attribution", 5, "-w", shop)
    assert called.code == 2
    assert "--attribution follows walks, and none of 'dense, bm25' is one; add one of navigate" in called.err
    both = ("--attribution", 5, "--incremental", 0)
    called = run("evaluate", judged, "--methods", "navigate", *both, "-w", shop)
    assert called.code == 2
    assert "--incremental builds others; give one of the two" in called.err
