"""Run a GGUF chat model in this process: tool calls by grammar-constrained decoding or by scoring options."""

import codecs
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from taxonaut.models.cpu import chat_threads
from taxonaut.models.encoder.label_space import PATH_SEPARATOR
from taxonaut.models.gguf.chat_prompt import PromptWriter, call_note, plain_messages
from taxonaut.models.gguf.chat_template import Message
from taxonaut.models.gguf.constrained import ConstrainedSampler, choose
from taxonaut.models.gguf.grammar import Grammar, tool_grammar
from taxonaut.models.gguf.likelihood import (
    LogLikelihoods,
    Option,
    PrefixReader,
    PriorStore,
    calibrated_scores,
    log_softmax,
    log_sum,
)
from taxonaut.models.gguf.runtime import Context, ContextSettings, Weights
from taxonaut.models.gguf.worker_thread import WorkerThread
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.validation import cannot_decide, checked
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import ToolSpec, Usage

WINDOW = 4096
ITEM_TOKENS = 512
LEAD = "Category:"
"""The start of the assistant's answer before a scored option (in one test 66 % right, 57 % without it)."""

OnPiece = Callable[[str], None]
"""Called with each piece of streamed text; it may be empty, within a multi-byte character."""

_BATCH = 256
_OPTIONS_AT_ONCE = 64
_LONGEST_OPTION = 48
_ROOM_FOR_OPTIONS = 4 * _LONGEST_OPTION
_LONGEST_TEXT = 512


@dataclass(frozen=True, slots=True)
class Generated:
    """Generated output: a tool call (`tool` and `arguments`) if tools were given, else `text`."""

    text: str
    tool: str
    arguments: Mapping[str, Any]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are sampled. At temperature 0 the likeliest is taken and the seed is ignored."""

    temperature: float = 0.0
    seed: int = 0
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """A request as the model reads it, and answers to it, in tokens.

    *generated*: `answers` is one call with the end token. *scored*: `answers` are the options' texts in their
    order, and `blank` is the prompt with an empty item, which calibrates them; else it is empty.
    """

    prompt: tuple[int, ...]
    blank: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]


class _Session:
    """The state of the worker thread: the context with the prompt read last, and the options' priors."""

    def __init__(
        self,
        weights: Weights,
        settings: ContextSettings,
        item_tokens: int,
        lead: str,
        adapter: Path | None = None,
    ) -> None:
        self.weights = weights
        self.reader = PrefixReader(Context(weights, settings, adapter))
        self.priors = PriorStore()
        self._writer = PromptWriter(weights)
        self._item_tokens = item_tokens
        self.lead = lead

    def prompt(self, messages: Sequence[Message], reserved: int, *, whole: bool = False) -> list[int]:
        """Write a prompt that leaves room for `reserved` tokens; `whole` does not cut the item if it fits."""
        room = self.reader.context.settings.window - reserved
        return self._writer.tokens(messages, room, room if whole else self._item_tokens)

    def room(self, messages: Sequence[Message]) -> int:
        """Count the tokens left in the window after messages."""
        return self.reader.context.settings.window - self._writer.length(messages)


