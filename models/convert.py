"""Turn all-MiniLM-L6-v2, as sentence-transformers keep it, into a GGUF that llama.cpp reads."""

import re
from pathlib import Path

import numpy as np

from taxonaut.models.gguf_file import Array, Value, read_safetensors, write_gguf

_LAYERS, _HEADS, _WIDTH, _FEED_FORWARD, _POSITIONS = 6, 12, 384, 1536, 512
_MEAN_POOLING = 1
_MOSTLY_F16 = 1
_WORD_START = "\u2581"
_NORMAL, _CONTROL, _UNUSED = 1, 3, 5
_CONTROL_TOKENS = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})

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


def convert_minilm(safetensors: Path, vocabulary: Path, target: Path) -> None:
    """Write the GGUF: matrices in float16, everything else in float32, the WordPiece vocabulary inside."""
    tensors: dict[str, Array] = {}
    for name, tensor in sorted(read_safetensors(safetensors).items()):
        if (new := _gguf_name(name)) is not None:
            halved = tensor.ndim == 2 and new not in _KEPT_IN_FLOAT32
            tensors[new] = tensor.astype(np.float16) if halved else tensor.astype(np.float32)
    tokens = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    write_gguf(target, _metadata(tokens), tensors)


def _gguf_name(name: str) -> str | None:
    """Translate a tensor's name; None for what llama.cpp does without (pooler, position ids)."""
    if name in _NAMES:
        return _NAMES[name]
    if match := re.fullmatch(r"encoder\.layer\.(\d+)\.(.+)\.(weight|bias)", name):
        layer, part, kind = match.groups()
        return f"blk.{layer}.{_NAMES[part]}.{kind}"
    part, _, kind = name.rpartition(".")
    return f"{_NAMES[part]}.{kind}" if part in _NAMES else None


def _metadata(tokens: list[str]) -> dict[str, Value]:
    special = {token: tokens.index(token) for token in sorted(_CONTROL_TOKENS)}
    return {
        "general.architecture": "bert",
        "general.name": "all-MiniLM-L6-v2",
        "general.license": "apache-2.0",
        "general.file_type": _MOSTLY_F16,
        "bert.block_count": _LAYERS,
        "bert.context_length": _POSITIONS,
        "bert.embedding_length": _WIDTH,
        "bert.feed_forward_length": _FEED_FORWARD,
        "bert.attention.head_count": _HEADS,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.attention.causal": False,
        "bert.pooling_type": _MEAN_POOLING,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": [_piece(token) for token in tokens],
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


def _piece(token: str) -> str:
    """Write a token as llama.cpp does: the start of a word is marked, its continuation is not."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else _WORD_START + token


def _token_type(token: str) -> int:
    if token in _CONTROL_TOKENS:
        return _CONTROL
    return _UNUSED if token.startswith("[unused") else _NORMAL
