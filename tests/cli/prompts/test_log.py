"""`taxonaut prompts log` and `restore`."""

import json
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary

EXPAND = "navigator/expand"
PACKAGED = PromptLibrary().hash(EXPAND)


@pytest.fixture
def ran(run: Any, shop: Path, embedder: object, scripted: ScriptedModel) -> Path:
    """A workspace in which the packaged version and a copy ran, and which evaluated two texts."""
    items = shop.parent / "items.csv"
    items.write_text("id,text,labels\none,shoes,shoes\ntwo,apples,apples\n", encoding="utf-8")
    assert run("evaluate", items, "--methods", "navigate", "-w", shop).code == 0
    run("prompts", "eject", EXPAND, "-w", shop)
    copy = shop / "prompts" / f"{EXPAND}.j2"
    copy.write_text("{# note #}" + copy.read_text(encoding="utf-8"), encoding="utf-8")
    assert run("classify", items, "-w", shop, "-o", shop.parent / "out.jsonl").code == 0
    return shop


def rows(run: Any, *arguments: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("prompts", "log", *arguments, "--json").out)
    return found


def test_versions_that_ran_the_latest_first(run: Any, ran: Path) -> None:
    found = [row for row in rows(run, "-w", ran) if row["template"] == EXPAND]
    copy = PromptLibrary(ran / "prompts").hash(EXPAND)
    assert [(row["hash"], row["in_use"], row["is_packaged"]) for row in found] == [
        (copy, True, False),
        (PACKAGED, False, True),
    ]
    assert [row["use"]["items"] for row in found] == [2, 2]
    assert [row["measured"]["items"] for row in found] == [2, 2]
    assert {row["measured"]["source"] for row in found} == {"run"}
    lines = [line.split() for line in run("prompts", "log", EXPAND, "-w", ran).out.splitlines()]
    assert lines[0][:3] == ["version", "last", "ran"]
    assert [(line[0], line[-1]) for line in lines[1:]] == [(copy, "scripted"), (PACKAGED, "scripted")]
    assert (lines[1][1:3], lines[2][1]) == (["in", "use"], "packaged")


def test_nothing_ran_yet(run: Any, shop: Path) -> None:
    called = run("prompts", "log", "-w", shop)
    assert called.out.startswith("no template has been used here yet")
    (row,) = rows(run, EXPAND, "-w", shop)
    assert (row["hash"], row["use"], row["measured"]) == (PACKAGED, None, None)
    assert "never ran" in run("prompts", "log", EXPAND, "-w", shop).out
    assert run("prompts", "log", "navigator/dance", "-w", shop).code == 2


def test_restore_the_packaged_one_and_the_copy_again(run: Any, ran: Path) -> None:
    copy = ran / "prompts" / f"{EXPAND}.j2"
    text, hash_ = copy.read_text(encoding="utf-8"), PromptLibrary(ran / "prompts").hash(EXPAND)
    called = run("prompts", "restore", PACKAGED[:6], "-w", ran)
    assert called.out == (
        f"{EXPAND} {PACKAGED}, the packaged version, is in use again; the copy is removed\n"
        f"the copy before is kept as {hash_}: taxonaut prompts restore {hash_} -w {ran}\n"
    )
    assert not copy.exists()
    called = run("prompts", "restore", hash_, "-w", ran)
    assert (called.code, called.out) == (0, f"{EXPAND} {hash_} is in use again, in {copy}\n")
    assert copy.read_text(encoding="utf-8") == text
    told = json.loads(run("prompts", "restore", hash_, "--json", "-w", ran).out)
    assert (told["way"], told["hash"], told["path"]) == ("already", hash_, str(copy))


def test_an_unknown_hash(run: Any, shop: Path) -> None:
    called = run("prompts", "restore", "00ff00", "-w", shop)
    assert (called.code, called.err) == (
        2,
        "error: no version with a hash that begins with '00ff00' is kept; see taxonaut prompts log\n",
    )
