"""`taxonaut tools`."""

import json
from pathlib import Path
from typing import Any

NAMES = [
    "list_children",
    "expand_node",
    "propose_category",
    "assign_label",
    "rank_candidates",
    "search_labels",
    "move_node",
    "rename_node",
    "merge_nodes",
    "split_node",
    "remove_node",
    "merge_labels",
    "split_label",
    "move_label",
    "retire_labels",
    "restore_labels",
]


def test_lists_all_tools(run: Any, shop: Path) -> None:
    called = run("tools", "-w", shop)
    assert (called.code, called.err) == (0, "")
    assert [line.split()[0] for line in called.out.splitlines()] == NAMES


def test_schemas_are_those_of_the_index(run: Any, shop: Path) -> None:
    tool = json.loads(run("tools", "expand_node", "--json", "-w", shop).out)
    assert tool["name"] == "expand_node"
    assert tool["parameters"]["properties"]["branches"]["items"] == {"type": "integer", "enum": [0, 1, 2]}
    assert [each["name"] for each in json.loads(run("tools", "--json", "-w", shop).out)] == NAMES


def test_shows_text_and_schema(run: Any, shop: Path) -> None:
    name, text, schema = run("tools", "expand_node", "-w", shop).out.split("\n", 2)
    assert name == "expand_node"
    assert text.startswith("Open the branches")
    assert json.loads(schema)["required"] == ["branches"]


def test_needs_no_workspace(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("tools").code == 0
    named = run("tools", "-w", tmp_path / "nowhere")
    assert named.code == 3


def test_an_unknown_tool(run: Any, shop: Path) -> None:
    called = run("tools", "expand", "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert called.err == f"error: there is no tool 'expand'; there are: {', '.join(NAMES)}\n"
