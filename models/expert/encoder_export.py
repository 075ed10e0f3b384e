"""Export a fine-tuned encoder to GGUF if llama.cpp reproduces its vectors, and open either form."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.models.gguf.convert import convert_encoder
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.state.errors import InputError, MissingExtraError, ModelError

FILE_NAME = "encoder.gguf"
"""The name of the export in the encoder's folder."""

LEAST_COSINE = 0.998
"""Minimum cosine of a text's two vectors; rounding weights to float16 leaves 0.9999."""

_REACHED_BY = 0.99


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export: a file, or None and the reason.

    `cosine` is that of a text's two vectors, at the lowest percentile: some tokenizers read a text that spells a
    control token, such as `<s>`, as that token.
    """

    path: Path | None
    reason: str = ""
    cosine: float | None = None


def export_encoder(folder: Path, texts: Sequence[str], *, max_tokens: int = 128) -> Exported:
    """Write the GGUF of a fine-tuned encoder into its folder and compare both on `texts` (a few hundred).

    An exported encoder is served by llama.cpp without PyTorch. If llama.cpp does not support the architecture or the
    tokenizer, or its vectors differ, the file is removed and the reason returned.
    """
    target = folder / FILE_NAME
    try:
        convert_encoder(folder, target)
        cosine = _agreement(folder, target, texts, max_tokens)
    except (InputError, MissingExtraError, ModelError) as error:
        target.unlink(missing_ok=True)
        return Exported(None, str(error))
    if not cosine >= LEAST_COSINE:
        target.unlink()
        return Exported(None, f"llama.cpp's vectors differ (cosine {cosine:.3f})", cosine)
    return Exported(target, cosine=cosine)


def open_encoder(folder: Path, *, max_tokens: int = 128) -> Embedder:
    """Open a fine-tuned encoder: with llama.cpp if it was exported, else with PyTorch."""
    if (folder / FILE_NAME).is_file():
        return GgufEmbedder(folder / FILE_NAME, max_tokens=max_tokens)
    return TransformerEmbedder(folder, max_tokens=max_tokens)


def _agreement(folder: Path, target: Path, texts: Sequence[str], max_tokens: int) -> float:
    tuned = TransformerEmbedder(folder, max_tokens=max_tokens)
    exported = GgufEmbedder(target, max_tokens=max_tokens, threads=1)
    try:
        cosines = np.einsum("ij,ij->i", tuned.embed(texts), exported.embed(texts))
    finally:
        tuned.close()
        exported.close()
    return float(np.quantile(cosines, 1 - _REACHED_BY)) if texts else 1.0
