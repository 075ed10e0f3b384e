"""Writing GGUF and reading safetensors, byte for byte and as the formats' own readers see it."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.gguf.convert import read_safetensors, write_gguf


def test_a_small_file_byte_for_byte(tmp_path: Path) -> None:
    metadata = {"general.architecture": "bert", "k": 7}
    write_gguf(tmp_path / "a.gguf", metadata, {"t": np.array([[1, 2, 3]], np.float16)})
    written = (
        b"GGUF"
        + struct.pack("<IQQ", 3, 1, 2)
        + struct.pack("<Q20sIQ4s", 20, b"general.architecture", 8, 4, b"bert")
        + struct.pack("<Q1sII", 1, b"k", 4, 7)
        + struct.pack("<Q1sIQQIQ", 1, b"t", 2, 3, 1, 1, 0)
    )
    assert (tmp_path / "a.gguf").read_bytes() == (
        written + bytes(-len(written) % 32) + np.array([1, 2, 3], np.float16).tobytes() + bytes(26)
    )


def test_the_formats_own_reader_agrees(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    metadata = {
        "general.architecture": "bert",
        "n": 3,
        "x": 0.5,
        "yes": True,
        "words": ["a", "", "ü"],
        "numbers": [1, -2],
        "scores": [0.5, -1000.0],
    }
    tensors = {
        "first": np.arange(6, dtype=np.float32).reshape(2, 3),
        "second": np.ones(5, np.float16),
    }
    write_gguf(tmp_path / "a.gguf", metadata, tensors)

    reader = gguf.GGUFReader(tmp_path / "a.gguf")

    assert {key: reader.fields[key].contents() for key in metadata} == metadata
    assert [tensor.name for tensor in reader.tensors] == ["first", "second"]
    for tensor in reader.tensors:
        np.testing.assert_array_equal(tensor.data, tensors[tensor.name])


def test_safetensors_are_read(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]},
    }
    encoded = json.dumps(header).encode()
    raw = struct.pack("<Q", len(encoded)) + encoded + struct.pack("<2fq", 1.5, -2, 9)
    (tmp_path / "a.safetensors").write_bytes(raw)

    tensors = read_safetensors(tmp_path / "a.safetensors")

    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {"a": [[1.5, -2.0]], "b": [9]}
