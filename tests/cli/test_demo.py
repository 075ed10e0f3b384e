"""The demo on the first packages of this environment: its first screen, and a second run that asks nothing."""

import asyncio
from pathlib import Path

import pytest
from pulled import require_weights
from rich.console import Console

from taxonaut.cli.demo import by_score, print_demo, select_shown
from taxonaut.evaluation.demo import arun_demo
from taxonaut.state.stores.decisions import Totals

pytestmark = [pytest.mark.local, pytest.mark.slow]

PACKAGES = 12


def test_its_first_screen(tmp_path: Path) -> None:
    require_weights()
    report = asyncio.run(arun_demo(tmp_path, PACKAGES))
    assert [label.path for label in report.example.labels[:2]] == [
        ("System", "Archiving", "Backup"),
        ("Security", "Cryptography"),
    ]
    assert [method.method for method in report.report.methods] == ["both", "bm25"]
    shown = select_shown(report)
    ranks = [{"hit": 0, "miss": 2}.get(report.compared[package.id].first, 1) for package in shown]
    assert ranks[0] == 0
    assert ranks == sorted(ranks)
    assert len({report.results[package.id].labels[0].label_id for package in shown}) == len(shown)
    assert all(report.compared[package.id].closest in package.gold for package in shown)

    console = Console(width=100, record=True)
    print_demo(console, report, shown)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert len(lines) <= 50
    assert lines[1:3] == [
        "encrypt backups before they are uploaded to the cloud",
        f"  {report.example.labels[0].score:.2f}  System > Archiving > Backup  “backups”",
    ]
    (measures,) = [line.split() for line in lines if "P@1" in line and "hF" in line and ":" not in line]
    assert measures == ["P@1", "R@10", "hF", "seconds"]
    assert f"{PACKAGES - len(shown)} more packages with --all." in " ".join(lines)
    assert {package.name for package in by_score(report)} == {package.name for package in report.packages}

    assert report.spent.comparisons > 0
    assert asyncio.run(arun_demo(tmp_path, PACKAGES)).spent == Totals()