class GgufChat:
    """A chat model run by llama.cpp on one worker thread. Thread-safe.

    Consecutive prompts with a common prefix reuse it, so send the requests of one node together. `window` is the room
    for prompt and output, in tokens; the middle of an item is cut if it has more than `item_tokens` or does not fit
    (a list of labels: only if it does not fit). `lead` is the start of the assistant's answer before a scored option.
    `adapter` is a GGUF file with a LoRA adapter for these weights.
    """

    def __init__(
        self,
        model: str | Path = "smollm2-135m-instruct",
        *,
        answer: Literal["generated", "scored"] = "generated",
        window: int = WINDOW,
        item_tokens: int = ITEM_TOKENS,
        lead: str = LEAD,
        threads: int | None = None,
        adapter: Path | None = None,
        catalog: ModelCatalog | None = None,
    ) -> None:
        self._adapter = adapter
        self._path = (catalog or ModelCatalog()).resolve(model)
        self.name = f"gguf/{model}"
        self.answer = answer
        self._window, self._item_tokens, self._lead = window, item_tokens, lead.strip()
        self._threads = threads or chat_threads()
        self._worker = WorkerThread(self.name, self._make, lambda session: session.reader.close())

    def complete(self, request: ModelRequest, sampling: Sampling | None = None) -> ModelReply:
        """Answer one request and wait; see `submit`."""
        return self.submit(request, sampling).result()

    def submit(self, request: ModelRequest, sampling: Sampling | None = None) -> Future[ModelReply]:
        """Queue a request. The reply is a valid call of its tool with offered ids.

        *generated*: the call is decoded under the grammar of the tool's schema. *scored*: the options' texts are
        ranked by calibrated likelihood (`likelihood`) and the best `most` taken; none if the item makes no option
        likelier than an empty item does. `scores` holds all of them. The future raises ModelError if the prompt does
        not fit, ModelReplyError if the call was cut off by `max_tokens`. A request for `likelihoods` is answered with
        those of its choices' texts, however the model answers otherwise.
        """
        if request.likelihoods:
            return self._worker.call(lambda session: _likelihoods(session, request))
        if self.answer == "scored":
            return self._worker.call(lambda session: _score_options(session, request))
        return self._worker.call(lambda session: _generate_choice(session, request, sampling or Sampling()))

    def generate(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        sampling: Sampling | None = None,
    ) -> Generated:
        """Answer OpenAI messages and wait: a call of one of the tools, or text without tools."""
        return self.submit_messages(messages, tools, sampling).result()

    def submit_messages(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        sampling: Sampling | None = None,
    ) -> Future[Generated]:
        """Queue messages; see `generate`."""
        specs = [_spec(tool) for tool in tools]
        plain = plain_messages(messages)
        return self._worker.call(lambda session: _generate(session, plain, specs, sampling or Sampling()))

    def submit_turn(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec],
        sampling: Sampling,
        on_piece: OnPiece,
    ) -> Future[Generated]:
        """Queue a step of a conversation whose messages already describe the tools.

        Texts are not cut if they fit. `on_piece` is called on the worker thread with each piece of output; an
        exception from it stops generation and is raised by the future.
        """
        return self._worker.call(
            lambda session: _generate(
                session, messages, tools, sampling, whole=True, tools_described=True, on_piece=on_piece
            )
        )

    def submit_room(self, messages: Sequence[Message]) -> Future[int]:
        """Queue a count of the tokens left in the window after these messages, negative if they do not fit."""
        return self._worker.call(lambda session: session.room(messages))

    def tokenize(self, request: ModelRequest, arguments: Mapping[str, Any] | None = None) -> AnswerTokens:
        """Return a request in tokens, exactly as `submit` reads it, with the answers that can be given to it.

        With `arguments` the answer is this call of the tool, as a model that generates writes it; without, the
        answers are the options, as they are scored.
        """
        return self._worker.run(lambda session: _tokenize(session, request, arguments))

    def log_likelihoods(self, tokens: AnswerTokens) -> LogLikelihoods:
        """Return log P(answer | prompt) of each answer, summed over its tokens; nothing is calibrated."""
        return self._worker.run(lambda session: session.reader.continuations(tokens.prompt, tokens.answers))

    def last_states(self, requests: Sequence[ModelRequest]) -> npt.NDArray[np.float32]:
        """Return the last layer's state after each prompt and its lead: where the answer's next token is chosen.

        Float32 of shape (requests, width); consecutive prompts share their common prefix.
        """

        def read(session: _Session) -> npt.NDArray[np.float32]:
            return np.stack(
                [session.reader.state(_likelihood_prompt(session, request)[0]) for request in requests]
            )

        return self._worker.run(read)

    @property
    def path(self) -> Path:
        """The file with the weights."""
        return self._path

    def close(self) -> None:
        """Free the model. It cannot be used afterwards."""
        self._worker.close()

    def _make(self) -> _Session:
        weights = Weights.open(self._path)
        window = min(self._window, weights.training_context)
        settings = ContextSettings(window, _BATCH, 1 + _OPTIONS_AT_ONCE, self._threads)
        return _Session(weights, settings, self._item_tokens, self._lead, self._adapter)


