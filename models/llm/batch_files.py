"""Requests as a batch file in OpenAI's format, and the replies of one: asked for now, answered later.

A request is known by its key in the cache, which is the line's `custom_id`; a reply is read as one that comes at
once: only what its request offers is accepted, and anything else is asked for again.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from taxonaut.models.llm import client
from taxonaut.models.llm.errors import UnreadableReplyError
from taxonaut.models.llm.gateway import Gateway, dumped, read
from taxonaut.models.llm.pydantic_model import messages_json, read_response
from taxonaut.models.requests import ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError, ModelError, ModelReplyError
from taxonaut.state.stores.reply_cache import ReplyOrigin

log = logging.getLogger("taxonaut.models.llm")

URL = "/v1/chat/completions"

LONGEST_LINE = 16 * 1024 * 1024
"""Characters of a reply; a longer line is left out."""


class PendingError(ModelError):
    """A request that is in a batch file and not answered yet."""


@dataclass(slots=True)
class Batch:
    """What is asked in a batch file, and the replies that came to the last one.

    `requests` are the lines to send, by `custom_id`; `unusable` counts replies that were asked for again, `answered`
    those that were taken. Once one request of an item waits, no other is written that depends on it.
    """

    replies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    answered: int = 0
    unusable: int = 0

    def model(self, settings: ModelSettings, opened: Any) -> Any:
        """Return a role's model as one that is asked in this batch; models that read no prompts are as they were.

        Raises InputError for a model that is not asked through LiteLLM.
        """
        if not opened.reads_prompts:
            return opened
        if type(opened) is not Gateway or settings.in_process:
            raise InputError(
                f"{opened.name!r} takes no batch files: they are for models at a server, without `join`"
            )
        return BatchGateway(settings, opened, self)

    def write(self, path: Path) -> None:
        """Write the requests as JSON lines. Raises InputError if the file cannot be written."""
        lines = (
            {"custom_id": key, "method": "POST", "url": URL, "body": body}
            for key, body in self.requests.items()
        )
        try:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from None


class BatchGateway(Gateway):
    """A gateway that writes down what it would send, and takes replies from a file."""

    def __init__(self, settings: ModelSettings, gateway: Gateway, batch: Batch) -> None:
        super().__init__(settings, gateway.store, weights=gateway.weights)
        self.batch = batch
        self.blocked: frozenset[str] = frozenset()

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        """Answer from the cache and the file; what is left is written down, if nothing it depends on waits."""
        self.blocked = frozenset(self.batch.waiting)
        replies = await super().answer(requests)
        for request, reply in zip(requests, replies, strict=True):
            if isinstance(reply, PendingError) and request.about:
                self.batch.waiting.add(request.about)
        return replies

    async def answer_one(self, key: str, request: ModelRequest) -> ModelReply | ModelError:
        """Take the reply of the file, or write the request down."""
        if (row := self.batch.replies.get(key)) is not None:
            try:
                reply = self.read_row(request, row)
            except ModelReplyError as error:
                self.batch.unusable += 1
                log.info(
                    "batch reply unusable", extra={"taxonaut": {"key": key, "error": type(error).__name__}}
                )
            else:
                self.batch.answered += 1
                if self.store is not None:
                    await self.store.put(
                        key, dumped(reply), ReplyOrigin(self.name, request.tool.name, request.hash)
                    )
                return reply
        if request.about and request.about in self.blocked:
            return PendingError("an earlier request of this item waits for its reply")
        asked = self.sent(request, ())
        model = self.settings.model.partition("/")[2]
        body = {"model": model, **{name: value for name, value in asked.items() if value is not None}}
        self.batch.requests[key] = body
        return PendingError("waits for the reply of its batch file")

    def read_row(self, request: ModelRequest, row: Mapping[str, Any]) -> ModelReply:
        """Read one line of a file of replies. Raises ModelReplyError if it holds no valid call."""
        response = row.get("response")
        body = response.get("body") if isinstance(response, Mapping) else None
        status = response.get("status_code", 200) if isinstance(response, Mapping) else None
        if not isinstance(body, Mapping) or status != 200:
            raise UnreadableReplyError("its request failed", "it is asked for again")
        try:
            answer = read_response(client.litellm().ModelResponse(**body), self.settings)
        except ModelReplyError:
            raise
        except Exception as error:  # noqa: BLE001 – whatever LiteLLM stumbles over in a reply
            raise UnreadableReplyError(
                f"it cannot be read ({type(error).__name__})", "it is asked for again"
            ) from None
        reply = read(request, answer)
        usage = answer.usage
        return replace(
            reply,
            usage=replace(
                reply.usage,
                prompt_tokens=usage.input_tokens,
                completion_tokens=usage.output_tokens,
                reused_tokens=usage.cache_read_tokens,
            ),
            turns=tuple(messages_json([answer])),
        )


def read_replies(path: Path) -> dict[str, Mapping[str, Any]]:
    """Read the replies of a batch file by `custom_id`; of several the last counts, other lines are left out.

    Raises InputError if the file cannot be read or has no line of a reply.
    """
    found: dict[str, Mapping[str, Any]] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for row in json_rows(file):
                if isinstance(key := row.get("custom_id"), str):
                    found[key] = row
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if not found:
        raise InputError(
            f"{str(path)!r} holds no replies of a batch file: JSON objects with `custom_id` and `response`"
        )
    return found


def json_rows(lines: Iterator[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a file's lines; other lines are left out."""
    for line in lines:
        if len(line) <= LONGEST_LINE:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, Mapping):
                yield row
