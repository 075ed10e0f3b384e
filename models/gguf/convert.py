"""Convert MiniLM from safetensors to GGUF, as llama.cpp reads it."""

import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taxonaut.state.errors import InputError, MissingExtraError

ARCHITECTURE = "general.architecture"

Array = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Value = bool | int | float | str | bytes | Sequence[str] | Sequence[int] | Sequence[float]


def check_extra() -> None:
    """Raise MissingExtraError if safetensors cannot be made a GGUF file here."""
    for package in ("safetensors", "gguf"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "gguf")


def read_safetensors(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Read every tensor of a safetensors file. Raises MissingExtraError without the extra `gguf`."""
    try:
        from safetensors.numpy import load_file
    except ImportError as error:
        raise MissingExtraError("safetensors", "gguf") from error
    tensors: dict[str, npt.NDArray[np.generic]] = load_file(path)
    return tensors


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, Array]) -> None:
    """Write a GGUF file of float32 and float16 tensors, in the order given.

    `metadata` begins with `general.architecture`. Whole numbers are stored as uint32, in lists as int32,
    bytes as a list of uint8.
    Raises MissingExtraError without the extra `gguf`.
    """
    try:
        from gguf import GGUFValueType, GGUFWriter
    except ImportError as error:
        raise MissingExtraError("gguf", "gguf") from error
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


WORD_START = "\u2581"
_NORMAL, _CONTROL, _UNUSED = 1, 3, 5
_CONTROL_TOKENS = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})


def wordpiece(tokens: list[str]) -> dict[str, Value]:
    """Return the metadata of a WordPiece vocabulary, in the order of its ids. InputError if BERT's tokens lack."""
    missing = sorted(_CONTROL_TOKENS.difference(tokens))
    if missing:
        raise InputError(f"the vocabulary lacks {', '.join(missing)}")
    special = {token: tokens.index(token) for token in sorted(_CONTROL_TOKENS)}
    return {
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": [piece(token) for token in tokens],
        "tokenizer.ggml.token_type": [_token_type(token) for token in tokens],
        "tokenizer.ggml.scores": [-1000.0] * len(tokens),
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.bos_token_id": special["[CLS]"],
        "tokenizer.ggml.eos_token_id": special["[SEP]"],
        "tokenizer.ggml.unknown_token_id": special["[UNK]"],
        "tokenizer.ggml.seperator_token_id": special["[SEP]"],
        "tokenizer.ggml.padding_token_id": special["[PAD]"],
        "tokenizer.ggml.mask_token_id": special["[MASK]"],
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": True,
    }


def piece(token: str) -> str:
    """Convert a WordPiece token to llama.cpp's form, which marks the start of a word, not its continuation."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def _token_type(token: str) -> int:
    if token in _CONTROL_TOKENS:
        return _CONTROL
    return _UNUSED if token.startswith("[unused") else _NORMAL


_MEAN_POOLING = 1
_MOSTLY_F16 = 1

_NAMES = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_KEPT_IN_FLOAT32 = ("position_embd.weight", "token_types.weight")


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes of a BERT-like encoder."""

    layers: int
    heads: int
    width: int
    feed_forward: int
    positions: int
    epsilon: float


_MINILM = BertShape(layers=6, heads=12, width=384, feed_forward=1536, positions=512, epsilon=1e-12)


def convert_minilm(safetensors: Path, vocabulary: Path, target: Path) -> None:
    """Convert all-MiniLM-L6-v2: matrices in float16, everything else in float32, with its vocabulary."""
    tokens = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    general: dict[str, Value] = {"general.name": "all-MiniLM-L6-v2", "general.license": "apache-2.0"}
    write_gguf(
        target,
        _metadata(general, _MINILM, wordpiece(tokens)),
        _to_gguf_tensors(read_safetensors(safetensors)),
    )


def _to_gguf_tensors(found: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Array]:
    tensors: dict[str, Array] = {}
    for name, tensor in sorted(found.items()):
        if (new := _gguf_name(name)) is not None:
            halved = tensor.ndim == 2 and new not in _KEPT_IN_FLOAT32
            tensors[new] = tensor.astype(np.float16) if halved else tensor.astype(np.float32)
    return tensors


def _gguf_name(name: str) -> str | None:
    """Translate a tensor's name; None for tensors that llama.cpp does not use (pooler, position ids)."""
    if name in _NAMES:
        return _NAMES[name]
    if match := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)", name):
        layer, part, kind = match.groups()
        return f"blk.{layer}.{_NAMES[part]}.{kind}"
    part, _, kind = name.rpartition(".")
    return f"{_NAMES[part]}.{kind}" if part in _NAMES else None


def _metadata(
    general: Mapping[str, Value], shape: BertShape, vocabulary: Mapping[str, Value]
) -> dict[str, Value]:
    return {
        "general.architecture": "bert",
        **general,
        "general.file_type": _MOSTLY_F16,
        "bert.block_count": shape.layers,
        "bert.context_length": shape.positions,
        "bert.embedding_length": shape.width,
        "bert.feed_forward_length": shape.feed_forward,
        "bert.attention.head_count": shape.heads,
        "bert.attention.layer_norm_epsilon": shape.epsilon,
        "bert.attention.causal": False,
        "bert.pooling_type": _MEAN_POOLING,
        **vocabulary,
    }
