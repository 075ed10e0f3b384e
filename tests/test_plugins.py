"""Plugins: the example of docs/plugins.md is installed, and what it registers works."""

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import taxonaut
from taxonaut.state import plugins
from taxonaut.state.errors import InputError

pytestmark = pytest.mark.slow

ROOT = Path(taxonaut.__file__).parent
EXAMPLE = ROOT / "docs" / "example_plugin"
LABELS = """
[[labels]]
name = "Wooden trains"
path = ["Toys", "Wooden trains"]

[[labels]]
name = "Board games"
path = ["Games", "Board games"]
"""
SETTINGS = """
[models.navigator]
model = "words/any"
[models.general_expert]
model = "words/any"
[walk]
policy = "near-the-best"
shortlist = "tree"
"""
USE = """
import asyncio, json, sys
from taxonaut import Answered, Conversation, Item, Workspace, read_labels
with Workspace.init("shop") as workspace:
    workspace.import_labels(read_labels("labels.toml"))
open("shop/taxonaut.toml", "w").write(sys.argv[1])
with Workspace.open("shop") as workspace:
    policy = type(workspace.policy()).__name__
    found = workspace.classify(["games for a board and toys"])[0]
    models = {decision.model for decision in workspace.graph().compile().invoke(
        {"items": [Item("1", "toys")]})["decisions"]}
    async def count():
        async with Conversation.open(workspace, thread="t") as chat:
            return [row.text async for row in chat.command("/count") if isinstance(row, Answered)]
    counted = asyncio.run(count())
print(json.dumps([policy, [label.name for label in found.labels], sorted(models), counted]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example plugin installed in it, without any download."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (source / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--target", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_the_example_adds_a_model_a_tool_a_policy_and_a_reader(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text(LABELS, encoding="utf-8")
    paths = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = subprocess.run(
        [sys.executable, "-c", USE, SETTINGS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [
        "NearTheBest",
        ["Board games"],
        ["scripted"],
        ["2 labels."],
    ]


def test_the_page_shows_the_example_s_entry_points() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    block = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    shown = tomllib.loads(block)["project"]["entry-points"]
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert shown == project["entry-points"]


def test_signatures_fit_into_one_short_file() -> None:
    assert len((ROOT / "plugins.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_a_name_that_two_packages_claim_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed = [
        EntryPoint("csv", "taxonaut.workspace.files.tables:read_csv", "taxonaut.readers"),
        EntryPoint("csv", "other:read", "taxonaut.readers"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: claimed)
    plugins.extensions.cache_clear()
    try:
        with pytest.raises(InputError, match=r"'csv' in taxonaut\.readers is both"):
            plugins.extensions("taxonaut.readers")
    finally:
        plugins.extensions.cache_clear()


def test_an_unknown_name_lists_what_is_installed() -> None:
    with pytest.raises(InputError, match=r"'none' is unknown in taxonaut\.policies; installed are standard"):
        plugins.load_extension("taxonaut.policies", "none")


def test_an_old_installation_is_told_to_install_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])
    plugins.extensions.cache_clear()
    try:
        with pytest.raises(InputError, match="install taxonaut again"):
            plugins.load_extension("taxonaut.models", "encoder")
    finally:
        plugins.extensions.cache_clear()