def request_messages(request: ModelRequest) -> list[Message]:
    """Return a request as messages: instructions and context from the system, the item from the user."""
    return [
        {"role": "system", "content": f"{request.system}\n\n{request.context}".strip()},
        {"role": "user", "content": request.item},
    ]


def _tokenize(session: _Session, request: ModelRequest, arguments: Mapping[str, Any] | None) -> AnswerTokens:
    if arguments is None:
        blank, prompt, options = _scored_prompts(session, request)
        return AnswerTokens(tuple(prompt), tuple(blank), tuple(option.tokens for option in options))
    messages = _add_note(request_messages(request), call_note([request.tool]))
    written = session.weights.tokens(json.dumps(arguments, ensure_ascii=False))
    answer = (*written, session.weights.eos_token)
    whole = bool(request.texts) or not request.field
    return AnswerTokens(tuple(session.prompt(messages, len(answer), whole=whole)), (), (answer,))


def _scored_prompts(session: _Session, request: ModelRequest) -> tuple[list[int], list[int], list[Option]]:
    """Return the prompt with an empty item, the prompt, and the options."""
    options = [_option(session, choice.texts[0].rpartition(PATH_SEPARATOR)[2]) for choice in request.choices]
    empty = replace(request, item=request.blank_item)
    lead = session.weights.tokens(session.lead)
    blank = session.prompt(request_messages(empty), _ROOM_FOR_OPTIONS) + lead
    return blank, session.prompt(request_messages(request), _ROOM_FOR_OPTIONS) + lead, options


def _generate_choice(session: _Session, request: ModelRequest, sampling: Sampling) -> ModelReply:
    many = bool(request.texts) or not request.field
    found = _generate(session, request_messages(request), [request.tool], sampling, whole=many)
    chosen, each = checked(request, found.arguments)
    return ModelReply(
        chosen=chosen,
        arguments=found.arguments,
        usage=found.usage,
        reason=str(found.arguments.get("reason", "")),
        each=each,
        undecided=cannot_decide(request, found.arguments),
    )


