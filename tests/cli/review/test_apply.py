"""`taxonaut review apply`: decisions in a table, matched by id, stale ones refused; and `review --status`."""

import csv
import json
from pathlib import Path
from typing import Any

from taxonaut import Workspace
from taxonaut.state.ids import ItemId


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def said(folder: Path, item: str) -> list[tuple[str, str, str]]:
    """What was said about an item, in order: label, verdict, person."""
    with Workspace.open(folder) as workspace:
        return [(each.label, each.verdict, each.person) for each in workspace.ledger.history(ItemId(item))]


def test_a_table_that_was_given_out_comes_back(run: Any, shop: Path, items: Path, tmp_path: Path) -> None:
    table = tmp_path / "errors.csv"
    assert run("review", "errors", items, "-w", shop, "-o", table, "--most", 2, "--least", 0).code == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    rows[0]["decision"] = "Food > Fruit > Red apples"
    write(table, rows)
    dry = run("review", "apply", table, "-w", shop, "--person", "anna", "--dry-run")
    assert "1 decision would be taken, 1 row without one, 0 refused" in dry.err
    assert said(shop, "bad") == []
    taken = run("review", "apply", table, "-w", shop, "--person", "anna")
    assert (taken.code, "1 decision taken, 1 row without one, 0 refused" in taken.err) == (0, True)
    assert said(shop, "bad") == [("apples", "right", "anna")]
    again = run("review", "apply", table, "-w", shop, "--person", "anna")
    assert "0 decisions taken (1 said so already)" in again.err
    assert len(said(shop, "bad")) == 1

    rows[0]["decision"] = "Green pears"
    run("review", "apply", write(table, rows), "-w", shop, "--person", "anna")
    assert said(shop, "bad")[-1] == ("pears", "right", "anna")
    status = json.loads(run("review", "--status", "--json", "-w", shop).out)
    assert (status["open"], status["answered"], status["people"]["anna"]["label"]) == (1, 1, 1)

    listed = run("review", "errors", items, "-w", shop, "--least", "0", "--json")
    assert "bad" not in [each["id"] for each in json.loads(listed.out)]
    assert "1 items that people have judged are not listed" in listed.err


def test_what_does_not_fit_any_more_is_refused_with_the_reason(
    run: Any, queued: Path, tmp_path: Path
) -> None:
    table = write(
        tmp_path / "t.csv",
        [
            {"id": "one", "text": "other text", "given": "shoes", "decision": "apples"},
            {"id": "two", "text": "alpine boots for hiking", "given": "apples", "decision": "boots"},
            {"id": "three", "text": "a long race " * 30, "given": "apples", "decision": "something"},
            {"id": "four", "text": "x", "given": "apples", "decision": "keep"},
        ],
    )
    refused = run("review", "apply", table, "-w", queued, "--person", "anna")
    assert refused.code == 6
    assert "0 decisions taken, 0 rows without one, 4 refused" in refused.err
    for why in (
        "'one': its text is “crisp red apples” by now",
        "'two': its labels are shoes by now, and apples here",
        "'three': the decision 'something' is no label",
        "'four': the queue has no such item; write the table anew: taxonaut review errors -o TABLE",
    ):
        assert why in refused.err
    without = write(tmp_path / "w.csv", [{"id": "one", "text": "x"}])
    assert "there is no column 'decision'" in run("review", "apply", without, "-w", queued).err


def test_decisions_in_words_and_two_people_against_each_other(run: Any, queued: Path, tmp_path: Path) -> None:
    rows = [
        {"id": "one", "decision": "keep"},
        {"id": "two", "decision": "n"},
        {"id": "three", "decision": "?"},
    ]
    table = write(tmp_path / "t.csv", rows)
    assert run("review", "apply", table, "-w", queued, "--person", "anna").code == 0
    assert said(queued, "one") == [("shoes", "right", "anna")]
    assert said(queued, "two") == [("shoes", "wrong", "anna"), ("boots", "wrong", "anna")]
    assert said(queued, "three") == []
    other = write(tmp_path / "o.csv", [{"id": "one", "decision": "apples"}])
    assert run("review", "apply", other, "-w", queued, "--person", "ben").code == 0
    with Workspace.open(queued) as workspace:
        (truth,) = (each for each in workspace.ledger.truths().values() if each.item == "one")
        assert {each.label for each in truth.conflicts} == {"shoes", "apples"}
    assert run("review", "--status", "-w", queued).out.splitlines() == [
        "0 items open, 3 answered",
        "anna: kept 1, none of these 1, cannot tell 1",
        "ben: other label 1",
    ]


def test_without_a_terminal_it_says_what_to_do(run: Any, queued: Path) -> None:
    refused = run("review", "-w", queued, "--person", "anna")
    assert "taxonaut review needs a terminal; without one, fill in the column decision" in refused.err
