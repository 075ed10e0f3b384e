"""Tiny encoders with random weights as folders for ONNX Runtime, written without PyTorch."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tiny_encoders import WORDS

from taxonaut.models.onnx.encoder_graph import relative_buckets

Array = npt.NDArray[np.float32]

WIDTH, HEADS, LAYERS, INNER, POSITIONS = 32, 2, 2, 64, 40
FAMILIES = ("bert", "xlm-roberta", "mpnet")
_NAMES = {
    "bert": {
        **{part: f"attention.self.{part}" for part in ("query", "key", "value")},
        "output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
    },
    "mpnet": {
        **{part: f"attention.attn.{part[0]}" for part in ("query", "key", "value")},
        "output": "attention.attn.o",
        "attention_norm": "attention.LayerNorm",
    },
}
_KINDS = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}


def write_safetensors(path: Path, tensors: Mapping[str, npt.NDArray[Any]], kind: str = "F32") -> None:
    """Write tensors of one type; BF16 keeps the upper half of float32."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, tensor in tensors.items():
        if kind == "BF16":
            raw = (tensor.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            raw = tensor.astype(_KINDS[kind]).tobytes()
        place = [len(content), len(content) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": place}
        content += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


def make_weights(family: str, rows: int) -> dict[str, Array]:
    """Draw the tensors of an encoder; matrices are (out, in) as PyTorch keeps them."""
    draw = np.random.default_rng(0)
    tensors: dict[str, Array] = {}

    def add(name: str, *shape: int) -> None:
        tensors[name] = draw.normal(0, 0.3, shape).astype(np.float32)

    def add_norm(name: str) -> None:
        add(f"{name}.weight", WIDTH)
        tensors[f"{name}.weight"] += 1
        add(f"{name}.bias", WIDTH)

    add("embeddings.word_embeddings.weight", rows, WIDTH)
    add("embeddings.position_embeddings.weight", POSITIONS, WIDTH)
    if family != "mpnet":
        add("embeddings.token_type_embeddings.weight", 2 if family == "bert" else 1, WIDTH)
    else:
        add("encoder.relative_attention_bias.weight", 32, HEADS)
    add_norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        names = layer_names(family, layer)
        for part in ("query", "key", "value", "output"):
            add(f"{names[part]}.weight", WIDTH, WIDTH)
            add(f"{names[part]}.bias", WIDTH)
        add_norm(names["attention_norm"])
        add(f"{names['up']}.weight", INNER, WIDTH)
        add(f"{names['up']}.bias", INNER)
        add(f"{names['down']}.weight", WIDTH, INNER)
        add(f"{names['down']}.bias", WIDTH)
        add_norm(names["norm"])
    return tensors


def layer_names(family: str, layer: int) -> dict[str, str]:
    """Return the names of a layer's parts."""
    parts = _NAMES["mpnet" if family == "mpnet" else "bert"]
    others = {"up": "intermediate.dense", "down": "output.dense", "norm": "output.LayerNorm"}
    return {part: f"encoder.layer.{layer}.{name}" for part, name in {**parts, **others}.items()}


def make_tokenizer(family: str, more: Sequence[str] = ()) -> Any:
    """Make a tokenizer of a few words and all letters: WordPiece for BERT and MPNet, Unigram for XLM-R.

    `more` are further words, for XLM-R alone.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    letters = [chr(code) for code in range(33, 127)]
    if family == "xlm-roberta":
        pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -3.0)]
        pieces += [(f"\u2581{word}", -2.0) for word in (*WORDS, *more)] + [
            (letter, -4.0) for letter in letters
        ]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        special = ["<s>", "</s>"]
        tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    else:
        tokens = [
            "[PAD]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "[MASK]",
            *WORDS,
            *letters,
            *(f"##{each}" for each in letters),
        ]
        ids = {token: place for place, token in enumerate(tokens)}
        tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        special = ["[CLS]", "[SEP]"]
        tokenizer.add_special_tokens(tokens[:5])
    begin, end = special
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(each, tokenizer.token_to_id(each)) for each in special]
    )
    return tokenizer


def make_config(family: str, rows: int) -> dict[str, Any]:
    """Return the `config.json` of an encoder."""
    return {
        "model_type": family,
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "layer_norm_eps": 1e-5,
        "pad_token_id": 0 if family == "bert" else 1,
        "type_vocab_size": 2 if family == "bert" else 1,
        "relative_attention_num_buckets": 32,
        "vocab_size": rows,
    }


def make_folder(
    folder: Path,
    family: str = "bert",
    *,
    kind: str = "F32",
    pooling: str = "mean_tokens",
    prefix: str = "",
    words: Sequence[str] = (),
) -> Path:
    """Write a sentence-transformers folder; no `modules.json` or pooling where `pooling` is ""."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(family, words)
    rows = tokenizer.get_vocab_size()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = make_config(family, rows)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tensors = {f"{prefix}{name}": tensor for name, tensor in make_weights(family, rows).items()}
    write_safetensors(folder / "model.safetensors", tensors, kind)
    if pooling:
        modules = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
        listed = [{"type": f"sentence_transformers.models.{name}", "path": path} for name, path in modules]
        (folder / "modules.json").write_text(json.dumps(listed), "utf-8")
        (folder / "1_Pooling").mkdir(exist_ok=True)
        modes = {
            f"pooling_mode_{mode}": mode == pooling for mode in ("cls_token", "mean_tokens", "lasttoken")
        }
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes), "utf-8")
    return folder


def compute_states(family: str, tensors: Mapping[str, Array], ids: list[int]) -> Array:
    """Compute the token vectors of one text in NumPy, as the papers write it."""
    first = 0 if family == "bert" else 2
    count = len(ids)
    states = tensors["embeddings.word_embeddings.weight"][ids]
    states = states + tensors["embeddings.position_embeddings.weight"][first : first + count]
    if family != "mpnet":
        states = states + tensors["embeddings.token_type_embeddings.weight"][0]
    bias: Array = np.zeros((HEADS, count, count), np.float32)
    if family == "mpnet":
        buckets = relative_buckets(POSITIONS, 32)
        table = tensors["encoder.relative_attention_bias.weight"]
        for query in range(count):
            for key in range(count):
                bias[:, query, key] = table[buckets[key - query + POSITIONS - 1]]
    states = _normalize(tensors, "embeddings.LayerNorm", states)
    for layer in range(LAYERS):
        names = layer_names(family, layer)
        split = [
            _linear(tensors, names[part], states).reshape(count, HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        ]
        scores = split[0] @ split[1].transpose(0, 2, 1) / math.sqrt(WIDTH // HEADS) + bias
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended = (weights @ split[2]).transpose(1, 0, 2).reshape(count, WIDTH)
        states = _normalize(
            tensors, names["attention_norm"], states + _linear(tensors, names["output"], attended)
        )
        up = _linear(tensors, names["up"], states)
        bent = up * 0.5 * (1 + np.vectorize(math.erf)(up / math.sqrt(2)))
        states = _normalize(tensors, names["norm"], states + _linear(tensors, names["down"], bent))
    return states.astype(np.float32)


def _linear(tensors: Mapping[str, Array], name: str, rows: Array) -> Array:
    return rows @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]


def _normalize(tensors: Mapping[str, Array], name: str, rows: Array) -> Array:
    centred = rows - rows.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]
