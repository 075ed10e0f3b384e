"""A command line to call, a small workspace, and an embedder that needs no weights."""

import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from taxonaut.cli.main import app
from taxonaut.models.embedder import Matrix
from taxonaut.models.scripted import ScriptedModel

LABELS = """\
id,name,path
shoes,Running shoes,Sport > Shoes > Running shoes
boots,Hiking boots,Sport > Shoes > Hiking boots
tents,Family tents,Sport > Camping > Family tents
apples,Red apples,Food > Fruit > Red apples
pears,Green pears,Food > Fruit > Green pears
"""


class HashEmbedder:
    """Adds up a random vector for each word; texts that share words are near each other."""

    name = "hash"
    dimension = 64

    def embed(self, texts: Sequence[str]) -> Matrix:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split() or ["."]:
                rng = np.random.default_rng(zlib.crc32(word.strip(".,>").encode()))
                rows[row] += rng.standard_normal(self.dimension).astype(np.float32)
        lengths: Matrix = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
        return rows / lengths


class Called:
    """What a call of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


Run = Callable[..., Called]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person's own environment takes part."""
    for name in ("TAXONAUT_WORKSPACE", "COLUMNS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def call(*arguments: object, stdin: str | None = None) -> Called:
    """Call the command line in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def run() -> Run:
    return call


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Workspaces that tests copy: `blank`, and `shop` with five labels in a tree of two levels."""
    base = tmp_path_factory.mktemp("workspaces")
    labels = base / "labels.csv"
    labels.write_text(LABELS, encoding="utf-8")
    for name in ("blank", "shop"):
        assert call("init", base / name, "--quiet").code == 0
    assert call("labels", "import", labels, "-w", base / "shop", "--quiet").code == 0
    return {name: base / name for name in ("blank", "shop")}


@pytest.fixture
def blank(tmp_path: Path, templates: dict[str, Path]) -> Path:
    """An empty workspace."""
    return Path(shutil.copytree(templates["blank"], tmp_path / "blank"))


@pytest.fixture
def shop(tmp_path: Path, templates: dict[str, Path]) -> Path:
    """A workspace with five labels in a tree of two levels."""
    return Path(shutil.copytree(templates["shop"], tmp_path / "shop"))


@pytest.fixture(scope="session")
def hash_embedder() -> HashEmbedder:
    """An embedder for fixtures that several tests share."""
    return HashEmbedder()


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> HashEmbedder:
    """Every embedder that is opened is this one."""
    one = HashEmbedder()
    monkeypatch.setattr("taxonaut.workspace.core.container.open_embedder", lambda settings: one)
    return one


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """Every model that is opened is this one; it takes all options until a test gives it another rule."""
    model = ScriptedModel(rule=lambda request: [choice.id for choice in request.choices][: request.most])
    monkeypatch.setattr("taxonaut.workspace.core.container.open_answers", lambda *arguments: model)
    return model
