"""A thin layer over llama.cpp in this process: shared weights, contexts, and a silenced log."""

import ctypes
import importlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
"""Token ids."""

Logits = npt.NDArray[np.float32]
"""One logit per token of the vocabulary."""

_lock = threading.Lock()
_shared: dict[Path, "Weights"] = {}
_log: deque[str] = deque(maxlen=20)
_log_callback: Any = None


def library(instead: str = "") -> ModuleType:
    """Import llama_cpp and silence its log; MissingExtraError if it is not installed, which names `instead`."""
    global _log_callback
    try:
        llama = importlib.import_module("llama_cpp")
    except ImportError as error:
        raise MissingExtraError("llama-cpp-python", "gguf", instead) from error
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
        # Weights rearranged for AMX crash llama.cpp (ggml-org/llama.cpp#20824); elsewhere rearranging is faster.
        parameters.use_extra_bufts = b"AMX_INT8 = 1" not in llama.llama_print_system_info()
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
        """Load a file, or share the loaded one; each `open` needs one `release`."""
        path = path.resolve()
        with _lock:
            if path not in _shared:
                _shared[path] = cls(path)
            _shared[path]._users += 1
            return _shared[path]

    def release(self) -> None:
        """Release the file; the last user unloads it."""
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
        """Tokenize. Special tokens such as `<|im_end|>` in the text are recognized only with `special`.

        `ends` adds the model's start and end tokens (BERT's [CLS] and [SEP]).
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
        """Return the bytes of a token; none for a special one."""
        buffer = ctypes.create_string_buffer(256)
        length = self._llama.llama_token_to_piece(self._vocabulary, token, buffer, 256, 0, False)
        return buffer.raw[: max(0, length)]

    @cached_property
    def end_tokens(self) -> npt.NDArray[np.int64]:
        """The end-of-generation tokens."""
        ends = self._llama.llama_vocab_is_eog
        return np.array([t for t in range(self.vocabulary_size) if ends(self._vocabulary, t)], np.int64)

    @cached_property
    def bos_token(self) -> int:
        """The beginning-of-sequence token, -1 if there is none."""
        return int(self._llama.llama_vocab_bos(self._vocabulary))

    @cached_property
    def eos_token(self) -> int:
        """The token that ends an answer, -1 if there is none."""
        return int(self._llama.llama_vocab_eos(self._vocabulary))

    @cached_property
    def bos(self) -> str:
        """The text of the beginning-of-sequence token, for chat templates."""
        return self._spelt(self.bos_token)

    @cached_property
    def eos(self) -> str:
        """The text of the end-of-sequence token, for chat templates."""
        return self._spelt(self.eos_token)

    def _spelt(self, token: int) -> str:
        text = self._llama.llama_vocab_get_text(self._vocabulary, token) if token >= 0 else b""
        return str(text.decode(errors="replace"))

    @property
    def vocabulary(self) -> Any:
        """The vocabulary pointer, for samplers."""
        return self._vocabulary


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """The size of a context (`window` tokens over all sequences, `batch` per call) and its threads.

    Embeddings use flash attention, which is a quarter faster. Logits do not: on a CPU flash attention sums in
    float16, and with 4-bit weights an option's log-likelihood then varied by up to 0.5 with the rest of the batch.
    """

    window: int
    batch: int
    sequences: int
    threads: int
    embeddings: bool = False

    def __post_init__(self) -> None:
        """Reject sizes with which llama.cpp aborts the process."""
        if self.batch < self.sequences or (self.embeddings and self.batch % self.sequences):
            raise ValueError(f"batch of {self.batch} tokens does not match {self.sequences} sequences")


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens to read into a sequence at a position; logits are returned for those from `wanted_from` on."""

    tokens: Sequence[int]
    position: int
    sequence: int
    wanted_from: int


class Context:
    """A llama.cpp context. Not thread-safe: one `WorkerThread` makes, uses and closes it.

    `adapter` is a LoRA adapter as a GGUF file, added to the weights in this context only.
    """

    def __init__(self, weights: Weights, settings: ContextSettings, adapter: Path | None = None) -> None:
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
        self._adapter = None if adapter is None else self._add_adapter(adapter)
        self._memory = llama.llama_get_memory(self.pointer)
        self._batch = llama.llama_batch_init(settings.batch, 0, 1)
        shape = (settings.batch,)
        self._token = np.ctypeslib.as_array(self._batch.token, shape)
        self._position = np.ctypeslib.as_array(self._batch.pos, shape)
        self._wanted = np.ctypeslib.as_array(self._batch.logits, shape)
        np.ctypeslib.as_array(self._batch.n_seq_id, shape)[:] = 1

    def close(self) -> None:
        """Free the context and release the weights."""
        self._llama.llama_batch_free(self._batch)
        self._free()

    def _free(self) -> None:
        self._llama.llama_free(self.pointer)
        if self._adapter is not None:
            self._llama.llama_adapter_lora_free(self._adapter)
        self.weights.release()

    def _add_adapter(self, path: Path) -> Any:
        """Load a LoRA adapter and add it to this context. Raises ModelError if it does not fit the weights."""
        llama, self._adapter = self._llama, None
        _log.clear()
        adapter = llama.llama_adapter_lora_init(self.weights.pointer, str(path).encode())
        if adapter:
            adapters = (llama.llama_adapter_lora_p_ctypes * 1)(adapter)
            if llama.llama_set_adapters_lora(self.pointer, adapters, 1, (ctypes.c_float * 1)(1.0)) == 0:
                return adapter
            llama.llama_adapter_lora_free(adapter)
        reason = _reason()
        self._free()
        raise ModelError(
            f"{str(path)!r} is no LoRA adapter that fits {self.weights.path.name!r}{reason}; give the GGUF adapter "
            "that was trained on it, or leave `adapter` out"
        )

    def embed(self, texts: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        """Read texts as separate sequences and return their pooled vectors, shape (texts, width).

        Limited to `batch` tokens in total and `sequences` texts.
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
        """Read runs of tokens in as few calls as possible, and yield the requested logits.

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

    @contextmanager
    def returning_states(self) -> Iterator[None]:
        """Let `decode` keep the last layer's states next to the logits, in the block."""
        self._llama.llama_set_embeddings(self.pointer, True)
        try:
            yield
        finally:
            self._llama.llama_set_embeddings(self.pointer, False)

    def last_state(self) -> npt.NDArray[np.float32]:
        """Return the last layer's state of the token read last, shape (width,): after `decode`, as a copy."""
        pointer = self._llama.llama_get_embeddings_ith(self.pointer, -1)
        return np.ctypeslib.as_array(pointer, (self.weights.embedding_size,)).copy()

    def forget(self, sequence: int, position: int) -> None:
        """Drop a sequence's tokens from a position on."""
        self._llama.llama_memory_seq_rm(self._memory, sequence, position, -1)

    def fork(self, source: int, target: int, length: int) -> None:
        """Make a sequence share the first tokens of another, without copying."""
        self._llama.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def _put(self, start: int, tokens: Sequence[int], position: int, sequence: int) -> None:
        end = start + len(tokens)
        self._token[start:end] = tokens
        self._position[start:end] = np.arange(position, position + len(tokens))
        for place in range(start, end):
            self._batch.seq_id[place][0] = sequence

    def _check(self, code: int) -> None:
        if code:
            raise ModelError(f"llama.cpp failed on {self.weights.path.name!r} with code {code}{_reason()}")


def _reason() -> str:
    """Return the first error that llama.cpp logged since the log was cleared, in parentheses."""
    return f" ({_log[0]})" if _log else ""
