"""The documents run: every Python block of the README and of docs/, file by file, in a folder of its own.

The blocks of a file share one namespace. A block after a line `<!-- skip: why -->` is only parsed. What a block
reads can be put into the folder by `<!-- file: name -->` before a fenced block with the file's content.
Blocks that open a workspace need the embedding weights; without them they are skipped.
"""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulled import require_weights

import taxonaut

pytestmark = pytest.mark.slow

ROOT = Path(taxonaut.__file__).parent
DOCUMENTS = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.is_file()]
FENCE = re.compile(
    r"(?:^<!-- (?P<order>skip|file): *(?P<words>.*?) *-->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block, the line its text starts on, and what the comment before it orders."""

    line: int
    language: str
    text: str
    order: str
    words: str


def blocks(document: str) -> list[Block]:
    return [
        Block(
            document.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["text"],
            found["order"] or "",
            found["words"] or "",
        )
        for found in FENCE.finditer(document)
    ]


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_python_blocks_are_python(path: Path) -> None:
    for block in blocks(path.read_text(encoding="utf-8")):
        if block.language == "python":
            ast.parse(block.text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_python_blocks_run(path: Path, tmp_path: Path) -> None:
    found = blocks(path.read_text(encoding="utf-8"))
    program = [block for block in found if block.language == "python" and block.order != "skip"]
    if not program:
        pytest.skip("no Python in it")
    if any("Workspace" in block.text for block in program):
        require_weights()
    for block in found:
        if block.order == "file":
            (tmp_path / block.words).write_text(block.text, encoding="utf-8")
    source = ""
    for block in program:
        source += "\n" * (block.line - 1 - source.count("\n")) + block.text
    script = tmp_path / "blocks.py"
    script.write_text(source, encoding="utf-8")
    finished = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (finished.returncode, finished.stderr) == (0, ""), f"{path.name}, lines as in the document"


def test_blocks_are_found_with_their_orders() -> None:
    document = (
        "# T\n\n```python\na = 1\n```\n\n<!-- skip: needs a server -->\n```python\nb = 2\n```\n"
        "<!-- file: labels.csv -->\n\n```csv\nid\n1\n```\n```\nplain\n```\n"
    )
    assert blocks(document) == [
        Block(4, "python", "a = 1\n", "", ""),
        Block(9, "python", "b = 2\n", "skip", "needs a server"),
        Block(14, "csv", "id\n1\n", "file", "labels.csv"),
        Block(18, "", "plain\n", "", ""),
    ]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_pages_import_from_the_top_of_the_package_only(page: Path) -> None:
    imported = re.findall(
        r"^(?:from|import) (taxonaut[\w.]*)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(imported) <= {"taxonaut"}


FOLDERS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
DESCRIBED = [path for path in (*DOCUMENTS, ROOT / "AGENTS.md") if path.name != "results.md"]
IN_FOLDERS = rf"(?:{'|'.join((*FOLDERS, 'benchmarks', 'scripts'))})"
FILE = re.compile(rf"(?<![\w./$-]){IN_FOLDERS}/[\w/]*\w\.(?:py|sql|txt)\b")
DOTTED = re.compile(rf"(?<![\w./-])taxonaut\.{IN_FOLDERS}[\w.]*\w|`(?P<bare>{IN_FOLDERS}\.[\w.]*\w)`")


@pytest.mark.parametrize("page", DESCRIBED, ids=ids)
def test_files_and_modules_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [name for name in FILE.findall(text) if not (ROOT / name).is_file()] == []
    dotted = {found["bare"] or found[0].removeprefix("taxonaut.") for found in DOTTED.finditer(text)}
    assert sorted(name for name in dotted if not is_there(name)) == []


def is_there(name: str) -> bool:
    """Whether a dotted name is a folder, a module, a name in a module, or a method of a `workspace`."""
    path = ROOT
    first, *rest = name.split(".")
    if first == "workspace" and rest and hasattr(taxonaut.Workspace, rest[0]):
        return True
    while (path / first).is_dir():
        path /= first
        if not rest:
            return True
        first, *rest = rest
    module = path / f"{first}.py"
    inside = rest if module.is_file() else [first, *rest]
    source = (module if module.is_file() else path / "__init__.py").read_text(encoding="utf-8")
    return not inside or re.search(rf"\b{inside[0]}\b", source) is not None
