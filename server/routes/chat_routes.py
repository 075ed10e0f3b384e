"""Conversations: threads, what was said in them, and turns as server-sent events."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from taxonaut.conversation.conversation import Conversation, check_text
from taxonaut.conversation.threads import Thread, adelete_thread, athreads, check_name
from taxonaut.conversation.transcript import Said
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.server.chats import Begin
from taxonaut.server.problems import RESPONSES
from taxonaut.server.service import Served, Service
from taxonaut.state.updates import TalkUpdate

router = APIRouter(prefix="/api/chat", tags=["chat"], responses=RESPONSES)

ThreadQuery = Annotated[str, Query(min_length=1, max_length=80, description="The thread's name.")]
ThreadName = Annotated[str, Field(min_length=1, max_length=80)]


class ProposedChange(BaseModel):
    """A change that waits for yes: `diff` as lines; `by_model`: a language model proposed it."""

    title: str
    diff: list[str]
    by_model: bool


class ThreadAnswer(BaseModel):
    """A thread: what was said, each tool call as a line; the change that waits; whether a turn was broken off."""

    name: str
    messages: list[Said]
    pending: ProposedChange | None
    interrupted: bool


class SayRequest(BaseModel):
    """A message, or a command such as `/under Audio`."""

    thread: ThreadName
    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    person: Annotated[str, Field(max_length=200)] = ""


class DecideRequest(BaseModel):
    """Yes or no to the change that waits."""

    thread: ThreadName
    yes: bool
    person: Annotated[str, Field(max_length=200)] = ""


class ResumeRequest(BaseModel):
    """Go on with a turn that was broken off."""

    thread: ThreadName


@router.get("/threads")
async def list_threads(service: Served) -> list[Thread]:
    """List the threads, the latest first."""
    return await PORTAL.await_here(athreads(service.workspace.folder))


@router.get("/thread")
async def read_thread(service: Served, name: ThreadQuery = "default") -> ThreadAnswer:
    """Show a thread; one that is not there yet is empty."""
    return await PORTAL.await_here(_read(service, check_name(name)))


async def _read(service: Service, name: str) -> ThreadAnswer:
    async with service.chats.open(name) as chat:
        return _thread_answer(name, chat)


def _thread_answer(name: str, chat: Conversation) -> ThreadAnswer:
    waiting = chat.pending
    return ThreadAnswer(
        name=name,
        messages=chat.messages,
        pending=None
        if waiting is None
        else ProposedChange(title=waiting.title, diff=list(waiting.diff), by_model=chat.by_model),
        interrupted=chat.interrupted,
    )


@router.delete("/thread", status_code=204)
async def delete_thread(service: Served, name: ThreadQuery) -> Response:
    """Delete a thread; the changes that were made in it stay."""
    await PORTAL.await_here(adelete_thread(service.workspace.folder, name))
    return Response(status_code=204)


_STREAM: dict[int | str, dict[str, object]] = {
    200: {
        "description": "Events `update` (as Python's `TalkUpdate`), then `end`, or `problem`.",
        "content": {"text/event-stream": {}},
    }
}


@router.post("/say", response_class=StreamingResponse, responses=_STREAM)
async def say(service: Served, asked: SayRequest) -> StreamingResponse:
    """Say something in a thread, or run a command. A change that waits is declined by it."""
    text = check_text(asked.text)

    def begin(chat: Conversation) -> AsyncGenerator[TalkUpdate, None]:
        return chat.command(text) if text.startswith("/") else chat.say(text)

    return await _stream(service, asked.thread, asked.person, begin)


@router.post("/decide", response_class=StreamingResponse, responses=_STREAM)
async def decide(service: Served, asked: DecideRequest) -> StreamingResponse:
    """Say yes or no to the change that waits in a thread."""
    return await _stream(service, asked.thread, asked.person, lambda chat: chat.decide(asked.yes))


@router.post("/resume", response_class=StreamingResponse, responses=_STREAM)
async def resume(service: Served, asked: ResumeRequest) -> StreamingResponse:
    """Go on with a turn that was broken off."""
    return await _stream(service, asked.thread, "", lambda chat: chat.resume())


async def _stream(service: Service, thread: str, person: str, begin: Begin) -> StreamingResponse:
    events = service.chats.turn(check_name(thread), person, begin)
    first = await anext(events, None)  # a refusal is a problem, and no stream

    async def lines() -> AsyncIterator[str]:
        try:
            if first is not None:
                yield _line(*first)
                async for event in events:
                    yield _line(*event)
        finally:
            await events.aclose()

    return StreamingResponse(lines(), media_type="text/event-stream")


def _line(kind: Literal["update", "problem", "end"] | str, row: object) -> str:
    return f"event: {kind}\ndata: {json.dumps(row)}\n\n"
