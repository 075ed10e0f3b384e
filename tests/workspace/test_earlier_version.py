"""Workspaces that an earlier version made: what is finished there is not asked again, and can be undone and read.

The fixture holds two, made by the version at e6b2b8b on the embedded default. `toys`: categories imported, four items
classified, labels added, a node renamed, classified again, one turn of chat, the template `navigator/expand` ejected.
`tags`: a vocabulary built from 60 products and assigned to them.
"""

import csv
import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fakes import refusing_embedder
from typer.testing import CliRunner

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.state import version

pytestmark = pytest.mark.slow

FIXTURE = Path(__file__).parents[1] / "fixtures" / "workspace-e6b2b8b.tar.gz"


FINISHED = refusing_embedder("gguf/all-minilm-l6-v2", 384)
"""Stands for the embedder of that version's default, whose vectors the workspaces hold; no text is left to embed."""


@pytest.fixture(autouse=True)
def _workspaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpack the workspaces into the current folder, where the version is fixed.

    It is part of the fingerprints: a new one may ask everything again.
    """
    for name in [name for name in os.environ if name.startswith("TAXONAUT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(version, "VERSION", "0.1.0")
    monkeypatch.chdir(tmp_path)
    with tarfile.open(FIXTURE) as packed:
        packed.extractall(tmp_path, filter="data")


def call(*arguments: str) -> str:
    """Call a command, which must end well; returns what it wrote to standard output."""
    result = CliRunner().invoke(app, list(arguments), obj=GlobalOptions(embedder=FINISHED))
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.stdout


def rows(workspace: str, sql: str) -> list[Any]:
    """Read the index file while no command has it open."""
    with duckdb.connect(f"{workspace}/index.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def finished(workspace: str) -> list[list[Any]]:
    """Everything that work leaves behind, but for the times at which runs were last opened."""
    return [
        rows(workspace, "SELECT id, kind, fingerprint, settings, status FROM runs ORDER BY id"),
        rows(workspace, "SELECT run, key, result FROM units ORDER BY ALL"),
        rows(workspace, "SELECT run, item, node, agent, choice, scores, made FROM decisions ORDER BY ALL"),
        rows(workspace, "SELECT item, run, path, others FROM tags ORDER BY ALL"),
    ]


def products() -> str:
    """Write the 60 products of `tags` to a file, in their order, and return its name."""
    found = rows("tags", "SELECT id, text FROM items ORDER BY id::INTEGER")
    with open("products.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "text"), *found])
    return "products.csv"


def test_a_classification_asks_nothing_again() -> None:
    before = finished("toys")
    assert [len(table) for table in before] == [4, 11, 27, 0]
    call("classify", "items.csv", "-o", "again.jsonl", "-w", "toys")
    again, first = results("again.jsonl"), results("toys/out2.jsonl")
    assert without_scores(again) == without_scores(first)
    assert finished("toys") == before


def results(file: str) -> list[Any]:
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


def without_scores(rows: list[Any]) -> list[Any]:
    """The results as they were written then: now scores are probabilities, and texts and notations are there, too."""
    added = ("score", "notation")
    return [
        {
            **{key: cell for key, cell in row.items() if key != "text"},
            "labels": [{key: each[key] for key in each if key not in added} for each in row["labels"]],
        }
        for row in rows
    ]


def test_labels_that_were_added_are_passed_over() -> None:
    before = finished("toys"), tree("toys")
    call("labels", "add", "more.csv", "-w", "toys")
    assert (finished("toys"), tree("toys")) == before


def test_a_vocabulary_asks_nothing_again() -> None:
    before = finished("tags"), tree("tags")
    assert [len(table) for table in before[0]] == [2, 62, 7, 60]
    file = products()
    assigned = call("vocabulary", "assign", file, "--json", "-w", "tags").splitlines()
    assert len(assigned) == 60
    assert (finished("tags"), tree("tags")) == before
    built = json.loads(call("vocabulary", "build", file, "--json", "-w", "tags"))
    assert (built["run"], built["again"]) == (1, True)
    assert (finished("tags"), tree("tags")) == before


def tree(workspace: str) -> Any:
    """The whole tree of a workspace with its labels, as JSON."""
    return json.loads(call("index", "show", "--depth", "9", "--json", "-w", workspace))


def test_changes_are_undone_one_by_one() -> None:
    def state() -> tuple[Any, bool, bool]:
        now = tree("toys")
        return now, "Games and puzzles" in json.dumps(now), "Microscopes" in json.dumps(now)

    start, *renamed_and_added = state()
    assert renamed_and_added == [True, True]
    for expected in ([False, True], [False, False]):
        call("index", "undo", "-w", "toys")
        assert list(state()[1:]) == expected
    # An undo is a change as well: taken back, the later one first, both give the tree as it was.
    for event in ("8", "6"):
        call("index", "undo", event, "-w", "toys")
    assert tree("toys") == start


def test_a_vocabulary_is_undone_and_done_again() -> None:
    before, shown = tree("tags"), call("vocabulary", "show", "--json", "-w", "tags")
    assert "Pilot, Uni-ball, Point" in shown
    call("index", "undo", "-w", "tags")
    assert "Pilot, Uni-ball, Point" not in json.dumps(tree("tags"))
    call("index", "undo", "4", "-w", "tags")
    assert (tree("tags"), call("vocabulary", "show", "--json", "-w", "tags")) == (before, shown)


def test_the_conversation_goes_on() -> None:
    def thread() -> Any:
        (found,) = json.loads(call("chat", "--threads", "--json", "-w", "toys"))
        return found

    assert thread() == {
        "name": "default",
        "messages": 1,
        "last": "show me what is under Toys",
        "at": "2026-11-30T03:34:33",
        "waiting": False,
        "interrupted": False,
    }
    assert "Vehicles" in call("chat", "--once", "/under Toys", "-w", "toys")
    assert (thread()["messages"], thread()["last"]) == (2, "/under Toys")


def test_the_walk_of_an_item_can_be_read() -> None:
    explained = call("explain", "4", "-w", "toys")
    assert "refractor telescope for children" in explained
    assert "Telescopes" in explained


def test_the_ejected_template_is_in_effect() -> None:
    copy = Path("toys", "prompts", "navigator", "expand.j2")

    def listed() -> tuple[str, str]:
        templates = json.loads(call("prompts", "list", "--json", "-w", "toys"))
        return next((each["copy"], each["hash"]) for each in templates if each["name"] == "navigator/expand")

    def digest() -> str:
        return hashlib.sha256(copy.read_bytes()).hexdigest()[:12]

    used = [
        json.loads(settings)
        for (settings,) in rows("toys", "SELECT settings FROM runs WHERE kind = 'classify'")
    ]
    assert {each["templates"]["navigator/expand"] for each in used} == {digest()}
    assert listed() == ("workspace", digest())
    copy.write_text(
        copy.read_text(encoding="utf-8").replace("Text: ", "The text to label: "), encoding="utf-8"
    )
    assert listed() == ("workspace", digest())
    assert "The text to label: {{ text }}" in call("prompts", "show", "navigator/expand", "-w", "toys")
