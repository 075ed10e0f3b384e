"""Read the header and the tensors of a safetensors file; NumPy is enough."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from taxonaut.state.errors import ModelError

_MOST_HEADER = 100_000_000
_READABLE = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """The place of a tensor in a safetensors file: bytes `offset` to `offset + length`, little-endian, by rows."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    offset: int
    length: int

    def read(self) -> npt.NDArray[np.float32]:
        """Read it as float32. Raises ModelError for a type that holds no floating-point numbers."""
        if self.kind not in _READABLE:
            raise ModelError(
                f"{str(self.path)!r} holds a tensor of type {self.kind!r}; allowed are {', '.join(_READABLE)}: "
                "save the model in one of them"
            )
        count = math.prod(self.shape)
        raw: npt.NDArray[Any] = np.fromfile(self.path, _READABLE[self.kind], count, offset=self.offset)
        raw = raw.reshape(self.shape)
        if self.kind == "BF16":
            raw = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
        whole: npt.NDArray[np.float32] = raw.astype(np.float32, copy=False)
        return whole


def read_header(path: Path) -> Mapping[str, StoredTensor]:
    """Return the tensors of a file by name, without their values.

    Raises ModelError for a file that is no safetensors, or is shorter than its header says; OSError if it cannot be
    read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _MOST_HEADER
        if length > min(_MOST_HEADER, size - 8):
            raise _broken(path, "its header is longer than the file")
        text = file.read(length)
    try:
        header = json.loads(text)
        found = {
            str(name): _located(path, entry, 8 + length)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _broken(path, f"its header cannot be read: {error}") from error
    if any(tensor.offset + tensor.length > size for tensor in found.values()):
        raise _broken(path, "it ends before its last tensor")
    return found


def _located(path: Path, entry: Mapping[str, object], start: int) -> StoredTensor:
    begin, end = map(int, entry["data_offsets"])  # type: ignore[call-overload]
    shape = tuple(map(int, entry["shape"]))  # type: ignore[call-overload]
    return StoredTensor(path, str(entry["dtype"]), shape, start + begin, end - begin)


def _broken(path: Path, reason: str) -> ModelError:
    return ModelError(f"{str(path)!r} is no safetensors file ({reason}); copy or download the model again")
