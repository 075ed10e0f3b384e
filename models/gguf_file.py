"""Read safetensors and write GGUF without a library, the same bytes everywhere.

GGUF version 3: a header, typed key-value pairs, one record a tensor, then the tensors' data, each aligned to
32 bytes.
"""

import io
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

ALIGNMENT = 32

Array = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Value = bool | int | float | str | Sequence[str] | Sequence[int] | Sequence[float]


class _Type(NamedTuple):
    code: int
    format: str


_UINT32 = _Type(4, "<I")
_INT32 = _Type(5, "<i")
_FLOAT32 = _Type(6, "<f")
_BOOL = _Type(7, "<?")
_STRING, _ARRAY = 8, 9
_TENSOR_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}
_SAFETENSORS_TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}


def read_safetensors(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Read every tensor of a safetensors file: an 8-byte length, a JSON header, raw data."""
    raw = path.read_bytes()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        data = np.frombuffer(raw[8 + length + begin : 8 + length + end], _SAFETENSORS_TYPES[entry["dtype"]])
        tensors[name] = data.reshape(entry["shape"])
    return tensors


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, Array]) -> None:
    """Write a GGUF file of float32 and float16 tensors, in the order given."""
    with path.open("wb") as out:
        out.write(struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)))
        for key, value in metadata.items():
            _write_string(out, key)
            _write_value(out, value)
        offset = 0
        for name, tensor in tensors.items():
            _write_string(out, name)
            out.write(struct.pack("<I", tensor.ndim))
            out.write(struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape)))
            out.write(struct.pack("<IQ", _TENSOR_TYPES[tensor.dtype], offset))
            offset += _padded(tensor.nbytes)
        out.write(bytes(_padded(out.tell()) - out.tell()))
        for tensor in tensors.values():
            out.write(np.ascontiguousarray(tensor).tobytes())
            out.write(bytes(_padded(tensor.nbytes) - tensor.nbytes))


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _write_string(out: BinaryIO | io.BytesIO, text: str) -> None:
    encoded = text.encode()
    out.write(struct.pack("<Q", len(encoded)))
    out.write(encoded)


def _write_value(out: BinaryIO, value: Value) -> None:
    if isinstance(value, str):
        out.write(struct.pack("<I", _STRING))
        _write_string(out, value)
    elif isinstance(value, bool | int | float):
        kind = _scalar(value)
        out.write(struct.pack("<I", kind.code))
        out.write(struct.pack(kind.format, value))
    else:
        _write_array(out, value)


def _scalar(value: float) -> _Type:
    if isinstance(value, bool):
        return _BOOL
    return _FLOAT32 if isinstance(value, float) else _UINT32


def _write_array(out: BinaryIO, values: Sequence[str] | Sequence[int] | Sequence[float]) -> None:
    """Write strings, int32 or float32; one buffer, for there are tens of thousands."""
    buffer = io.BytesIO()
    if isinstance(values[0], str):
        code = _STRING
        for text in values:
            _write_string(buffer, str(text))
    else:
        kind, dtype = (_FLOAT32, "<f4") if isinstance(values[0], float) else (_INT32, "<i4")
        code = kind.code
        buffer.write(np.asarray(values, dtype).tobytes())
    out.write(struct.pack("<IIQ", _ARRAY, code, len(values)))
    out.write(buffer.getvalue())
