"""`taxonaut calibrate`, and the least score of `taxonaut classify`."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("embedder"), pytest.mark.slow]


def test_scores_are_fitted_to_a_file_and_forgotten(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "labelled.csv"
    lines = [f"red apples {at},{'apples' if at % 2 else 'boots'}" for at in range(24)]
    file.write_text("\n".join(["text,labels", *lines]), encoding="utf-8")

    fitted = run("calibrate", file, "-w", shop)
    assert fitted.code == 0
    assert fitted.err.startswith(
        "scores of this workspace are fitted to 24 items, the first label right in 12; "
    )
    assert (shop / "calibration.json").is_file()
    assert json.loads(run("calibrate", file, "--json", "-w", shop).out)["right"] == 12

    assert "by the prior again" in run("calibrate", "--forget", "-w", shop).err
    assert "there is no calibration" in run("calibrate", "--forget", "-w", shop).err


def test_labels_below_the_least_score_are_left_out(run: Any, shop: Path) -> None:
    found = run("classify", "fresh red apples", "--min-score", "1", "-w", shop)
    assert (found.code, found.out.splitlines()[1].strip()) == (0, "no label fits")
