"""LangSmith sees a graph only where taxonaut.toml says so, whatever the environment says."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fakes import in_every_role, things, word_embedder
from langsmith.utils import get_env_var, tracing_is_enabled

from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import Answer, ScriptedModel
from taxonaut.state.errors import ModelUnavailableError, TaxonautError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.core.config import Config, TracingConfig
from taxonaut.workspace.core.run_graph import run_graph
from taxonaut.workspace.workspace import Workspace


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", "http://127.0.0.1:9")
    get_env_var.cache_clear()
    yield
    get_env_var.cache_clear()


ROOT = Path(__file__).parents[3]

LABELS = [
    Label(LabelId(f"{kind}{number}"), f"{kind} {number}") for kind in ("fox", "oak") for number in range(20)
]

FLOWS: dict[str, Callable[[Workspace], object]] = {
    "classify": lambda workspace: workspace.classify(things()[:2]),
    "build": lambda workspace: workspace.build_index(method="agents"),
    "vocabulary": lambda workspace: workspace.build_vocabulary(things()),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_langsmith_in_the_environment_traces_nothing(flow: str, tmp_path: Path) -> None:
    assert traced(flow, tmp_path) == {False}
    assert tracing_is_enabled() is True


class Asked:
    """Stands for a graph: says whether it was run under tracing."""

    async def ainvoke(self, *_: Any) -> dict[str, Any]:
        return {"traced": tracing_is_enabled()}


async def test_the_setting_traces() -> None:
    for traced in (True, False):
        assert await run_graph(Asked(), {}, traced=traced) == {"traced": traced}  # type: ignore[arg-type]
    assert Config(tracing=TracingConfig(langsmith=True)).tracing.langsmith
    assert not Config().tracing.langsmith


def test_every_graph_is_run_by_run_graph() -> None:
    """A graph that is run elsewhere would be traced as the environment says."""
    files = [file for folder in ("workspace", "evaluation") for file in (ROOT / folder).rglob("*.py")]
    found = [
        file.name for file in files if re.search(r"\.(ainvoke|astream|invoke)\(", file.read_text("utf-8"))
    ]
    assert found == ["run_graph.py"]


def traced(flow: str, folder: Path) -> set[bool | str]:
    """Run a flow whose models fail; return whether they were called under tracing."""
    seen: set[bool | str] = set()

    def rule(_: ModelRequest) -> Answer:
        seen.add(tracing_is_enabled())
        return ModelUnavailableError("not today")

    model = ScriptedModel(rule=rule)
    with Workspace.init(folder / "w") as made:
        if flow != "vocabulary":
            made.index.add_labels(LABELS)
    with Workspace.open(folder / "w", models=in_every_role(model), embedder=word_embedder()) as workspace:
        if flow == "classify":
            workspace.build_index(method="kmeans")
        with suppress(TaxonautError):
            FLOWS[flow](workspace)
    return seen
