"""`taxonaut prompts`."""

import json
from pathlib import Path
from typing import Any


def test_list(run: Any, shop: Path) -> None:
    rows = json.loads(run("prompts", "list", "--json", "-w", shop).out)
    assert [(row["name"], row["copy"]) for row in rows] == [
        (name, "packaged")
        for name in (
            "annotator/assign_items",
            "annotator/assign_label_scored",
            "annotator/assign_labels",
            "annotator/keywords",
            "annotator/propose_change",
            "annotator/propose_change_scored",
            "architect/improve_instructions",
            "architect/propose_centres",
            "architect/propose_centres_scored",
            "architect/propose_descriptors",
            "architect/review_changes",
            "architect/review_changes_scored",
            "assistant/converse",
            "distribute/binary",
            "distribute/compare_to_none",
            "distribute/hard",
            "distribute/linear_probe",
            "distribute/max",
            "distribute/unary",
            "feedback/explain",
            "general_expert/choose",
            "general_expert/define",
            "general_expert/order",
            "general_expert/rank",
            "general_expert/rank_few_shot",
            "general_expert/rank_scored",
            "general_expert/rank_scored_few_shot",
            "general_expert/think",
            "judge/likely",
            "judge/yes_no",
            "label_writer/write",
            "navigator/expand",
            "navigator/expand_few_shot",
            "navigator/expand_scored",
            "navigator/expand_scored_few_shot",
        )
    ]
    assert rows[-2]["variables"][-1] == "text"
    lines = run("prompts", "list", "-w", shop).out.splitlines()
    assert [line.split()[0] for line in lines] == ["template", *(row["name"] for row in rows)]


def test_show_needs_no_workspace(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("prompts", "show", "navigator/expand")
    assert called.code == 0
    assert "{% block system %}" in called.out


def test_an_ejected_copy_counts(run: Any, shop: Path) -> None:
    target = shop / "prompts" / "navigator" / "expand.j2"
    called = run("prompts", "eject", "navigator/expand", "-w", shop)
    assert (called.code, called.out) == (0, f"{target}\n")
    target.write_text(target.read_text(encoding="utf-8").replace("categories", "shelves"), encoding="utf-8")
    assert "tree of shelves" in run("prompts", "show", "navigator/expand", "-w", shop).out
    shown = json.loads(run("prompts", "show", "navigator/expand", "--json", "-w", shop).out)
    assert shown["copy"] == "workspace"
    again = run("prompts", "eject", "navigator/expand", "-w", shop)
    assert again.code == 2
    assert str(target) in again.err


def test_eject_needs_a_workspace(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("prompts", "eject", "navigator/expand")
    assert called.code == 3
    assert called.err == (
        "error: '.' is no workspace, and templates are copied into one; name one with -w DIR\n"
    )


def test_an_unknown_template(run: Any, shop: Path) -> None:
    called = run("prompts", "show", "navigator/dance", "-w", shop)
    assert called.code == 2
    assert "there are: annotator/assign_" in called.err
    assert ", annotator/keywords, " in called.err


def test_a_broken_copy_is_named(run: Any, shop: Path) -> None:
    run("prompts", "eject", "navigator/expand", "-w", shop)
    (shop / "prompts" / "navigator" / "expand.j2").write_text("{% block system %}", encoding="utf-8")
    called = run("prompts", "list", "-w", shop)
    assert called.code == 2
    assert "'navigator/expand'" in called.err
