"""Turn a BERT-like encoder, as its safetensors keep it, into a GGUF that llama.cpp reads."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from taxonaut.models.convert_vocabulary import unigram, wordpiece, wordpiece_tokens
from taxonaut.models.gguf_file import Array, Value, read_safetensors, write_gguf
from taxonaut.models.transformer_folder import read_config
from taxonaut.state.errors import InputError

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
    """Write all-MiniLM-L6-v2: matrices in float16, everything else in float32, the vocabulary inside."""
    tokens = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    told: dict[str, Value] = {"general.name": "all-MiniLM-L6-v2", "general.license": "apache-2.0"}
    write_gguf(target, _metadata(told, _MINILM, wordpiece(tokens)), _renamed(read_safetensors(safetensors)))


def convert_encoder(folder: Path, target: Path) -> None:
    """Write the BERT or XLM-R encoder of a folder as `transformers` saves it, pooled by the mean.

    Needs `config.json`, `tokenizer.json` and `model.safetensors`. Raises InputError, with the reason, for an
    architecture or a tokenizer that llama.cpp computes otherwise or not at all.
    """
    config = read_config(folder)
    kind = config.get("model_type")
    if kind not in ("bert", "xlm-roberta"):
        raise InputError(f"an architecture {kind!r} is not converted, only 'bert' and 'xlm-roberta'")
    if config.get("hidden_act") != "gelu" or config.get("position_embedding_type") not in (None, "absolute"):
        raise InputError("it does not compute as BERT does (activation or positions)")
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        tensors = _renamed(read_safetensors(folder / "model.safetensors"))
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


def _renamed(found: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Array]:
    tensors: dict[str, Array] = {}
    for name, tensor in sorted(found.items()):
        if (new := _gguf_name(name)) is not None:
            halved = tensor.ndim == 2 and new not in _KEPT_IN_FLOAT32
            tensors[new] = tensor.astype(np.float16) if halved else tensor.astype(np.float32)
    return tensors


def _gguf_name(name: str) -> str | None:
    """Translate a tensor's name; None for what llama.cpp does without (pooler, position ids)."""
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
        raise InputError(f"its config.json does not say how large it is ({error})") from error


def _metadata(
    told: Mapping[str, Value], shape: BertShape, vocabulary: Mapping[str, Value]
) -> dict[str, Value]:
    return {
        "general.architecture": "bert",
        **told,
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
