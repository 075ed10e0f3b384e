"""Export a fine-tuned encoder to ONNX if ONNX Runtime reproduces its vectors, and open any form."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.transformer import TransformerEmbedder
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.onnx.folder import GRAPH_FILES, read_folder
from taxonaut.state.errors import InputError, ModelError

FILE_NAME = GRAPH_FILES["fp32"]
"""The name of the export in the encoder's folder; its weights stay in the safetensors."""

GGUF_NAME = "encoder.gguf"
"""The name of an earlier version's export, which llama.cpp serves."""

LEAST_COSINE = 0.998
"""Minimum cosine of a text's two vectors."""

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
    """Write the ONNX graph of a fine-tuned encoder into its folder and compare both on `texts` (a few hundred).

    An exported encoder is served by ONNX Runtime without PyTorch. If no graph can be written for the architecture, or
    its vectors differ, the file is removed and the reason returned.
    """
    target = folder / FILE_NAME
    try:
        target.write_bytes(read_folder(folder).graph("fp32"))
        cosine = _agreement(folder, texts, max_tokens)
    except (InputError, ModelError) as error:
        target.unlink(missing_ok=True)
        return Exported(None, str(error))
    if not cosine >= LEAST_COSINE:
        target.unlink()
        return Exported(None, f"ONNX Runtime's vectors differ (cosine {cosine:.3f})", cosine)
    return Exported(target, cosine=cosine)


def open_encoder(folder: Path, *, max_tokens: int = 128) -> Embedder:
    """Open a fine-tuned encoder: with ONNX Runtime if it was exported, else with PyTorch.

    What an earlier version exported is opened with llama.cpp.
    """
    if (folder / FILE_NAME).is_file():
        return _open_onnx(folder, max_tokens)
    if (folder / GGUF_NAME).is_file():
        return GgufEmbedder(folder / GGUF_NAME, max_tokens=max_tokens)
    return TransformerEmbedder(folder, max_tokens=max_tokens)


def _open_onnx(folder: Path, max_tokens: int) -> OnnxEmbedder:
    return OnnxEmbedder(folder, settings=OnnxSettings("fp32", "mean", max_tokens=max_tokens))


def _agreement(folder: Path, texts: Sequence[str], max_tokens: int) -> float:
    tuned = TransformerEmbedder(folder, max_tokens=max_tokens)
    exported = _open_onnx(folder, max_tokens)
    try:
        cosines = np.einsum("ij,ij->i", tuned.embed(texts), exported.embed(texts))
    finally:
        tuned.close()
        exported.close()
    return float(np.quantile(cosines, 1 - _REACHED_BY)) if texts else 1.0
