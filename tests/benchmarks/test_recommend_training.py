"""The whole benchmark on a pattern that a model can learn; needs PyTorch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import taxonaut

pytestmark = pytest.mark.slow

ROOT = Path(taxonaut.__file__).parent


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.recommend", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def ring(folder: Path) -> Path:
    """Twelve items that follow each other in a circle; four users a start."""
    files = {
        "items": [{"id": item, "text": str(item)} for item in range(12)],
        "train": [
            {"user": f"{start}.{again}", "history": [(start + step) % 12 for step in range(4)]}
            for start in range(12)
            for again in range(4)
        ],
        "valid": [
            {"user": f"v{start}", "history": [start], "target": (start + 1) % 12} for start in range(12)
        ],
        "test": [
            {"user": f"t{start}", "history": [start], "target": (start + 1) % 12} for start in range(12)
        ],
    }
    for name, lines in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "codes.json").write_text(json.dumps({i: [f"<a_{i // 4}>", f"<b_{i % 4}>"] for i in range(12)}))
    return folder


def test_a_person_s_mistake_is_a_sentence(tmp_path: Path) -> None:
    folder = ring(tmp_path)
    for arguments, message in (
        (
            ["--data", str(folder / "no")],
            f"there is no '{folder}/no/items.jsonl'; --data DIR names a folder with",
        ),
        (
            ["--data", str(folder), "--codes", "ours"],
            "--codes 'ours' is not NAME=FILE with a NAME of its own",
        ),
        (["--data", str(folder), "--only", "ours"], "--only 'ours' is not there; there are ['ids']\n"),
    ):
        ended = benchmark(*arguments)
        assert ended.returncode == 1
        assert ended.stderr.startswith(message)


def test_codes_learn_a_ring(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from taxonaut.benchmarks.recommend.rows import train_row
    from taxonaut.recommend.interactions import read_interactions
    from taxonaut.recommend.item_codes import read_codes

    data = read_interactions(ring(tmp_path))
    codes = read_codes("ours", tmp_path / "codes.json", data.items)
    row = train_row(data, codes, seeds=1, epochs=50, threads=1)
    assert row.test[0]["Recall@5"] == 1.0
    assert row.test[0]["NDCG@5"] > 0.8
    assert row.critique is not None
    assert row.critique.items_left == pytest.approx(1 / 3)
    assert row.critique.limited[0]["NDCG@5"] >= row.test[0]["NDCG@5"]


def test_a_seed_gives_the_same_again(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from taxonaut.benchmarks.recommend.rows import train_row
    from taxonaut.recommend.interactions import read_interactions
    from taxonaut.recommend.item_codes import item_ids

    data = read_interactions(ring(tmp_path))
    codes = item_ids(data.items)
    first = train_row(data, codes, seeds=2, epochs=2, keep=tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("*.pt"))) == 3
    assert train_row(data, codes, seeds=2, epochs=2, keep=tmp_path / "kept") == first
    assert train_row(data, codes, seeds=2, epochs=2).test == first.test
