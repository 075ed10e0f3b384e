"""Embeddings from any LiteLLM model string, validated, with the same retries as chat."""

import asyncio
import base64
import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from taxonaut.models.embedder import Matrix
from taxonaut.models.llm import client
from taxonaut.models.llm.errors import LONGEST_WAIT_S, TransientError, UnreadableReplyError
from taxonaut.models.llm.redaction import redact_url
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError

T = TypeVar("T")

Vector = npt.NDArray[np.float32]

BATCH = 128
"""Texts sent in one request."""

ODD_ATTEMPTS = 2
"""Tries where a reply has no usable vectors: the same texts mostly get the same."""

SHORTEST = 1e-30
"""The length of a vector that is zero, but for rounding."""

LONGEST_SHOWN = 80
"""Characters of an odd value that an error shows."""


class LiteLLMEmbedder:
    """An embedding model at a server, called through LiteLLM. Its dimension is that of the first reply."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self.width: int | None = None

    @property
    def name(self) -> str:
        """The LiteLLM model string."""
        return self.settings.model

    @property
    def vectors_key(self) -> str:
        """The name under which vectors are stored: the model at its server, since another server may differ."""
        base = self.settings.api_base
        return f"{self.settings.model} at {normalize_url(base)}" if base else self.settings.model

    @property
    def dimension(self) -> int:
        """The length of each vector; requests one if none is known."""
        if self.width is None:
            self.embed(["dimension"])
        assert self.width is not None
        return self.width

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in order: float32 unit rows. Raises ModelError; ModelReplyError for unusable vectors."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        parts = [self.batch(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        matrix = np.concatenate(parts)
        unit: Matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        return unit

    def batch(self, texts: Sequence[str]) -> Matrix:
        """Embed one request's texts, with retries; odd vectors are requested once more."""
        attempts = Retrying(
            retry=retry_if_exception_type((TransientError, UnreadableReplyError)),
            stop=self.is_enough,
            wait=wait_exponential_jitter(
                multiplier=self.settings.backoff_s,
                max=LONGEST_WAIT_S,
                jitter=self.settings.backoff_s,
            ),
            reraise=True,
        )
        tries = self.settings.attempts
        try:
            matrix: Matrix = attempts(self.request, texts)
        except TransientError as error:
            raise ModelUnavailableError(f"{error} (given up after {tries} tries)") from None
        except UnreadableReplyError as error:
            raise ModelReplyError(f"{self.name!r} gave no usable vectors: {error}; {error.advice}") from None
        return matrix

    def is_enough(self, state: RetryCallState) -> bool:
        """Return whether a request was tried as often as its last error allows."""
        error = state.outcome.exception() if state.outcome else None
        odd = isinstance(error, UnreadableReplyError)
        return state.attempt_number >= min(ODD_ATTEMPTS if odd else math.inf, self.settings.attempts)

    def request(self, texts: Sequence[str]) -> Matrix:
        """Send one request and check its vectors."""
        rows = in_a_loop(lambda: client.embed(self.settings, list(texts)))
        matrix = read_vectors(rows, len(texts), self.width)
        self.width = int(matrix.shape[1])
        return matrix


def read_vectors(rows: Any, count: int, width: int | None) -> Matrix:
    """Return the vectors of a reply in the order of their `index`, shape (count, width).

    Raises UnreadableReplyError unless there is one vector for each index, all of one width, finite and not zero.
    """
    if not isinstance(rows, list):
        raise odd(f"its reply has {shown(rows)} in place of a list of vectors")
    if len(rows) != count:
        raise odd(f"it gave {len(rows)} vector{'s' * (len(rows) != 1)} for {count} text{'s' * (count != 1)}")
    found: dict[int, Vector] = {}
    for row in rows:
        index = field_of(row, "index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in found:
            raise odd(f"a vector has the index {shown(index)}, expected each of 0 to {count - 1} once")
        found[index] = read_vector(field_of(row, "embedding"))
    widths = {len(vector) for vector in found.values()} | ({width} if width is not None else set())
    if len(widths) > 1:
        raise odd(
            f"its vectors have {' and '.join(map(str, sorted(widths)))} numbers, expected equal lengths"
        )
    return np.stack([found[index] for index in range(count)])


def read_vector(value: Any) -> Vector:
    """Return one vector: a list of numbers, or float32 in base64. Raises UnreadableReplyError."""
    if isinstance(value, str):
        try:
            vector = np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4")
        except ValueError:
            raise odd(f"a vector is {shown(value)}, which is not float32 in base64") from None
    elif isinstance(value, list) and all(type(each) in (int, float) for each in value):
        with np.errstate(over="ignore", under="ignore"):
            vector = np.asarray(value, dtype=np.float64).astype(np.float32)
    else:
        raise odd(f"a vector is {shown(value)}, expected a list of numbers")
    if not len(vector):
        raise odd("a vector is empty")
    if not np.isfinite(vector).all():
        raise odd("a vector holds a number that is not finite")
    if not np.linalg.norm(vector.astype(np.float64)) > SHORTEST:
        raise odd("a vector is zero")
    return vector


def field_of(row: Any, name: str) -> Any:
    """Return a field of a row, whether LiteLLM made a record of it or not."""
    if isinstance(row, Mapping):
        return row.get(name)
    return vars(row).get(name) if hasattr(row, "__dict__") else None


def odd(message: str) -> UnreadableReplyError:
    """Return the error of vectors that cannot be used."""
    return UnreadableReplyError(message, "look at the log of the server, or use another embedding model")


def shown(value: Any) -> str:
    """Return the beginning of a value of a reply."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def normalize_url(url: str) -> str:
    """Return the address of a server, the same for all ways to write it: no credentials, no trailing slash."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return redact_url(url)
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (
        f"{parts.scheme}://{host}{f':{port}' if port not in (None, default) else ''}{parts.path.rstrip('/')}"
    )


def in_a_loop(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in another thread if this one already runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(make())
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()
