"""Embed texts with a transformer encoder from a local folder, in PyTorch (extra `train`)."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.transformer_folder import (
    OpenTransformer,
    batches,
    check_folder,
    fingerprint,
    open_transformer,
    read_config,
)
from taxonaut.state.errors import InputError

_WIDTHS = ("hidden_size", "dim", "d_model")
_TEXTS_AT_ONCE, _TOKENS_AT_ONCE = 64, 4096


class TransformerEmbedder:
    """An embedder over a transformer's mean token vector. Safe to call from several threads, one at a time.

    For encoders that llama.cpp cannot run; it computes in float32, on the GPU if there is one. Texts are cut
    after `max_tokens` tokens, which is to be what the encoder was trained with. Raises InputError for a folder
    without an encoder; MissingExtraError, without the extra `train`, when the first text is embedded.
    """

    def __init__(self, folder: Path, *, max_tokens: int = 128) -> None:
        check_folder(folder)
        config = read_config(folder)
        width = next((config[key] for key in _WIDTHS if key in config), None)
        if not isinstance(width, int) or width < 1:
            raise InputError(f"the config.json of {str(folder)!r} gives no hidden_size; give another folder")
        self._folder, self._max_tokens, self._width = folder, max_tokens, width
        self.name = f"transformer/{fingerprint(folder)}-{max_tokens}"
        self._opened: OpenTransformer | None = None
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return self._width

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts, in their order: float32, shape (len(texts), dimension), rows of length 1.

        Equal texts are read once.
        """
        distinct = list(dict.fromkeys(texts))
        rows = np.empty((len(distinct), self._width), np.float32)
        if distinct:
            with self._lock:
                self._embed_into(rows, distinct)
        if len(distinct) == len(texts):
            return rows
        place = {text: row for row, text in enumerate(distinct)}
        return rows[[place[text] for text in texts]]

    def close(self) -> None:
        """Free what the model takes; it is opened again when it is needed."""
        with self._lock:
            self._opened = None

    def _embed_into(self, rows: Matrix, texts: Sequence[str]) -> None:
        if self._opened is None:
            self._opened = open_transformer(self._folder)
            import torch

            self._opened.model.to("cuda" if torch.cuda.is_available() else "cpu")
        import torch

        ids = self._opened.token_ids(texts, self._max_tokens)
        with torch.inference_mode():
            for places in batches([len(row) for row in ids], _TEXTS_AT_ONCE, _TOKENS_AT_ONCE):
                vectors = self._opened.unit_vectors([ids[place] for place in places])
                rows[places] = vectors.cpu().numpy()
