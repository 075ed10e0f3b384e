"""Make a GGUF of a fine-tuned encoder, if llama.cpp then computes the same vectors, and open whichever there is."""

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
"""What the export is called in the encoder's folder."""

LEAST_COSINE = 0.998
"""Of the two vectors of a text. float16 weights leave 0.9999."""

_REACHED_BY = 0.99


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it: a file, or None and the reason.

    `cosine` is what the two vectors of a text reach in 99 % of the texts: a text that spells a control token,
    such as `<s>`, is read as that token by some tokenizers.
    """

    path: Path | None
    reason: str = ""
    cosine: float | None = None


def export_encoder(folder: Path, texts: Sequence[str], *, max_tokens: int = 128) -> Exported:
    """Write the GGUF of a fine-tuned encoder into its folder and compare both on `texts`, some hundred of them.

    With it serving needs llama.cpp and NumPy, and no PyTorch. Where the architecture or the tokenizer is not one
    of llama.cpp's, or its vectors differ, no file is left and the encoder is served by PyTorch. It never raises
    for that.
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
    """Open a fine-tuned encoder with what can run it: llama.cpp for an exported one, else PyTorch."""
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
