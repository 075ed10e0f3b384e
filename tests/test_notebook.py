"""The example notebook runs from its first cell to its last, and stands in the repository without outputs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pulled import require_weights

import taxonaut

pytestmark = pytest.mark.slow

NOTEBOOK = Path(taxonaut.__file__).parent / "docs" / "labels_to_results.ipynb"
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=".")
nbformat.write(notebook, "done.ipynb")
"""
"""In a process of its own, whose loop and warnings are nobody else's. The kernel is this interpreter's."""


def test_it_has_ten_cells_of_code_and_no_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) == 10
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * 10


@pytest.mark.local
def test_it_runs(tmp_path: Path) -> None:
    require_weights()
    finished = subprocess.run(
        [sys.executable, "-c", RUN, str(NOTEBOOK)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    done = json.loads((tmp_path / "done.ipynb").read_text(encoding="utf-8"))
    outputs = [
        text
        for cell in done["cells"]
        for output in cell.get("outputs", [])
        for text in ("".join(output.get("text", output.get("data", {}).get("text/plain", ""))),)
    ]
    said = "\n".join(outputs)
    assert "Electronics > Audio > Wireless earbuds" in said
    assert "'kind': 'item_finished'" in said
    assert "ChangeMade" in said
    assert "You work for a toy shop." in said
    assert "navigate" in outputs[-1]
