"""A tokenizer's vocabulary under llama.cpp's names: WordPiece (BERT) and Unigram (XLM-R)."""

import base64
from typing import Any

from taxonaut.models.gguf_file import Value
from taxonaut.state.errors import InputError

WORD_START = "\u2581"
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED = 1, 2, 3, 5
_CONTROL_TOKENS = frozenset({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
_UNIGRAM_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


def wordpiece(tokens: list[str], token_types: int = 2) -> dict[str, Value]:
    """Describe a WordPiece vocabulary, in the order of its ids. InputError where BERT's own tokens are missing."""
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
    """Write a token as llama.cpp does: the start of a word is marked, its continuation is not."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def wordpiece_tokens(tokenizer: dict[str, Any], rows: int) -> list[str]:
    """Read the tokens of a `tokenizer.json`, filled up to the embedding's rows with unused ones.

    Raises InputError for a tokenizer that llama.cpp does not have: it lower-cases and drops accents.
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
    """Describe the Unigram vocabulary of a `tokenizer.json`, filled up to the embedding's rows.

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
    """Find SentencePiece's table of characters to replace, wherever it stands among the normalizers."""
    if normalizer.get("type") == "Sequence":
        return next(filter(None, map(_charsmap, normalizer["normalizers"])), b"")
    return base64.b64decode(normalizer.get("precompiled_charsmap") or "")


def _token_type(token: str) -> int:
    if token in _CONTROL_TOKENS:
        return _CONTROL
    return _UNUSED if token.startswith("[unused") else _NORMAL
