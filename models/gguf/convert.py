"""Convert a BERT-like encoder from safetensors to GGUF, as llama.cpp reads it."""

import base64
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from taxonaut.state.errors import InputError, MissingExtraError

ARCHITECTURE = "general.architecture"
CONFIG = "config.json"

Array = npt.NDArray[np.float32] | npt.NDArray[np.float16]
Value = bool | int | float | str | bytes | Sequence[str] | Sequence[int] | Sequence[float]


def read_config(folder: Path) -> dict[str, Any]:
    """Read `config.json`. Raises InputError where it is no JSON object."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{str(folder / CONFIG)!r} cannot be read ({error}); give another folder") from error
    if not isinstance(config, dict):
        raise InputError(f"{str(folder / CONFIG)!r} holds no JSON object; give another folder")
    return config


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
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED = 1, 2, 3, 5
_CONTROL_TOKENS = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
_UNIGRAM_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


def wordpiece(tokens: list[str], token_types: int = 2) -> dict[str, Value]:
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
        "tokenizer.ggml.token_type_count": token_types,
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


def wordpiece_tokens(tokenizer: dict[str, Any], rows: int) -> list[str]:
    """Read the tokens of a `tokenizer.json`, padded to the embedding's rows with unused ones.

    Raises InputError for a tokenizer that llama.cpp cannot reproduce, which lower-cases and strips accents.
    """
    model, normalizer = tokenizer.get("model") or {}, tokenizer.get("normalizer") or {}
    if model.get("type") != "WordPiece" or model.get("continuing_subword_prefix", "##") != "##":
        raise InputError(f"its tokenizer is {model.get('type')!r}, not BERT's WordPiece")
    if not normalizer.get("lowercase") or normalizer.get("strip_accents") is False:
        raise InputError("its tokenizer tells upper from lower case, or accents, which llama.cpp does not")
    ids: dict[str, int] = {**model["vocab"], **{each["content"]: each["id"] for each in _added(tokenizer)}}
    tokens = [f"[unused-{place}]" for place in range(rows)]
    for token, place in ids.items():
        tokens[place] = token
    return tokens


def unigram(tokenizer: dict[str, Any], rows: int, token_types: int) -> dict[str, Value]:
    """Return the metadata of a Unigram `tokenizer.json`, padded to the embedding's rows.

    Raises InputError for another tokenizer than XLM-R's.
    """
    model = tokenizer.get("model") or {}
    if model.get("type") != "Unigram" or model.get("byte_fallback"):
        raise InputError(f"its tokenizer is {model.get('type')!r}, not XLM-R's Unigram")
    pieces: list[tuple[str, float]] = [(str(token), float(score)) for token, score in model["vocab"]]
    tokens = [f"[unused-{place}]" for place in range(rows)]
    scores, types = [0.0] * rows, [_UNUSED] * rows
    for place, (token, score) in enumerate(pieces):
        tokens[place], scores[place], types[place] = token, score, _NORMAL
    for each in _added(tokenizer):
        tokens[each["id"]], types[each["id"]] = each["content"], _CONTROL
    missing = sorted(set(_UNIGRAM_TOKENS).difference(tokens))
    if missing:
        raise InputError(f"the vocabulary lacks {', '.join(missing)}")
    begin, pad, end, unknown = (tokens.index(token) for token in _UNIGRAM_TOKENS)
    types[unknown] = _UNKNOWN
    found: dict[str, Value] = {
        "tokenizer.ggml.model": "t5",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.token_type_count": token_types,
        "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.ggml.remove_extra_whitespaces": True,
        "tokenizer.ggml.bos_token_id": begin,
        "tokenizer.ggml.eos_token_id": end,
        "tokenizer.ggml.unknown_token_id": unknown,
        "tokenizer.ggml.seperator_token_id": end,
        "tokenizer.ggml.padding_token_id": pad,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": True,
    }
    if charsmap := _charsmap(tokenizer.get("normalizer") or {}):
        found["tokenizer.ggml.precompiled_charsmap"] = charsmap
    return found


def _added(tokenizer: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in tokenizer.get("added_tokens") or [] if each.get("special")]


def _charsmap(normalizer: dict[str, Any]) -> bytes:
    """Return SentencePiece's character map, from anywhere among the normalizers."""
    if normalizer.get("type") == "Sequence":
        return next(filter(None, map(_charsmap, normalizer["normalizers"])), b"")
    return base64.b64decode(normalizer.get("precompiled_charsmap") or "")


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
_TOKENS, _POSITIONS, _TYPES = "token_embd.weight", "position_embd.weight", "token_types.weight"
_KEPT_IN_FLOAT32 = (_POSITIONS, _TYPES)


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


def convert_encoder(folder: Path, target: Path) -> None:
    """Convert the BERT or XLM-R encoder of a folder saved by `transformers`, with mean pooling.

    Needs `config.json`, `tokenizer.json` and `model.safetensors`. Raises InputError, with the reason, for an
    architecture or a tokenizer that llama.cpp does not support or computes differently.
    """
    config = read_config(folder)
    kind = config.get("model_type")
    if kind not in ("bert", "xlm-roberta"):
        raise InputError(f"an architecture {kind!r} is not converted, only 'bert' and 'xlm-roberta'")
    if config.get("hidden_act") != "gelu" or config.get("position_embedding_type") not in (None, "absolute"):
        raise InputError("it does not compute as BERT does (activation or positions)")
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        tensors = _to_gguf_tensors(read_safetensors(folder / "model.safetensors"))
    except (OSError, ValueError) as error:
        raise InputError(f"{str(folder)!r} cannot be read ({error})") from error
    if kind == "xlm-roberta":
        tensors[_POSITIONS] = tensors[_POSITIONS][config.get("pad_token_id", 1) + 1 :]
    rows, types = len(tensors[_TOKENS]), len(tensors[_TYPES])
    if kind == "bert":
        vocabulary = wordpiece(wordpiece_tokens(tokenizer, rows), types)
    else:
        vocabulary = unigram(tokenizer, rows, types)
    shape = _shape(config, len(tensors[_POSITIONS]))
    write_gguf(target, _metadata({"general.name": f"fine-tuned {kind}"}, shape, vocabulary), tensors)


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


def _shape(config: Mapping[str, Any], positions: int) -> BertShape:
    try:
        return BertShape(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            width=int(config["hidden_size"]),
            feed_forward=int(config["intermediate_size"]),
            positions=positions,
            epsilon=float(config["layer_norm_eps"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"its config.json lacks a size ({error})") from error


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
