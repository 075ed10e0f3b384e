"""llama.cpp in this process: weights loaded once a path, contexts with plain calls, its log kept quiet."""

import ctypes
import importlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from taxonaut.state.errors import MissingExtraError, ModelError

_ERROR_LEVEL = 4

TokenIds = npt.NDArray[np.int64]
"""Tokens of the vocabulary by their numbers."""

Logits = npt.NDArray[np.float32]
"""One number for each token of the vocabulary."""

_lock = threading.Lock()
_shared: dict[Path, "Weights"] = {}
_log: deque[str] = deque(maxlen=20)
_log_callback: Any = None


def library() -> ModuleType:
    """Import llama_cpp and silence it, once; MissingExtraError where it is not installed."""
    global _log_callback
    try:
        llama = importlib.import_module("llama_cpp")
    except ImportError as error:
        raise MissingExtraError("llama-cpp-python", "local") from error
    if _log_callback is None:

        def keep(level: int, text: bytes, _: object) -> None:
            if level == _ERROR_LEVEL:
                _log.append(text.decode(errors="replace").strip())

        _log_callback = llama.llama_log_callback(keep)
        llama.llama_log_set(_log_callback, ctypes.c_void_p(0))
    return llama


class Weights:
    """A loaded model file. Reading it (tokens, metadata) is thread-safe; get one with `Weights.open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._llama = llama = library()
        self._users = 0
        parameters = llama.llama_model_default_params()
        _log.clear()
        self.pointer = llama.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.pointer:
            raise ModelError(f"llama.cpp cannot load {str(path)!r}{_reason()}; give another GGUF file")
        self._vocabulary = llama.llama_model_get_vocab(self.pointer)
        self.embedding_size = int(llama.llama_model_n_embd(self.pointer))
        self.training_context = int(llama.llama_model_n_ctx_train(self.pointer))
        self.vocabulary_size = int(llama.llama_vocab_n_tokens(self._vocabulary))

    @classmethod
    def open(cls, path: Path) -> "Weights":
        """Load a file, or hand out what is loaded already; each `open` wants one `release`."""
        path = path.resolve()
        with _lock:
            if path not in _shared:
                _shared[path] = cls(path)
            _shared[path]._users += 1
            return _shared[path]

    def release(self) -> None:
        """Give the file back; the last one to do so unloads it."""
        with _lock:
            self._users -= 1
            if self._users == 0:
                del _shared[self.path]
                self._llama.llama_model_free(self.pointer)

    def metadata(self, key: str) -> str | None:
        """Read one value of the file's metadata as text."""
        size = 1 << 16
        buffer = ctypes.create_string_buffer(size)
        length = self._llama.llama_model_meta_val_str(self.pointer, key.encode(), buffer, size)
        return buffer.value.decode(errors="replace") if length >= 0 else None

    def tokens(self, text: str, *, special: bool = False, ends: bool = False) -> list[int]:
        """Tokenize. Only with `special` is `<|im_end|>` in a text the special token and not its letters.

        `ends` adds what the model wants around a whole text (BERT's [CLS] and [SEP]).
        """
        raw = text.encode(errors="replace")
        size = len(raw) + 2
        while True:
            buffer = (self._llama.llama_token * size)()
            count = self._llama.llama_tokenize(self._vocabulary, raw, len(raw), buffer, size, ends, special)
            if count >= 0:
                return list(buffer[:count])
            size = -count

    def piece(self, token: int) -> bytes:
        """Spell a token; a special one is spelt as nothing."""
        buffer = ctypes.create_string_buffer(256)
        length = self._llama.llama_token_to_piece(self._vocabulary, token, buffer, 256, 0, False)
        return buffer.raw[: max(0, length)]

    @cached_property
    def end_tokens(self) -> npt.NDArray[np.int64]:
        """The tokens by which the model says that it is done."""
        ends = self._llama.llama_vocab_is_eog
        return np.array([t for t in range(self.vocabulary_size) if ends(self._vocabulary, t)], np.int64)

    @cached_property
    def bos_token(self) -> int:
        """The token a text begins with, -1 if there is none."""
        return int(self._llama.llama_vocab_bos(self._vocabulary))

    @cached_property
    def bos(self) -> str:
        """How a chat template spells the beginning of a text."""
        return self._spelt(self.bos_token)

    @cached_property
    def eos(self) -> str:
        """How a chat template spells the end of a text."""
        return self._spelt(int(self._llama.llama_vocab_eos(self._vocabulary)))

    def _spelt(self, token: int) -> str:
        text = self._llama.llama_vocab_get_text(self._vocabulary, token) if token >= 0 else b""
        return str(text.decode(errors="replace"))

    @property
    def vocabulary(self) -> Any:
        """The pointer that samplers want."""
        return self._vocabulary


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """How large a context is (`window` tokens over all sequences, `batch` a call) and on how many threads.

    Embeddings are computed with flash attention, which is a quarter faster. What is read for its logits is
    not: on a CPU flash attention sums in float16, and with 4-bit weights behind it an option's log-likelihood
    moved by up to 0.5 with what else was in the batch; without it by nothing.
    """

    window: int
    batch: int
    sequences: int
    threads: int
    embeddings: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes llama.cpp abort the whole process."""
        if self.batch < self.sequences or (self.embeddings and self.batch % self.sequences):
            raise ValueError(f"a batch of {self.batch} tokens does not go with {self.sequences} sequences")


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens to read into a sequence at a position; logits are wanted after those from `wanted_from` on."""

    tokens: Sequence[int]
    position: int
    sequence: int
    wanted_from: int


