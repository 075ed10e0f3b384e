"""Write an ONNX model: the few messages of its protocol buffers that an encoder needs.

The format is that of `onnx.proto` (ONNX 1.16, IR version 9). The same model gives the same bytes on every machine.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from taxonaut.models.onnx.safetensors import StoredTensor

_IR_VERSION, _OPSET = 9, 20
MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
_EXTERNAL = 1

Attribute: TypeAlias = float | int | str | Sequence[int]


@dataclass(slots=True)
class Graph:
    """A graph under construction. Names of values are made up in order."""

    nodes: list[bytes] = field(default_factory=list)
    initializers: list[bytes] = field(default_factory=list)

    def node(
        self, kind: str, *inputs: str, domain: str = "", output: str = "", **attributes: Attribute
    ) -> str:
        """Add a node with one output and return the output's name; an input "" is left out."""
        name = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(
            b"".join(
                [
                    *(_text(1, each) for each in inputs),
                    _text(2, name),
                    _text(3, name),
                    _text(4, kind),
                    *(_message(5, _attribute(*each)) for each in attributes.items()),
                    _text(7, domain) if domain else b"",
                ]
            )
        )
        return name

    def constant(self, name: str, values: npt.NDArray[np.generic]) -> str:
        """Add an array to the file."""
        values = np.asarray(values)  # before `ascontiguousarray`, which makes a scalar a row
        raw = values.astype(values.dtype.newbyteorder("<")).tobytes()
        self.initializers.append(
            _dims(values.shape) + _number(2, _TYPES[values.dtype.name]) + _text(8, name) + _message(9, raw)
        )
        return name

    def external(self, name: str, tensor: StoredTensor) -> str:
        """Add a float32 tensor that stays in its safetensors file, next to the model."""
        place = {"location": tensor.path.name, "offset": str(tensor.offset), "length": str(tensor.length)}
        self.initializers.append(
            _dims(tensor.shape)
            + _number(2, _TYPES["float32"])
            + _text(8, name)
            + b"".join(_message(13, _text(1, key) + _text(2, value)) for key, value in place.items())
            + _number(14, _EXTERNAL)
        )
        return name

    def model(self, name: str, inputs: Iterable[bytes], outputs: Iterable[bytes]) -> bytes:
        """Return the bytes of a file; inputs and outputs are made by `value`."""
        graph = b"".join(
            [
                *(_message(1, node) for node in self.nodes),
                _text(2, name),
                *(_message(5, initializer) for initializer in self.initializers),
                *(_message(11, each) for each in inputs),
                *(_message(12, each) for each in outputs),
            ]
        )
        versions = {"": _OPSET, MICROSOFT: 1}
        opsets = (_message(8, _text(1, domain) + _number(2, v)) for domain, v in versions.items())
        return _number(1, _IR_VERSION) + _text(2, "taxonaut") + _message(7, graph) + b"".join(opsets)


def value(name: str, kind: str, shape: Sequence[str | int]) -> bytes:
    """Describe an input or output: its NumPy type, and its sizes or their names."""
    sizes = (_text(2, size) if isinstance(size, str) else _number(1, size) for size in shape)
    dims = b"".join(_message(1, size) for size in sizes)
    tensor = _number(1, _TYPES[kind]) + _message(2, dims)
    return _text(1, name) + _message(2, _message(1, tensor))


def _attribute(name: str, given: Attribute) -> bytes:
    if isinstance(given, str):
        return _text(1, name) + _text(4, given) + _number(20, _STRING)
    if isinstance(given, int):
        return _text(1, name) + _number(3, given) + _number(20, _INT)
    if isinstance(given, float):
        return _text(1, name) + _key(2, _FIXED32) + struct.pack("<f", given) + _number(20, _FLOAT)
    return _text(1, name) + b"".join(_number(8, each) for each in given) + _number(20, _INTS)


def _dims(shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape)


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _message(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(content)) + content


def _number(number: int, given: int) -> bytes:
    return _key(number, _VARINT) + _varint(given % (1 << 64))


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(given: int) -> bytes:
    out = bytearray()
    while given > 0x7F:
        out.append(given & 0x7F | 0x80)
        given >>= 7
    out.append(given)
    return bytes(out)
