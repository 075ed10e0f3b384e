"""Runs, measures and the first run, as a person uses them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import packaged_embedder
from served_page import Page
from serving import TOKEN, make_workspace, running

from taxonaut.server.jobs.job_specs import JobRecord
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

RESULT = {
    "method": "navigate",
    "measures": {"P@1": {"value": 0.5, "low": 0.4, "high": 0.6}},
    "requests": 3,
    "seconds": 1.25,
    "failed": 0,
    "labels": [
        {
            "id": "shoes",
            "path": ["Sport", "Running shoes"],
            "support": 4,
            "predicted": 3,
            "precision": 0.6667,
            "recall": 0.5,
            "f1": 0.5714,
            "confused": [{"path": ["Sport", "Hiking boots"], "count": 2}],
        }
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a run, and an evaluation that an earlier service kept."""
    with make_workspace(tmp_path_factory.mktemp("measured")) as made:
        made.classify(["red apples", "tents for two"])
        folder = made.folder / "jobs"
        folder.mkdir()
        lost = [{"node": 2, "path": ["Sport"], "losses": 2, "reasons": {"missed": 2}}]
        record = JobRecord(
            id="1-a",
            kind="evaluate",
            state="finished",
            created=1e9,
            started=1e9,
            ended=1e9 + 5,
            results=1,
            summary={"items": 4, "with_gold": 4, "labels": 5, "lost": lost},
        )
        (folder / "1-a.json").write_text(record.model_dump_json())
        (folder / "1-a.results.jsonl").write_text(json.dumps(RESULT) + "\n")
        yield made


def test_a_run_is_opened_and_its_decisions_are_read(page: Page) -> None:
    page.go("/runs")
    page.shows("Evaluate")
    page.click("#runs a")
    page.until("document.querySelector('#run-body .decision')")
    assert page.driver.current_url.endswith("/runs?run=1")
    page.click("#run-body summary")
    assert "navigator" in page.text("#run-body .decision")
    page.driver.back()
    page.until("document.querySelector('#run').hidden")
    assert page.errors() == []


def test_an_evaluation_has_a_figure_labels_and_the_nodes_that_lose(page: Page) -> None:
    page.go("/measures")
    page.until("document.querySelector('#quality svg rect')")
    assert "50.0 %" in page.text("#quality table")
    assert "Hiking boots" in page.text("#labels")
    assert "Sport" in page.text("#lost")
    page.find("#filter").send_keys("no such label")
    page.shows("No label has these words.")
    saved = page.driver.execute_async_script(
        "const done = arguments[0]; URL.createObjectURL = blob => {"
        " blob.text().then(text => done([blob.type, text])); return '#'; };"
        "document.querySelector('.save button').click();"
    )
    assert saved[0] == "image/svg+xml"
    assert "<rect" in saved[1]
    assert "P@1" in saved[1]
    assert page.errors() == []


def test_an_empty_workspace_begins_with_pasted_labels(page: Page, tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "new", embedder=packaged_embedder()) as empty, running(empty) as address:
        page.driver.get(f"{address}/#token={TOKEN}")
        page.until("document.body?.dataset.mayChange === 'yes'")
        page.find("#labels").send_keys("Sport > Shoes\nFood > Apples")
        page.click("#begin .main")
        page.shows("Every label has its place in the tree")
        assert sorted(label.name for label in empty.index.all_labels()) == ["Apples", "Shoes"]
