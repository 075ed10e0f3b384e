"""`taxonaut review errors`: what it prints, writes and refuses."""

import csv
import json
from pathlib import Path
from typing import Any


def test_errors_are_printed_queued_and_written(run: Any, shop: Path, items: Path, tmp_path: Path) -> None:
    shown = run("review", "errors", items, "-w", shop, "--limit", 1)
    assert shown.code == 0, shown
    assert "=apple red sweet apples" in shown.out
    assert "given   Sport > Shoes > Running shoes" in shown.out
    assert "better  Food > Fruit > Red apples" in shown.out
    assert "among 25 items, by cross-fitted (no expert yet)" in shown.err
    assert f"go through them: taxonaut review -w {shop}" in shown.err
    lines = (shop / "review" / "queue.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines[:2]] == ["list", "item"]
    assert json.loads(lines[1])["id"] == "bad"

    table = tmp_path / "errors.csv"
    assert run("review", "errors", items, "-w", shop, "-o", table, "--most", 1, "--no-queue").code == 0
    (row,) = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    assert (row["id"], row["text"], row["given"], row["suggested"]) == (
        "bad",
        "'=apple red sweet apples",
        "shoes",
        "apples",
    )
    assert row["given_path"] == "Sport > Shoes > Running shoes"
    assert row["decision"] == ""
    for suffix in (".xlsx", ".parquet", ".jsonl"):
        assert (
            run("review", "errors", items, "-w", shop, "-o", tmp_path / f"e{suffix}", "--no-queue").code == 0
        )
    found = json.loads(run("review", "errors", items, "-w", shop, "--json", "--most", 1).out)
    assert [each["id"] for each in found] == ["bad"]


def test_without_items_and_expert_it_says_what_to_do(run: Any, shop: Path) -> None:
    refused = run("review", "errors", "-w", shop)
    assert refused.code != 0
    assert "no expert was trained" in refused.err
    assert "taxonaut expert train ITEMS" in refused.err
