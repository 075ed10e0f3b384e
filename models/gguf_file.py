"""Read safetensors and write GGUF with the formats' own libraries, the same bytes everywhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taxonaut.state.errors import MissingExtraError

ARCHITECTURE = "general.architecture"

Array = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Value = bool | int | float | str | bytes | Sequence[str] | Sequence[int] | Sequence[float]


def read_safetensors(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Read every tensor of a safetensors file. Raises MissingExtraError without the extra `local`."""
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingExtraError("safetensors", "local") from error
    tensors: dict[str, npt.NDArray[np.generic]] = load_file(path)
    return tensors


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, Array]) -> None:
    """Write a GGUF file of float32 and float16 tensors, in the order given.

    `metadata` begins with `general.architecture`. Whole numbers are stored as uint32, in lists as int32,
    bytes as a list of uint8.
    Raises MissingExtraError without the extra `local`.
    """
    try:
        from gguf import GGUFValueType, GGUFWriter
    except ImportError as error:
        raise MissingExtraError("gguf", "local") from error
    types = {str: GGUFValueType.STRING, bool: GGUFValueType.BOOL, float: GGUFValueType.FLOAT32}
    writer = GGUFWriter(path, str(metadata[ARCHITECTURE]))
    for key, value in metadata.items():
        if key == ARCHITECTURE:
            continue
        if isinstance(value, bytes):
            writer.add_key_value(key, value, GGUFValueType.ARRAY, sub_type=GGUFValueType.UINT8)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            inner = types.get(type(value[0]), GGUFValueType.INT32)
            writer.add_key_value(key, list(value), GGUFValueType.ARRAY, sub_type=inner)
        else:
            writer.add_key_value(key, value, types.get(type(value), GGUFValueType.UINT32))
    for name, tensor in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(tensor))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