def _generate(
    session: _Session,
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    sampling: Sampling,
    *,
    whole: bool = False,
    tools_described: bool = False,
    on_piece: OnPiece | None = None,
) -> Generated:
    started = time.perf_counter()
    session.reader.reset()
    grammar = tool_grammar(tools) if tools else None
    most = sampling.max_tokens or (grammar.longest if grammar else _LONGEST_TEXT)
    if tools and not tools_described:
        messages = _add_note(messages, call_note(tools))
    most = min(most, session.reader.context.settings.window // 2)
    prompt = session.prompt(messages, most, whole=whole)
    written = _write(session, prompt, grammar, replace(sampling, max_tokens=most), on_piece)
    text = b"".join(session.weights.piece(token) for token in written).decode(errors="replace")
    usage = _usage(session, len(written), started)
    if not tools:
        return Generated(text, "", {}, usage)
    try:
        call = json.loads(text)
    except ValueError:
        raise ModelReplyError(
            f"{session.weights.path.name!r} was cut off in its tool call after {most} tokens; raise "
            f"max_tokens (it ended in {text[-80:]!r})"
        ) from None
    name, arguments = (tools[0].name, call) if len(tools) == 1 else (call["name"], call["arguments"])
    return Generated("", name, arguments, usage)


def _write(
    session: _Session,
    prompt: Sequence[int],
    grammar: Grammar | None,
    sampling: Sampling,
    on_piece: OnPiece | None = None,
) -> list[int]:
    """Generate tokens until an end token or `max_tokens`."""
    random = np.random.default_rng(sampling.seed)
    sampler = ConstrainedSampler(session.weights, grammar) if grammar else None
    ends = frozenset(session.weights.end_tokens.tolist())
    everything = np.arange(session.weights.vocabulary_size)
    written: list[int] = []
    decoded = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        logits = session.reader.read(prompt)
        while True:
            if sampler:
                token = sampler.pick(logits, sampling.temperature, random)
            else:
                token = choose(everything, logits, sampling.temperature, random)
            if token in ends:
                return written
            written.append(token)
            if on_piece:
                on_piece(decoded.decode(session.weights.piece(token)))
            if len(written) == sampling.max_tokens:
                return written
            logits = session.reader.append(token)
    finally:
        if sampler:
            sampler.close()


def _score_options(session: _Session, request: ModelRequest) -> ModelReply:
    started = time.perf_counter()
    session.reader.reset()
    scores: dict[int, float] = {}
    if request.choices:
        blank, prompt, options = _scored_prompts(session, request)
        key = (request.system, request.context, request.blank_item)
        found = calibrated_scores(session.reader, session.priors, key, blank, prompt, options)
        scores = {choice.id: float(score) for choice, score in zip(request.choices, found, strict=True)}
    ranked = sorted(scores, key=lambda number: -scores[number])
    chosen = tuple(ranked[: request.most]) if ranked and scores[ranked[0]] > 0 else ()
    return ModelReply(
        chosen=chosen,
        arguments={request.field: list(chosen) or [0]},
        usage=_usage(session, 0, started),
        scores=scores,
    )


def _likelihoods(session: _Session, request: ModelRequest) -> ModelReply:
    """Return log P(text | prompt) of each choice, up to where the text ends: at a comma, a line break or the end."""
    started = time.perf_counter()
    session.reader.reset()
    prompt, texts, ends = _likelihood_prompt(session, request)
    written = {place: tokens for place, tokens in enumerate(texts) if tokens}
    comma = session.weights.tokens(",")[:1]
    found = np.empty(len(texts))
    if len(written) < len(texts):
        found[:] = log_sum(log_softmax(session.reader.read(prompt))[ends])
    found[list(written)] = session.reader.continuations(prompt, list(written.values()), [*ends, *comma])
    scores = {choice.id: float(logs) for choice, logs in zip(request.choices, found, strict=True)}
    best = max(scores, key=lambda number: scores[number])
    return ModelReply(
        chosen=(best,), arguments={request.field: [best]}, usage=_usage(session, 0, started), scores=scores
    )


def _likelihood_prompt(
    session: _Session, request: ModelRequest
) -> tuple[list[int], list[tuple[int, ...]], list[int]]:
    """Return the prompt up to the lead, the choices' texts, and the tokens that end an answer."""
    texts = []
    for choice in request.choices:
        text = choice.texts[0]
        spaced = text if not text or text.startswith(",") or not request.lead else f" {text}"
        texts.append(tuple(session.weights.tokens(spaced)[:_LONGEST_OPTION]))
    ends = [*session.weights.end_tokens.tolist(), *session.weights.tokens("\n")[-1:]]
    lead = session.weights.tokens(request.lead) if request.lead else []
    return session.prompt(request_messages(request), _ROOM_FOR_OPTIONS + len(lead)) + lead, texts, ends


def _option(session: _Session, text: str) -> Option:
    text = text.strip() or "-"
    joined = f" {text}" if session.lead else text
    return Option(text, tuple(session.weights.tokens(joined)[:_LONGEST_OPTION]))


def _usage(session: _Session, written: int, started: float) -> Usage:
    reader = session.reader
    return Usage(
        prompt_tokens=reader.prompt_tokens,
        completion_tokens=written,
        reused_tokens=reader.reused_tokens,
        latency_s=time.perf_counter() - started,
    )


def _add_note(messages: Sequence[Message], note: str) -> list[Message]:
    """Append the note to the system message, which all requests of a node share."""
    if messages and messages[0]["role"] == "system":
        return [{"role": "system", "content": f"{messages[0]['content']}\n\n{note}"}, *messages[1:]]
    return [{"role": "system", "content": note}, *messages]


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    function = tool["function"]
    return ToolSpec(function["name"], function.get("description") or "", function.get("parameters") or {})
