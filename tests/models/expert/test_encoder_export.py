"""A fine-tuned encoder as an ONNX graph: the same vectors from ONNX Runtime, or no file and the reason."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from pulled import require_weights

from taxonaut.models.expert.encoder_export import Exported, export_encoder, open_encoder
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

TEXTS = ["red apple", "old  shoe\tand LAMP", "x1y2", "", "candle " * 60, "big [MASK] bulb, new!"]


@pytest.mark.parametrize("kind", ["bert", "xlmr"])
def test_onnx_runtime_computes_the_same_vectors(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(f"tiny_{kind}"), tmp_path / "encoder"))
    tuned = open_encoder(folder, max_tokens=20)
    expected = tuned.embed(TEXTS)

    exported = export_encoder(folder, TEXTS, max_tokens=20)

    assert (exported.path, exported.reason) == (folder / "model.onnx", "")
    served = open_encoder(folder, max_tokens=20)
    assert isinstance(tuned, TransformerEmbedder)
    assert isinstance(served, OnnxEmbedder)
    cosines = (served.embed(TEXTS) * expected).sum(axis=1)
    served.close()
    assert cosines.min() > 0.9999
    assert np.abs(expected @ expected.T).min() < 0.9, "random weights that tell no texts apart test nothing"


def test_the_same_encoder_is_written_the_same_wherever_it_lies(tiny_bert: Path, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        path = export_encoder(Path(shutil.copytree(tiny_bert, tmp_path / name / "encoder")), TEXTS).path
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
        ("config.json", ["model_type"], "deberta-v2", "no ONNX graph can be written for .*'deberta-v2'"),
        ("config.json", ["hidden_act"], "relu", "no ONNX graph can be written for .*'relu'"),
    ],
)
def test_what_onnx_runtime_does_otherwise_is_left_to_pytorch(
    tiny_bert: Path, tmp_path: Path, file: str, path: list[str], value: object, reason: str
) -> None:
    folder = changed(tiny_bert, tmp_path / "changed", file, path, value)

    exported = export_encoder(folder, TEXTS)

    assert exported.path is None
    assert re.match(reason, exported.reason), exported.reason
    assert not (folder / "model.onnx").exists()


def test_a_tokenizer_that_keeps_case_is_served_too(tiny_bert: Path, tmp_path: Path) -> None:
    half = changed(tiny_bert, tmp_path / "half", "tokenizer.json", ["normalizer", "lowercase"], False)
    folder = changed(half, tmp_path / "cased", "tokenizer_config.json", ["do_lower_case"], False)
    assert export_encoder(folder, TEXTS).path == folder / "model.onnx"


def test_vectors_that_differ_are_no_export(tiny_bert: Path, tmp_path: Path) -> None:
    """The folder says that texts are cut after four tokens, which PyTorch does not read."""
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "changed"))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}')

    exported = export_encoder(folder, TEXTS)

    assert exported.path is None
    assert exported.cosine is not None
    assert exported == Exported(
        None, f"ONNX Runtime's vectors differ (cosine {exported.cosine:.3f})", exported.cosine
    )
    assert not (folder / "model.onnx").exists()


@pytest.mark.local
def test_what_an_earlier_version_exported_is_opened_with_llama_cpp(tiny_bert: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "encoder"))
    (folder / "encoder.gguf").symlink_to(require_weights("all-minilm-l6-v2"))
    served = open_encoder(folder)
    assert isinstance(served, GgufEmbedder)
    assert served.dimension == 384
    served.close()
