"""The default path in a process where llama.cpp, PyTorch and what converts weights for them cannot be imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from pulled import require_weights

pytestmark = [pytest.mark.local, pytest.mark.slow]

FORBIDDEN = ("llama_cpp", "gguf", "safetensors", "torch", "transformers", "sklearn")
COMMANDS = f"""
import sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FORBIDDEN}:
            raise AssertionError(f"{{name}} is imported")

sys.meta_path.insert(0, Forbidden())
from taxonaut.cli.main import main

for arguments in (
    ["init", "shop"],
    ["labels", "import", "labels.csv", "-w", "shop"],
    ["classify", "sneakers to jog in the park", "-w", "shop"],
    ["chat", "--once", "where would 'a bag of apples' go?", "-w", "shop"],
    ["models", "test", "-w", "shop"],
):
    sys.argv = ["taxonaut", *arguments]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, (arguments, ended.code)
    if arguments[0] == "classify":  # LangGraph takes longer to load than all else that it needs
        assert "langgraph.graph" not in sys.modules
"""


def test_nothing_of_them_is_imported(tmp_path: Path) -> None:
    require_weights()
    labels = "name,path\nRunning shoes,Sport > Shoes > Running shoes\nApples,Food > Fruit > Apples\n"
    (tmp_path / "labels.csv").write_text(labels, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, "-c", COMMANDS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "Sport > Shoes > Running shoes" in finished.stdout
    assert "1. Food > Fruit > Apples" in finished.stdout
    assert "it chose 'Furniture'" in finished.stdout
