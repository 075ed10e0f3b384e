"""`taxonaut learn`: what is printed, what is adopted, and back."""

import json
from pathlib import Path
from typing import Any

from fakes import packaged_embedder

from taxonaut.cli.shared.global_options import GlobalOptions


def written(folder: Path) -> Path:
    """Write a file of items whose words are in no label."""
    file = folder / "labelled.jsonl"
    rows = [
        {"id": f"{at}-{copy}", "text": f"slang{at} jargon{at} extra{copy}", "labels": [label]}
        for at, label in enumerate(("shoes", "pears", "apples"))
        for copy in range(8)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_learn_shows_measures_asks_nobody_without_a_terminal_and_can_be_undone(
    run: Any, shop: Path, given: GlobalOptions, tmp_path: Path
) -> None:
    given.embedder = packaged_embedder()
    file = written(tmp_path)
    learned = run("learn", file, "--rounds", "1", "-w", shop)
    assert learned.code == 0, learned.err
    assert "seen labels (" in learned.err
    assert f"nothing was adopted; to use it: taxonaut learn adopt 1 -w {shop}" in learned.err
    assert run("learn", "adopt", "1", "-w", shop).code == 0
    assert "* 1  " in run("learn", "log", "-w", shop).out
    assert "the measures are of the gate's fit" in run("learn", "show", "1", "-w", shop).out
    compared = run("learn", "compare", file, "-w", shop)
    assert "nothing learned -> version 1" in compared.out
    assert "version 1 learned from" in compared.err
    assert "nothing that was learned is in use any more" in run("learn", "undo", "-w", shop).err
    assert run("learn", "show", "7", "-w", shop).code == 2
    again = run("learn", file, "--rounds", "1", "--adopt", "auto", "--json", "-w", shop)
    assert json.loads(again.out)["known"] is True


def test_learn_without_anything_to_learn_from_says_what_to_do(
    run: Any, shop: Path, given: GlobalOptions
) -> None:
    given.embedder = packaged_embedder()
    called = run("learn", "-w", shop)
    assert called.code == 2
    assert "0 labelled items are too few to learn from" in called.err
    assert "nothing was adopted yet" in run("learn", "undo", "-w", shop).err
