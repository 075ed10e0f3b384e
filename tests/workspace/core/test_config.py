"""taxonaut.toml: its template, its defaults, what wins over it, and what is said of a wrong one."""

from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace.core.config import TEMPLATE, Config, load_config


def written(folder: Path, text: str) -> Path:
    (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return folder


def test_the_template_says_what_the_defaults_are(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, TEMPLATE)) == Config() == load_config(tmp_path / "none")


def test_defaults() -> None:
    config = Config()
    assert config.embeddings == ModelSettings(model="onnx/all-minilm-l6-v2")
    assert (
        config.models.navigator
        == config.models.general_expert
        == ModelSettings(model="encoder/onnx/all-minilm-l6-v2")
    )
    assert (config.walk.shortlist, config.walk.terminals, config.walk.dense, config.walk.top) == (
        "both",
        20,
        100,
        10,
    )


def test_a_role_of_its_own(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        '[models.navigator]\nmodel = "hosted_vllm/qwen"\napi_base = "http://127.0.0.1:8000/v1"\nconcurrency = 64\n',
    )
    config = load_config(folder)
    assert config.models.navigator == ModelSettings(
        model="hosted_vllm/qwen", api_base="http://127.0.0.1:8000/v1", concurrency=64
    )
    assert config.models.general_expert.model == "encoder/onnx/all-minilm-l6-v2"
    assert config.models.navigator.provider == "hosted_vllm"


def test_the_environment_wins_over_the_file_key_by_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(
        tmp_path, '[walk]\nterminals = 5\ntop = 3\n[models.navigator]\nmodel = "openai/a"\nseed = 4\n'
    )
    monkeypatch.setenv("TAXONAUT_WALK__TERMINALS", "7")
    monkeypatch.setenv("TAXONAUT_MODELS__NAVIGATOR__MODEL", "openai/b")
    config = load_config(folder)
    assert (config.walk.terminals, config.walk.top) == (7, 3)
    assert config.models.navigator == ModelSettings(model="openai/b", seed=4)


def test_overrides_replace_key_by_key(tmp_path: Path) -> None:
    folder = written(tmp_path, "[walk]\nterminals = 5\ntop = 3\n")
    config = load_config(folder, {"walk": {"top": 9}, "task": {"description": "Titles."}})
    assert (config.walk.terminals, config.walk.top, config.task.description) == (5, 9, "Titles.")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[walk]\ntermnals = 5\n", "walk.termnals: Extra inputs are not permitted"),
        ("[wlak]\n", "wlak: Extra inputs are not permitted"),
        ("[walk]\nterminals = 0\n", "walk.terminals: Input should be greater than 0"),
        ('[walk]\nshortlist = "trees"\n', "walk.shortlist: Input should be 'tree', 'dense' or 'both'"),
        ("[models.navigator]\nseed = 1\n", "models.navigator.model: Field required"),
        ('[models.navigator]\nmodel = "a/b"\ntemprature = 1\n', "models.navigator.temprature: Extra inputs"),
        ('walk = "far"\n', "walk: Input should be a valid dictionary"),
    ],
)
def test_settings_that_cannot_be_name_the_key(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(written(tmp_path, text))
    assert str(caught.value).startswith(
        f"{str(tmp_path / SETTINGS_FILE)!r} (or a TAXONAUT_… variable) has invalid settings: {problem}"
    )


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"walk\.terminals: .*; walk\.top: "):
        load_config(written(tmp_path, "[walk]\nterminals = 0\ntop = 0\n"))


def test_what_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not valid TOML: "):
        load_config(written(tmp_path, "[walk\n"))
    (tmp_path / SETTINGS_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is not valid TOML: "):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TAXONAUT_WALK__TERMINALS", "many", "walk.terminals: Input should be a valid integer"),
        ("TAXONAUT_WALK", "[1", "a TAXONAUT_… variable cannot be parsed: "),
    ],
)
def test_a_variable_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as caught:
        load_config(tmp_path)
    assert words in str(caught.value)


def test_settings_cannot_be_changed_in_place() -> None:
    config: Any = Config()
    with pytest.raises(ValueError, match="frozen"):
        config.walk.top = 3


def test_what_can_change_an_answer_and_what_cannot() -> None:
    def deciding(**settings: Any) -> dict[str, Any]:
        return Config(**settings).answer_settings()

    role = {"model": "openai/a"}
    same = deciding(models={"navigator": role})
    patient = {**role, "concurrency": 3, "timeout_s": 1.0, "deadline_s": 9.0, "attempts": 2, "backoff_s": 0.1}
    assert deciding(models={"navigator": patient}) == same
    assert deciding(models={"navigator": role}, walk={"batch": 5}) == same
    assert deciding(models={"navigator": role}, scoring={"kept_phrases": 0}) == same
    for walk in (
        {"order": "depth"},
        {"start": "anchored"},
        {"anchors": 7},
        {"beam": 2},
        {"threshold": 0.2},
        {"ancestors": False},
        {"inherit": 0.4},
        {"top": 3},
    ):
        assert deciding(models={"navigator": role}, walk=walk) != same
    for other in ({"model": "openai/b"}, {**role, "temperature": 0.5}, {**role, "repairs": 0}):
        assert deciding(models={"navigator": other}) != same
    assert deciding(models={"navigator": role}, scoring={"mix": 0.5}) != same
