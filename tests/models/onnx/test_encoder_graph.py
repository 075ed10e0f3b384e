"""Graphs written from safetensors compute what the papers and the reference libraries compute."""

import json
from pathlib import Path

import numpy as np
import pytest
from onnx_folders import (
    FAMILIES,
    compute_states,
    make_folder,
    make_tokenizer,
    make_weights,
    write_safetensors,
)

from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.onnx.encoder_graph import relative_buckets
from taxonaut.models.onnx.safetensors import read_header
from taxonaut.state.errors import ModelError

TEXTS = [
    "red apple",
    "boot",
    "a big old lamp and a candle",
    "x",
    "shoe sandal boot plum pear apple new lamp bulb",
]
FP32 = OnnxSettings(precision="fp32")


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_are_those_computed_with_numpy(tmp_path: Path, family: str, pooling: str) -> None:
    mode = {"mean": "mean_tokens", "cls": "cls_token", "last": "lasttoken"}[pooling]
    embedder = OnnxEmbedder(make_folder(tmp_path, family, pooling=mode), settings=FP32, threads=1)
    tokenizer = make_tokenizer(family)
    weights = make_weights(family, tokenizer.get_vocab_size())

    found = embedder.embed(TEXTS)

    for row, text in zip(found, TEXTS, strict=True):
        states = compute_states(family, weights, tokenizer.encode(text).ids)
        vector = {"mean": states.mean(axis=0), "cls": states[0], "last": states[-1]}[pooling]
        np.testing.assert_allclose(row, vector / np.linalg.norm(vector), atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_are_those_of_transformers(tmp_path: Path, family: str) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    kinds = {"bert": "Bert", "xlm-roberta": "XLMRoberta", "mpnet": "MPNet"}
    folder = make_folder(tmp_path, family)
    config = getattr(transformers, f"{kinds[family]}Config")(
        **json.loads((folder / "config.json").read_text("utf-8"))
    )
    model = getattr(transformers, f"{kinds[family]}Model")(config).eval()
    tokenizer = make_tokenizer(family)
    weights = make_weights(family, tokenizer.get_vocab_size())
    model.load_state_dict({name: torch.from_numpy(each) for name, each in weights.items()}, strict=False)

    found = OnnxEmbedder(folder, settings=FP32, threads=1).embed(TEXTS)

    for row, text in zip(found, TEXTS, strict=True):
        with torch.no_grad():
            states = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0]
        vector = states.mean(dim=0).numpy()
        np.testing.assert_allclose(row, vector / np.linalg.norm(vector), atol=2e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_is_near_and_has_a_name_of_its_own(tmp_path: Path, family: str) -> None:
    folder = make_folder(tmp_path, family)
    exact = OnnxEmbedder(folder, settings=FP32, threads=1)
    rounded = OnnxEmbedder(folder, settings=OnnxSettings(precision="int8"), threads=1)
    assert rounded.name == f"{exact.name}-int8"
    np.testing.assert_array_less(0.98, np.sum(exact.embed(TEXTS) * rounded.embed(TEXTS), axis=1))


@pytest.mark.parametrize(("kind", "least"), [("F16", 0.99999), ("BF16", 0.999), ("F64", 0.999999)])
def test_other_types_of_weights_are_read_as_float32(tmp_path: Path, kind: str, least: float) -> None:
    exact = OnnxEmbedder(make_folder(tmp_path / "a"), settings=FP32, threads=1)
    other = OnnxEmbedder(make_folder(tmp_path / "b", kind=kind), settings=FP32, threads=1)
    np.testing.assert_array_less(least, np.sum(exact.embed(TEXTS) * other.embed(TEXTS), axis=1))


def test_names_may_begin_with_the_model_s(tmp_path: Path) -> None:
    exact = OnnxEmbedder(make_folder(tmp_path / "a"), settings=FP32, threads=1)
    other = OnnxEmbedder(make_folder(tmp_path / "b", prefix="bert."), settings=FP32, threads=1)
    np.testing.assert_array_equal(exact.embed(TEXTS), other.embed(TEXTS))


def test_buckets_are_those_of_mpnet() -> None:
    """Keep the values of `MPNetEncoder.relative_position_bucket` of transformers, for key minus query."""
    buckets = relative_buckets(512, 32)
    apart = [-511, -128, -111, -31, -16, -11, -7, -1, 0, 1, 8, 9, 19, 89, 511]
    expected = [15, 15, 15, 11, 10, 8, 7, 1, 0, 17, 24, 24, 26, 30, 31]
    assert [int(buckets[each + 511]) for each in apart] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"model_type": "gpt2"},
            "its model type is 'gpt2'; a graph is written for bert, roberta, xlm-roberta, mpnet",
        ),
        ({"hidden_act": "silu"}, "its activation is 'silu'"),
        ({"position_embedding_type": "relative_key"}, "its positions are 'relative_key'"),
        ({"num_hidden_layers": None}, "lacks a size"),
        ({"num_hidden_layers": 3}, "lack 'encoder.layer.2.attention.self.query.bias'"),
        ({"num_attention_heads": 5}, "do not fit together"),
        ({"max_position_embeddings": 41}, r"has the shape \(40, 32\), which does not fit"),
    ],
)
def test_a_config_that_does_not_fit_says_why(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    folder = make_folder(tmp_path)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), "utf-8")
    with pytest.raises(ModelError, match=rf"no ONNX graph can be written for .*{reason}"):
        OnnxEmbedder(folder, settings=FP32, threads=1).embed(["a"])


def test_a_header_gives_the_places_of_tensors(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a": np.arange(6).reshape(2, 3), "b": np.ones(2)})
    header = read_header(path)
    assert {name: (each.kind, each.shape, each.length) for name, each in header.items()} == {
        "a": ("F32", (2, 3), 24),
        "b": ("F32", (2,), 8),
    }
    assert header["a"].read().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a": np.arange(6)}, "I64")
    with pytest.raises(ModelError, match="a tensor of type 'I64'; allowed are F32, F16, BF16, F64"):
        read_header(path)["a"].read()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "its header is longer than the file"),
        (b"\xff" * 100, "its header is longer than the file"),
        (b"\x02\0\0\0\0\0\0\0[]", "its header cannot be read"),
        (b"\x08\0\0\0\0\0\0\0no json.", "its header cannot be read"),
        (b'\x0e\0\0\0\0\0\0\0{"a": {"b": 1}', "its header cannot be read"),
    ],
)
def test_a_file_that_is_no_safetensors(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"is no safetensors file .{reason}.*copy or download"):
        read_header(path)


def test_a_file_that_was_cut(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="it ends before its last tensor"):
        OnnxEmbedder(folder, threads=1).embed(["a"])
