"""Send decisions to a language model: reply cache, concurrency limit, retries, repairs, deadlines, token counts."""

import asyncio
import hashlib
import json
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequestPart,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.messages import ModelRequest as PydanticRequest
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_exponential_jitter,
)

from taxonaut.models.llm import client
from taxonaut.models.llm.errors import (
    LONGEST_WAIT_S,
    TransientError,
    UnreachableError,
    UnreadableReplyError,
    past_deadline,
)
from taxonaut.models.llm.pydantic_model import (
    ADAPTER,
    ANSWER,
    FINISH,
    REASONING,
    REQUEST,
    LiteLLMModel,
    LiteLLMModelSettings,
    messages_json,
    tool_definition,
    tool_json,
)
from taxonaut.models.llm.reply_store import until_done
from taxonaut.models.llm.text_calls import (
    TextCall,
    is_unfinished_thought,
    offered_name,
    read_calls,
    repaired,
)
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.models.validation import (
    cannot_decide,
    checked,
    parse_arguments,
    read_arguments,
    unstorable,
)
from taxonaut.state import telemetry
from taxonaut.state.errors import ModelError, ModelReplyError, ModelUnavailableError
from taxonaut.state.records import Usage
from taxonaut.state.stores.reply_cache import ReplyOrigin

INTERVAL_S = 0.004
"""About the CPU time of a request: LiteLLM cannot send more for long."""


