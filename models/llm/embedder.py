"""Embeddings from any LiteLLM model string, with the same retries as chat."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from taxonaut.models.embedder import Matrix
from taxonaut.models.llm import client
from taxonaut.models.llm.errors import LONGEST_WAIT_S, TransientError, address
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelUnavailableError

T = TypeVar("T")

BATCH = 128
"""Texts sent in one request."""


class LiteLLMEmbedder:
    """An embedding model at a server, reached through LiteLLM. Its dimension is read off the first answer."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.width: int | None = None

    @property
    def name(self) -> str:
        """The LiteLLM model string."""
        return self.settings.model

    @property
    def dimension(self) -> int:
        """The length of each vector; asks the server once."""
        if self.width is None:
            self.embed(["dimension"])
        assert self.width is not None
        return self.width

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in order: float32 unit rows. Raises ModelUnavailableError when every try failed."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        parts = [self.batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        matrix = np.concatenate(parts)
        self.width = int(matrix.shape[1])
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        unit: Matrix = matrix / np.maximum(norms, 1e-12)
        return unit

    def batch(self, texts: Sequence[str]) -> Matrix:
        """Embed one request's worth, trying again after what may pass."""
        attempts = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(self.settings.attempts),
            wait=wait_exponential_jitter(
                multiplier=self.settings.backoff_s,
                max=LONGEST_WAIT_S,
                jitter=self.settings.backoff_s,
            ),
            reraise=True,
        )
        try:
            rows = attempts(in_a_loop, lambda: client.embed(self.settings, list(texts)))
        except TransientError as error:
            raise ModelUnavailableError(f"{error} (given up after {self.settings.attempts} tries)") from None
        if len(rows) != len(texts):
            raise ModelUnavailableError(
                f"{self.name!r} gave {len(rows)} vector{'s' * (len(rows) != 1)} for {len(texts)} texts; "
                f"look at the log of {address(self.settings)}, or use another model"
            )
        ordered = sorted(rows, key=lambda row: int(row["index"]))
        return np.asarray([row["embedding"] for row in ordered], dtype=np.float32)


def in_a_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in a thread of its own where this one already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()