class Context:
    """Room to compute in. Not thread-safe: one `WorkerThread` makes, uses and closes it."""

    def __init__(self, weights: Weights, settings: ContextSettings) -> None:
        self.weights, self.settings = weights, settings
        self._llama = llama = library()
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = settings.window
        parameters.n_batch = parameters.n_ubatch = settings.batch
        parameters.n_seq_max = settings.sequences
        parameters.n_threads = parameters.n_threads_batch = settings.threads
        parameters.embeddings = settings.embeddings
        parameters.flash_attn_type = int(settings.embeddings)
        parameters.kv_unified = True
        _log.clear()
        self.pointer = llama.llama_init_from_model(weights.pointer, parameters)
        if not self.pointer:
            weights.release()
            raise ModelError(f"llama.cpp has no room for {weights.path.name!r}{_reason()}; ask for less")
        self._memory = llama.llama_get_memory(self.pointer)
        self._batch = llama.llama_batch_init(settings.batch, 0, 1)
        shape = (settings.batch,)
        self._token = np.ctypeslib.as_array(self._batch.token, shape)
        self._position = np.ctypeslib.as_array(self._batch.pos, shape)
        self._wanted = np.ctypeslib.as_array(self._batch.logits, shape)
        np.ctypeslib.as_array(self._batch.n_seq_id, shape)[:] = 1

    def close(self) -> None:
        """Free the context and let go of the weights."""
        self._llama.llama_batch_free(self._batch)
        self._llama.llama_free(self.pointer)
        self.weights.release()

    def embed(self, texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """Read texts, each a sequence of its own, and give each one's pooled vector, shape (texts, width).

        Together they may have `batch` tokens, and be `sequences` many.
        """
        end = 0
        for sequence, tokens in enumerate(texts):
            self._put(end, tokens, 0, sequence)
            end += len(tokens)
        self._batch.n_tokens = end
        self._wanted[:end] = 1
        self._check(self._llama.llama_encode(self.pointer, self._batch))
        rows = np.empty((len(texts), self.weights.embedding_size), np.float32)
        for sequence in range(len(texts)):
            pointer = self._llama.llama_get_embeddings_seq(self.pointer, sequence)
            rows[sequence] = np.ctypeslib.as_array(pointer, rows.shape[1:])
        return rows

    def decode(self, runs: Sequence[Run]) -> Iterator[tuple[int, int, Logits]]:
        """Read runs of tokens, all in as few calls as fit, and give the logits that were asked for.

        Yields (index of the run, offset in it, logits) in order; the logits are a view that the next step
        overwrites. Everything is read only once the iterator is exhausted.
        """
        places = [(index, offset) for index, run in enumerate(runs) for offset in range(len(run.tokens))]
        for start in range(0, len(places), self.settings.batch):
            part = places[start : start + self.settings.batch]
            for place, (index, offset) in enumerate(part):
                run = runs[index]
                self._token[place] = run.tokens[offset]
                self._position[place] = run.position + offset
                self._batch.seq_id[place][0] = run.sequence
                self._wanted[place] = offset >= run.wanted_from
            self._batch.n_tokens = len(part)
            self._check(self._llama.llama_decode(self.pointer, self._batch))
            for place, (index, offset) in enumerate(part):
                if self._wanted[place]:
                    pointer = self._llama.llama_get_logits_ith(self.pointer, place)
                    yield index, offset, np.ctypeslib.as_array(pointer, (self.weights.vocabulary_size,))

    def forget(self, sequence: int, position: int) -> None:
        """Drop what a sequence has read from a position on."""
        self._llama.llama_memory_seq_rm(self._memory, sequence, position, -1)

    def fork(self, source: int, target: int, length: int) -> None:
        """Let a sequence begin with the first tokens of another; nothing is copied."""
        self._llama.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def _put(self, start: int, tokens: Sequence[int], position: int, sequence: int) -> None:
        end = start + len(tokens)
        self._token[start:end] = tokens
        self._position[start:end] = np.arange(position, position + len(tokens))
        for place in range(start, end):
            self._batch.seq_id[place][0] = sequence

    def _check(self, code: int) -> None:
        if code:
            raise ModelError(f"llama.cpp gave up on {self.weights.path.name!r} with code {code}{_reason()}")


def _reason() -> str:
    """Quote the first thing llama.cpp complained of since the log was last cleared."""
    return f" ({_log[0]})" if _log else ""