class Limit:
    """At most `most` holders at a time on one event loop, who start `INTERVAL_S` apart.

    Requests that start together are answered together, and the event loop then works on all the answers in
    turns, a little on each: all of them are late, the next ones start together again, and a server that
    answers in 500 ms is asked every 750 ms. Kept apart, each answer finds the loop free
    (`benchmarks/overhead.py`: 1,000 decisions at 64 in flight).
    """

    def __init__(self, most: int) -> None:
        self.places = asyncio.Semaphore(most)
        self.free_at = 0.0

    async def __aenter__(self) -> None:
        """Wait for a place, then for a turn to start."""
        await self.places.acquire()
        try:
            await self.turn()
        except BaseException:
            self.places.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the place to the next."""
        self.places.release()

    async def turn(self) -> None:
        """Wait until the last one started long enough ago."""
        now = asyncio.get_running_loop().time()
        start = max(now, self.free_at)
        self.free_at = start + INTERVAL_S
        if start > now:
            await asyncio.sleep(start - now)


T = TypeVar("T")

TOP_LOGPROBS = 20
"""Tokens whose log-probabilities are requested of a server: the most that OpenAI-compatible ones give."""

MORE_ROOM = 4
"""How many times as many tokens a reply may have that was cut off, at each further try."""

WORKING_AND_NEXT = 2
"""Requests in flight to a model of this process: the one it works on and the next."""

FIRST_ATTEMPTS = 2
"""Most tries at a server that has never answered: a wrong address should be reported sooner than a restart."""


@dataclass(slots=True)
class Flight:
    """A request in flight, and how many calls wait for it."""

    task: "asyncio.Task[ModelReply | ModelError]"
    waiting: int = 0


class Flights:
    """The requests in flight on one event loop, by key, so that equal ones are sent once."""

    def __init__(self) -> None:
        self.sent: dict[str, Flight] = {}
        self.lookups: dict[int, tuple[set[str], dict[str, ModelReply]]] = {}

    @contextmanager
    def looking_up(self, keys: Sequence[str]) -> Iterator[dict[str, ModelReply]]:
        """Collect the replies to `keys` that come during the block, which a look into the cache may have missed."""
        landed: dict[str, ModelReply] = {}
        self.lookups[id(landed)] = set(keys), landed
        try:
            yield landed
        finally:
            del self.lookups[id(landed)]

    def start(self, key: str, answer: Coroutine[Any, Any, ModelReply | ModelError]) -> Flight:
        """Send a request."""
        flight = self.sent[key] = Flight(asyncio.ensure_future(answer))
        flight.task.add_done_callback(lambda task: self.land(key, flight, task))
        return flight

    def land(self, key: str, flight: Flight, task: "asyncio.Task[ModelReply | ModelError]") -> None:
        """Take a request out that has ended."""
        if self.sent.get(key) is flight:
            del self.sent[key]
        if task.cancelled() or task.exception() is not None:
            return
        reply = task.result()
        for keys, landed in self.lookups.values():
            if key in keys and isinstance(reply, ModelReply):
                landed[key] = as_cached(reply)

    async def wait(self, key: str, flight: Flight) -> ModelReply | ModelError:
        """Wait for a request; the last one that is cancelled ends it, before the cancellation is raised."""
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                if self.sent.get(key) is flight:
                    del self.sent[key]
                flight.task.cancel()
                await until_done(flight.task)


class ReplyStore(Protocol):
    """Stores finished replies, so that no finished request is sent twice."""

    async def get_many(self, keys: list[str]) -> dict[str, str]:
        """Return the replies that are kept, by key."""

    async def put(self, key: str, reply: str, origin: ReplyOrigin) -> None:
        """Keep a reply with what it answers; returns once it is durable."""

    async def drop(self, keys: list[str]) -> None:
        """Forget replies."""


class Gateway:
    """One role's model behind LiteLLM. Safe to use from several event loops; each has its own limit."""

    def __init__(
        self, settings: ModelSettings, store: ReplyStore | None = None, *, weights: str = ""
    ) -> None:
        self.settings = settings
        self.store = store
        self.weights = weights
        """The fingerprint of the user's files behind the model and its adapter: part of the replies' keys."""
        self.model = LiteLLMModel(settings)
        self.reached = False
        """Whether the server ever answered; one that never did is not waited for long."""
        self.limits: WeakKeyDictionary[asyncio.AbstractEventLoop, Limit] = WeakKeyDictionary()
        self.in_flight_on: WeakKeyDictionary[asyncio.AbstractEventLoop, Flights] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """The LiteLLM model string."""
        return self.settings.model

    @property
    def reads_prompts(self) -> bool:
        """A language model reads them."""
        return True

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer all requests, at most `concurrency` in flight; a failed request has its error in its place.

        Equal requests are sent once, also those of calls at the same time, if replies are kept.
        """
        keys = [request_key(self.settings, request, self.weights) for request in requests]
        flights = self.flights()
        found: dict[str, ModelReply | ModelError] = {}
        with flights.looking_up(keys) as landed:
            kept = await self.kept(keys)
            found.update(landed | kept)
        missing: dict[str, ModelRequest] = {}
        for key, request in zip(keys, requests, strict=True):
            if key not in found:
                missing.setdefault(key, request)
        async with client.session():
            asked = await together([self.join(flights, key, request) for key, request in missing.items()])
        found.update(zip(missing, asked, strict=True))
        return [found[key] for key in keys]

    def flights(self) -> "Flights":
        """Return the requests in flight of the running loop."""
        loop = asyncio.get_running_loop()
        return self.in_flight_on.setdefault(loop, Flights())

    async def join(self, flights: "Flights", key: str, request: ModelRequest) -> ModelReply | ModelError:
        """Send a request, or wait for the equal one in flight, whose reply then counts as cached.

        A request ends when all who wait for it are cancelled.
        """
        if self.store is None:
            return await self.answer_one(key, request)
        flight = flights.sent.get(key)
        first = flight is None
        if flight is None:
            flight = flights.start(key, self.answer_one(key, request))
        reply = await flights.wait(key, flight)
        return reply if first or isinstance(reply, ModelError) else as_cached(reply)

    async def kept(self, keys: Sequence[str]) -> dict[str, ModelReply]:
        """Return the kept replies; one that cannot be used is dropped, so that it is asked for again."""
        if self.store is None:
            return {}
        rows = await self.store.get_many(list(keys))
        replies = {key: reply for key, row in rows.items() if (reply := loaded(row)) is not None}
        if broken := [key for key in rows if key not in replies]:
            await self.store.drop(broken)
        return replies

    async def answer_one(self, key: str, request: ModelRequest) -> ModelReply | ModelError:
        """Ask, and keep the answer under its key.

        A request gives its place to the next once its answer is kept: whenever the process is killed, no more
        than `concurrency` answers are lost.
        """
        await client.load_litellm()  # imported before the deadline runs
        async with self.limit():
            try:
                async with telemetry.within(request.span), asyncio.timeout(self.settings.deadline_s):
                    reply = await self.decide(request)
            except TimeoutError:
                return past_deadline(self.settings)
            except ModelError as error:
                return error
            if self.store is not None:
                origin = ReplyOrigin(self.name, request.tool.name, request.hash)
                await self.store.put(key, dumped(reply), origin)
            return reply

    def limit(self) -> Limit:
        """The concurrency limit of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self.limits:
            self.limits[loop] = Limit(self.in_flight)
        return self.limits[loop]

    @property
    def in_flight(self) -> int:
        """How many requests the model has at once: of one in this process, the one at work and the next.

        It answers one after the other, and what waits before it would wait within its deadline.
        """
        settings = self.settings
        if settings.in_process and "concurrency" not in settings.model_fields_set:
            return WORKING_AND_NEXT
        return settings.concurrency

    async def decide(self, request: ModelRequest) -> ModelReply:
        """Send a request until its tool call is valid; the model is told what was wrong at most `repairs` times.

        A reply that was cut off is asked for again with more room, one that holds no answer as it was.
        """
        if request.likelihoods and not self.settings.in_process:
            return await self.read_likelihoods(request)
        messages: list[ModelMessage] = [opening(request)]
        usage, room = Usage(attempts=0), self.settings.max_tokens
        started = time.perf_counter()
        for remaining in range(self.settings.repairs, -1, -1):
            response, shown = None, messages
            try:
                response, attempts = await self.send(messages, request, room)
                usage = add_usage(usage, response, attempts)
                reply = read(request, response)
            except ModelReplyError as error:
                fault = error
                if response is None:
                    usage = replace(usage, attempts=usage.attempts + 1)
                elif was_cut_off(response):
                    fault, room = cut_off(room), room * MORE_ROOM
                else:
                    messages = [*messages, response, correction(response, str(error))]
                if not remaining:
                    failure = self.no_valid_call(request, fault)
                    failure.turns = tuple(messages_json([*shown[1:], *filter(None, [response])]))
                    raise failure from None
                continue
            return replace(
                reply,
                usage=replace(usage, latency_s=time.perf_counter() - started),
                turns=tuple(messages_json([*messages[1:], response])),
            )
        raise AssertionError("unreachable")

    def no_valid_call(self, request: ModelRequest, last: ModelReplyError) -> ModelReplyError:
        """Return the error of a model that never made a valid call."""
        advice = (
            last.advice
            if isinstance(last, UnreadableReplyError)
            else 'ask a model that calls tools, or set `tool_choice = "text"` in taxonaut.toml'
        )
        return ModelReplyError(
            f"{self.name!r} made no valid call of {request.tool.name} in {self.settings.repairs + 1} tries "
            f"(the last one: {str(last).rstrip('.')}); {advice}"
        )

    def sent(self, request: ModelRequest, turns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return `messages` and `tools` of a request as LiteLLM gets them, with later turns after it."""
        tools = list(map(tool_json, self.tools(request)))
        return client.asked(self.settings, [*messages_json([opening(request)]), *turns], tools, {})

    def tools(self, request: ModelRequest) -> list[ToolDefinition]:
        """Return the tools that are sent with a request."""
        if request.likelihoods and not self.settings.in_process:
            return []
        return [tool_definition(request.tool)]

    async def read_likelihoods(self, request: ModelRequest) -> ModelReply:
        """Ask for one token, and read the log-probability of each choice's text among the likeliest tokens.

        A choice that is not among them gets what the least likely of them has, which is more than its own; how many
        did is said in `arguments` under `lost`. Raises ModelReplyError where a server gives no log-probabilities.
        """
        started = time.perf_counter()
        own: LiteLLMModelSettings = {
            "max_tokens": 1,
            "litellm_arguments": {"logprobs": True, "top_logprobs": TOP_LOGPROBS},
        }
        response, attempts = await self.retry(
            lambda: self.model.request([opening(request)], own, ModelRequestParameters())
        )
        likeliest = likeliest_tokens(response, self.name)
        found = {choice.id: spelt(likeliest, choice.texts[0]) for choice in request.choices}
        least = min(likeliest.values())
        lost = [number for number, value in found.items() if value is None]
        scores = {number: least if value is None else value for number, value in found.items()}
        best = max(scores, key=lambda number: scores[number])
        usage = add_usage(Usage(attempts=0), response, attempts)
        return ModelReply(
            chosen=(best,),
            arguments={request.field: [best], "lost": len(lost)},
            usage=replace(usage, latency_s=time.perf_counter() - started),
            scores=scores,
        )

    async def send(
        self, messages: list[ModelMessage], request: ModelRequest, room: int
    ) -> tuple[ModelResponse, int]:
        """Send one request for at most `room` tokens, with retries; returns the reply and the number of tries."""
        parameters = ModelRequestParameters(function_tools=self.tools(request), allow_text_output=False)
        own: LiteLLMModelSettings = {"max_tokens": room}
        if self.settings.in_process:
            adapter = {ADAPTER: self.settings.adapter} if self.settings.adapter else {}
            own["litellm_arguments"] = {REQUEST: request, ANSWER: self.settings.answer, **adapter}
        return await self.retry(lambda: self.model.request(messages, own, parameters))

    async def retry(self, send: Callable[[], Awaitable[T]]) -> tuple[T, int]:
        """Send something to the model, and again after an error that may pass; returns the answer and the tries."""
        attempts = 0
        try:
            async for attempt in self.retrying():
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    answer = await send()
                    self.reached = True
                    return answer, attempts
        except TransientError as error:
            tries = "1 try" if attempts == 1 else f"{attempts} tries"
            raise ModelUnavailableError(f"{error} (given up after {tries})") from None
        raise AssertionError("unreachable")

    def retrying(self) -> AsyncRetrying:
        """tenacity's retries: exponential with jitter, or as long as the server asked for."""
        backoff = wait_exponential_jitter(
            multiplier=self.settings.backoff_s, max=LONGEST_WAIT_S, jitter=self.settings.backoff_s
        )

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            wished = error.retry_after_s if isinstance(error, TransientError) else None
            return min(wished, LONGEST_WAIT_S) if wished is not None else backoff(state)

        def stop(state: RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            nobody_there = isinstance(error, UnreachableError) and not self.reached
            return state.attempt_number >= min(
                self.settings.attempts, FIRST_ATTEMPTS if nobody_there else self.settings.attempts
            )

        return AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop,
            wait=wait,
            reraise=True,
        )


async def together(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all; when one raises, end the others before it is raised on, so that nothing is left running."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def request_key(settings: ModelSettings, request: ModelRequest, weights: str = "") -> str:
    """Return the key of a request in the cache: a hash of model, messages, schema and settings."""
    tool = request.tool
    parts = [
        f"{settings.model} {weights}" if weights else settings.model,
        settings.api_base,
        settings.answer,
        settings.temperature,
        settings.max_tokens,
        settings.seed,
        request.system,
        request.context,
        request.item,
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        [request.blank_item, *(choice.texts for choice in request.choices)]
        if settings.answer == "scored"
        else None,
    ]
    if request.likelihoods:
        parts.append({"lead": request.lead, "texts": [choice.texts[0] for choice in request.choices]})
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def opening(request: ModelRequest) -> PydanticRequest:
    """The messages of a request, from the most to the least shared."""
    parts: list[ModelRequestPart] = [
        SystemPromptPart(content=f"{request.system}\n\n{request.context}"),
        UserPromptPart(content=request.item),
    ]
    return PydanticRequest(parts=parts)


def correction(response: ModelResponse, error: str) -> PydanticRequest:
    """Say what was wrong, as the answer to the faulty call if there was one."""
    call = next((part for part in response.parts if isinstance(part, ToolCallPart)), None)
    content = f"{error}\n\nFix the errors and try again."
    if call is None:
        return PydanticRequest(parts=[UserPromptPart(content=content)])
    return PydanticRequest(
        parts=[ToolReturnPart(tool_name=call.tool_name, content=content, tool_call_id=call.tool_call_id)]
    )


def likeliest_tokens(response: ModelResponse, name: str) -> dict[str, float]:
    """Return the log-probabilities of the first token's likeliest spellings. Raises ModelReplyError without any."""
    given = (response.provider_details or {}).get("logprobs")
    content = as_mapping(given).get("content") if given is not None else None
    rows = as_mapping(content[0]).get("top_logprobs") if content else None
    if not rows:
        raise ModelReplyError(
            f"{name!r} returned no log-probabilities; use a server that returns them (`logprobs`, such as vLLM or "
            "OpenAI) or gguf/…, or a method without them: hard, or unary by sampling (--samples N)"
        )
    return {str(as_mapping(row)["token"]): float(as_mapping(row)["logprob"]) for row in rows}


def as_mapping(row: Any) -> Mapping[str, Any]:
    """Return a part of an answer as a mapping, whether LiteLLM made a record of it or not."""
    return row if isinstance(row, Mapping) else vars(row)


def spelt(likeliest: Mapping[str, float], text: str) -> float | None:
    """Return the log-probability of a text among tokens, whatever blanks are around it; None if not there."""
    found = [math.exp(value) for token, value in likeliest.items() if token.strip() == text]
    return math.log(sum(found)) if sum(found) > 0 else None


def read(request: ModelRequest, response: ModelResponse) -> ModelReply:
    """Return the tool call of a reply. Raises ModelReplyError if there is none, or it is not valid."""
    call = next((part for part in response.parts if isinstance(part, ToolCallPart)), None)
    if call is None:
        arguments = read_text(request, response)
    else:
        name = offered_name(call.tool_name, [request.tool]) or call.tool_name
        given = call.args if call.args is not None else "{}"
        arguments = parse_arguments(request, name, repaired(given) if isinstance(given, str) else given)
    details: Mapping[str, Any] = response.provider_details or {}
    chosen, each = checked(request, arguments)
    return ModelReply(
        chosen=chosen,
        arguments=arguments,
        usage=Usage(),
        scores=details.get("scores"),
        reason=str(arguments.get("reason", "")),
        each=each,
        undecided=cannot_decide(request, arguments),
    )


def read_text(request: ModelRequest, response: ModelResponse) -> Mapping[str, Any]:
    """Return the arguments of the one valid call that a reply's text is, or its reasoning where it has no text.

    Raises ModelReplyError: of the only call if it is not valid, else that there is none.
    """
    details: Mapping[str, Any] = response.provider_details or {}
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    thought = details.get(REASONING) or ""
    calls = read_calls(text, [request.tool], request.item) or (
        [] if text.strip() else read_calls(thought, [request.tool], request.item)
    )
    valid = [call for call in calls if is_valid(request, call)]
    if len(valid) == 1 or len(calls) == 1:
        return (valid or calls)[0].arguments
    if calls:
        raise ModelReplyError(f"Call the tool {request.tool.name} once.")
    raise ModelReplyError(f"Answer with a call of the tool {request.tool.name}, not with text.")


def is_valid(request: ModelRequest, call: TextCall) -> bool:
    """Return whether a call is one that the request allows."""
    try:
        checked(request, call.arguments)
    except ModelReplyError:
        return False
    return True


def was_cut_off(response: ModelResponse) -> bool:
    """Return whether a reply ended because it was as long as it may be, or within a thought."""
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    return (response.provider_details or {}).get(FINISH) == "length" or is_unfinished_thought(text)


def cut_off(room: int) -> UnreadableReplyError:
    """Return the error of a reply that was cut off after `room` tokens."""
    return UnreadableReplyError(
        f"its reply was cut off after {room} tokens, before the call was whole",
        "raise `max_tokens` in taxonaut.toml, or let the model think less",
    )


def add_usage(usage: Usage, response: ModelResponse, attempts: int) -> Usage:
    """Add what one answer cost."""
    return Usage(
        prompt_tokens=usage.prompt_tokens + response.usage.input_tokens,
        completion_tokens=usage.completion_tokens + response.usage.output_tokens,
        reused_tokens=usage.reused_tokens + response.usage.cache_read_tokens,
        attempts=usage.attempts + attempts,
    )


def as_cached(reply: ModelReply) -> ModelReply:
    """Return a reply to somebody who did not send the request."""
    return replace(reply, usage=replace(reply.usage, latency_s=0.0, cached=True))


def dumped(reply: ModelReply) -> str:
    """Return a reply as JSON, for the store."""
    row = {each.name: getattr(reply, each.name) for each in fields(reply) if each.name != "transcript"}
    return json.dumps({**row, "usage": asdict(reply.usage)}, ensure_ascii=True)


def loaded(kept: str) -> ModelReply | None:
    """Return a kept reply: its tokens as they were, no time, and `cached` set; None if it cannot be used."""
    try:
        row = json.loads(kept)
        scores = row["scores"]
        reply = ModelReply(
            chosen=tuple(map(int, row["chosen"])),
            arguments=read_arguments("a kept reply", row["arguments"]),
            usage=replace(Usage(**row["usage"]), latency_s=0.0, cached=True),
            scores={int(key): float(value) for key, value in scores.items()} if scores else None,
            reason=str(row["reason"]),
            each=tuple(tuple(map(int, each)) for each in row.get("each", ())),
            undecided=bool(row.get("undecided", False)),
            turns=tuple(map(dict, row.get("turns", ()))),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ModelReplyError):
        return None
    return reply if unstorable([reply.reason, *asdict(reply.usage).values()]) is None else None
