"""A fine-tuned encoder as a GGUF: the same vectors from llama.cpp, or no file and the reason."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.expert.encoder_export import Exported, export_encoder, open_encoder
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.models.gguf.embedder import GgufEmbedder

pytestmark = pytest.mark.slow

pytest.importorskip("torch")
pytest.importorskip("llama_cpp")

TEXTS = ["red apple", "old  shoe\tand LAMP", "x1y2", "", "candle " * 60, "big [MASK] bulb, new!"]


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_llama_cpp_computes_the_same_vectors(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(f"tiny_{kind}"), tmp_path / "encoder"))
    tuned = open_encoder(folder, max_tokens=20)
    expected = tuned.embed(TEXTS)

    exported = export_encoder(folder, TEXTS, max_tokens=20)

    assert (exported.path, exported.reason) == (folder / "encoder.gguf", "")
    served = open_encoder(folder, max_tokens=20)
    assert isinstance(tuned, TransformerEmbedder)
    assert isinstance(served, GgufEmbedder)
    cosines = (served.embed(TEXTS) * expected).sum(axis=1)
    served.close()
    assert cosines.min() > 0.998
    assert np.abs(expected @ expected.T).min() < 0.9, "random weights that tell no texts apart test nothing"


def test_the_same_encoder_is_written_the_same_wherever_it_lies(tiny_bert: Path, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        path = export_encoder(Path(shutil.copytree(tiny_bert, tmp_path / name)), TEXTS).path
        assert path is not None
        made.append((path.read_bytes(), open_encoder(path.parent).name))

    assert made[0] == made[1]


def changed(folder: Path, target: Path, file: str, path: list[str], value: object) -> Path:
    """Copy a folder and change one value in one of its JSON files."""
    shutil.copytree(folder, target)
    content = json.loads((target / file).read_text())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (target / file).write_text(json.dumps(content))
    return target


@pytest.mark.parametrize(
    ("file", "path", "value", "reason"),
    [
        ("config.json", ["model_type"], "deberta-v2", "an architecture 'deberta-v2' is not converted"),
        ("config.json", ["hidden_act"], "relu", "it does not compute as BERT does"),
        ("tokenizer.json", ["normalizer", "lowercase"], False, "its tokenizer tells upper from lower case"),
        ("tokenizer.json", ["model", "type"], "BPE", "its tokenizer is 'BPE'"),
    ],
)
def test_what_llama_cpp_does_otherwise_is_left_to_pytorch(
    tiny_bert: Path, tmp_path: Path, file: str, path: list[str], value: object, reason: str
) -> None:
    folder = changed(tiny_bert, tmp_path / "changed", file, path, value)

    exported = export_encoder(folder, TEXTS)

    assert exported.path is None
    assert exported.reason.startswith(reason)
    assert not (folder / "encoder.gguf").exists()


def test_vectors_that_differ_are_no_export(tiny_bert: Path, tmp_path: Path) -> None:
    folder = changed(tiny_bert, tmp_path / "changed", "config.json", ["layer_norm_eps"], 10.0)
    content = (folder / "config.json").read_text()

    def other(_: object) -> dict[str, object]:
        return {**json.loads(content), "layer_norm_eps": 1e-12}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taxonaut.models.gguf.convert.read_config", other)
        exported = export_encoder(folder, TEXTS)

    assert exported.path is None
    assert exported.cosine is not None
    assert exported == Exported(
        None, f"llama.cpp's vectors differ (cosine {exported.cosine:.3f})", exported.cosine
    )
    assert not (folder / "encoder.gguf").exists()
