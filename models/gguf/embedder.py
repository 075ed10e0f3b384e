"""Embed texts with a GGUF model in this process, batching short texts into one call of llama.cpp."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from taxonaut.models.cpu import default_threads
from taxonaut.models.embedder import Matrix
from taxonaut.models.gguf.runtime import Context, ContextSettings, Weights, library
from taxonaut.models.gguf.worker_thread import WorkerThread
from taxonaut.models.weights import WITHOUT_LLAMA, ModelCatalog, fingerprint
from taxonaut.state.errors import InputError

_BATCH = 128
_SEQUENCES = 32
_CHARACTERS_A_TOKEN = 16
_AT_A_TIME = 4096


class GgufEmbedder:
    """An embedder run by llama.cpp. Thread-safe.

    Each of `threads` has a separate context with one thread: several threads in one context synchronize at every
    layer, which on a busy machine is ten times slower. Texts are cut after `max_tokens` tokens, 256 as in MiniLM's
    training, or at the model's number of positions, beyond which llama.cpp aborts the process.
    """

    def __init__(
        self,
        model: str | Path = "all-minilm-l6-v2",
        *,
        threads: int | None = None,
        max_tokens: int = 256,
        catalog: ModelCatalog | None = None,
    ) -> None:
        catalog = catalog or ModelCatalog()
        if max_tokens < 2:
            raise InputError(f"max_tokens is {max_tokens!r}; a text needs at least 2, its two ends")
        self._path = catalog.resolve(model)
        self.max_tokens = max_tokens
        self.name = f"gguf/{model if str(model) in catalog.names() else fingerprint(self._path)}"
        self._weights: Weights | None = None
        self._lock = threading.Lock()
        self._worker = WorkerThread(self.name, self._make, Context.close, threads or default_threads())

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return self._open_weights().embedding_size

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in order: float32, shape (len(texts), dimension), unit rows.

        Equal texts are computed once. A text of any length costs at most `max_tokens` tokens.
        """
        distinct = list(dict.fromkeys(texts))
        rows = np.empty((len(distinct), self.dimension), np.float32)
        for start in range(0, len(distinct), _AT_A_TIME):
            self._embed_into(rows[start : start + _AT_A_TIME], distinct[start : start + _AT_A_TIME])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        if len(distinct) == len(texts):
            return rows
        place = {text: row for row, text in enumerate(distinct)}
        return rows[[place[text] for text in texts]]

    def close(self) -> None:
        """Free the model. It cannot be used afterwards."""
        self._worker.close()
        with self._lock:
            if self._weights is not None:
                self._weights.release()
                self._weights = None

    def _embed_into(self, rows: Matrix, texts: Sequence[str]) -> None:
        tokens = [self._tokens(text) for text in texts]
        jobs: list[tuple[list[int], Future[Matrix]]] = []
        try:
            for places in _pack_batches([len(each) for each in tokens]):
                batch = [tokens[place] for place in places]
                jobs.append((places, self._queue(batch)))
            for places, job in jobs:
                rows[places] = job.result()
        finally:
            for _, job in jobs:
                job.cancel()

    def _queue(self, batch: list[list[int]]) -> Future[Matrix]:
        return self._worker.call(lambda context: context.embed(batch))

    def _tokens(self, text: str) -> list[int]:
        """Tokenize; the characters are cut first, so that a million are not tokenized. Keeps the closing token."""
        weights = self._open_weights()
        most = min(self.max_tokens, weights.training_context)
        room = most * _CHARACTERS_A_TOKEN
        short = " ".join(text[: 8 * room].split())[:room]
        tokens = weights.tokens(short, ends=True)
        return tokens if len(tokens) <= most else [*tokens[: most - 1], tokens[-1]]

    def _open_weights(self) -> Weights:
        with self._lock:
            if self._weights is None:
                library(WITHOUT_LLAMA)
                self._weights = Weights.open(self._path)
            return self._weights

    def _make(self) -> Context:
        """Open a context whose size is a multiple of the sequences, otherwise llama.cpp aborts the process."""
        size = -(-max(_BATCH, self.max_tokens) // _SEQUENCES) * _SEQUENCES
        settings = ContextSettings(size, size, _SEQUENCES, threads=1, embeddings=True)
        return Context(Weights.open(self._path), settings)


def _pack_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of similar length into batches of at most `_BATCH` tokens (or one longer text)."""
    group: list[int] = []
    total = 0
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (total + lengths[place] > _BATCH or len(group) == _SEQUENCES):
            yield group
            group, total = [], 0
        group.append(place)
        total += lengths[place]
    if group:
        yield group
