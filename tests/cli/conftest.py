"""A command line to call, a small workspace, and an embedder that needs no weights."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from fakes import FakeEmbedder, in_every_role, packaged_embedder
from typer.testing import CliRunner

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.scripted import ScriptedModel

LABELS = """\
id,name,path
shoes,Running shoes,Sport > Shoes > Running shoes
boots,Hiking boots,Sport > Shoes > Hiking boots
tents,Family tents,Sport > Camping > Family tents
apples,Red apples,Food > Fruit > Red apples
pears,Green pears,Food > Fruit > Green pears
"""


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


def call(*arguments: object, stdin: str | None = None, obj: GlobalOptions | None = None) -> Called:
    """Call the command line in this process; `obj` has the objects that it opens workspaces with."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, obj=obj)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Called(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def given() -> GlobalOptions:
    """The objects that workspaces are opened with; a test puts its own in."""
    return GlobalOptions()


@pytest.fixture
def run(given: GlobalOptions) -> Run:
    return partial(call, obj=given)


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


@pytest.fixture
def embedder(given: GlobalOptions) -> FakeEmbedder:
    """The embedder of every workspace, in place of the packaged one."""
    one = packaged_embedder()
    given.embedder = one
    return one


@pytest.fixture
def scripted(given: GlobalOptions) -> ScriptedModel:
    """The model of every role; it takes all options until a test gives it another rule."""
    model = ScriptedModel(rule=lambda request: [choice.id for choice in request.choices][: request.most])
    given.models = in_every_role(model)
    return model
