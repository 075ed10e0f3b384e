"""MiniLM's tensors and words under llama.cpp's names."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.gguf.convert import _gguf_name, convert_minilm, piece

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("embeddings.word_embeddings.weight", "token_embd.weight"),
        ("embeddings.LayerNorm.bias", "token_embd_norm.bias"),
        ("encoder.layer.5.attention.self.query.weight", "blk.5.attn_q.weight"),
        ("encoder.layer.0.attention.output.LayerNorm.weight", "blk.0.attn_output_norm.weight"),
        ("encoder.layer.0.output.LayerNorm.bias", "blk.0.layer_output_norm.bias"),
        ("pooler.dense.weight", None),
        ("embeddings.position_ids", None),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    assert _gguf_name(name) == expected


def test_word_pieces() -> None:
    assert [piece(token) for token in ("[CLS]", "##ing", "word", "]")] == ["[CLS]", "ing", "▁word", "▁]"]


def test_a_file_is_converted_the_same_twice(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    entries = {
        "embeddings.word_embeddings.weight": {"dtype": "F32", "shape": [6, 1], "data_offsets": [0, 24]},
        "embeddings.LayerNorm.bias": {"dtype": "F32", "shape": [1], "data_offsets": [24, 28]},
        "embeddings.position_ids": {"dtype": "I64", "shape": [1, 1], "data_offsets": [28, 36]},
    }
    encoded = json.dumps(entries).encode()
    (tmp_path / "m").write_bytes(
        struct.pack("<Q", len(encoded)) + encoded + np.arange(9, dtype=np.float32).tobytes()
    )
    (tmp_path / "v").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nword\n")

    convert_minilm(tmp_path / "m", tmp_path / "v", tmp_path / "a.gguf")
    convert_minilm(tmp_path / "m", tmp_path / "v", tmp_path / "b.gguf")

    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    assert {
        tensor.name: (tensor.data.dtype.name, tensor.data.ravel().tolist()) for tensor in reader.tensors
    } == {
        "token_embd.weight": ("float16", [0, 1, 2, 3, 4, 5]),
        "token_embd_norm.bias": ("float32", [6]),
    }
    assert reader.fields["tokenizer.ggml.token_type"].contents() == [3, 3, 3, 3, 3, 1]
    assert reader.fields["tokenizer.ggml.bos_token_id"].contents() == 2
