"""Every kind of fault of a server: what comes of it, and that nothing of it stays once the server is healthy."""

import asyncio
from collections.abc import Iterator
from typing import Any

import fault_server
import pytest
from fault_server import CHAT, EMBEDDINGS, KEY, STREAMS, FaultServer, Kind

from taxonaut.models.chat_model import ChatReply
from taxonaut.models.llm.chat import LiteLLMChatModel
from taxonaut.models.llm.embedder import LiteLLMEmbedder
from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.llm.reply_store import KeptReplies
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.models.settings import ModelSettings
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelError, ModelReplyError
from taxonaut.state.records import ToolSpec
from taxonaut.state.stores.reply_cache import ResponseCache
from taxonaut.tools.expand_node import expand_node_spec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")]

EVERY = 8
"""Of so many kinds one is tested always, the others with the slow tests."""


def kinds(of: dict[str, Kind]) -> list[Any]:
    """Return the kinds as parameters."""
    return [
        pytest.param(kind, id=name, marks=() if at % EVERY == 0 else pytest.mark.slow)
        for at, (name, kind) in enumerate(of.items())
    ]


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultServer]:
    with FaultServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, faulty: FaultServer) -> Iterator[None]:
    monkeypatch.setenv("TEST_KEY", KEY)
    yield
    faulty.kind, faulty.healthy = None, False


def role(server: FaultServer, **changes: Any) -> ModelSettings:
    given = {
        "backoff_s": 0,
        "timeout_s": 1,
        "deadline_s": 10,
        "attempts": 2,
        "repairs": 1,
        "api_key_env": "TEST_KEY",
    }
    return ModelSettings(**{"model": "hosted_vllm/test", "api_base": server.url, **given, **changes})


def expand(text: str = "a fox") -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
    tool = expand_node_spec(3, 2)
    return ModelRequest("Choose.", "1. a 2. b 3. c", text, "", text, tool, "branches", choices, 2)


async def ask(
    settings: ModelSettings, cache: ResponseCache, request: ModelRequest
) -> ModelReply | ModelError:
    (reply,) = await Gateway(settings, KeptReplies(cache)).answer([request])
    return reply


def test_there_are_at_least_sixty_kinds() -> None:
    assert len(CHAT) >= 60
    assert len(STREAMS) + len(EMBEDDINGS) >= 60


@pytest.mark.parametrize("kind", kinds(CHAT))
async def test_a_decision(faulty: FaultServer, kind: Kind) -> None:
    faulty.kind = kind.name
    with Database.in_memory() as database:
        cache = ResponseCache(database)
        reply = await ask(role(faulty), cache, expand())
        assert isinstance(reply, ModelReply) == kind.answered, reply
        assert KEY not in str(reply)
        str(reply).encode()
        assert len(cache) == kind.answered
        faulty.healthy = True
        again = await ask(role(faulty), cache, expand())
        assert isinstance(again, ModelReply)
        wanted = await ask(role(faulty, seed=2), cache, expand())
        assert isinstance(wanted, ModelReply)
        assert again.chosen == wanted.chosen
        assert not kind.answered or reply.chosen == wanted.chosen  # type: ignore[union-attr]


FIND = ToolSpec(
    "find",
    "Find.",
    {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)


@pytest.mark.parametrize("kind", kinds(STREAMS))
async def test_a_turn_of_a_conversation(faulty: FaultServer, kind: Kind) -> None:
    faulty.kind = kind.name
    pieces: list[str] = []
    model = LiteLLMChatModel(role(faulty))
    turn = model.reply([{"role": "user", "content": "find a fox"}], [FIND], pieces.append)
    (found,) = await asyncio.gather(turn, return_exceptions=True)
    assert isinstance(found, ChatReply | ModelError), found
    assert (isinstance(found, ChatReply) and bool(found.calls)) == kind.answered, found
    assert KEY not in str(found)
    if isinstance(found, ChatReply):
        "".join([found.text, found.wrong, *pieces]).encode()


@pytest.mark.parametrize("kind", kinds(EMBEDDINGS))
def test_vectors(faulty: FaultServer, kind: Kind) -> None:
    texts = ["one fox", "two oaks"]
    faulty.kind = kind.name
    embedder = LiteLLMEmbedder(role(faulty))
    if kind.answered:
        assert embedder.embed(texts).shape == (2, 32)
    else:
        with pytest.raises(ModelError) as caught:
            embedder.embed(texts)
        assert KEY not in str(caught.value)
    faulty.healthy = True
    assert embedder.embed(texts).shape == (2, 32)


async def test_a_kept_reply_that_cannot_be_used_is_asked_for_again(faulty: FaultServer) -> None:
    with Database.in_memory() as database:
        cache = ResponseCache(database)
        first = await ask(role(faulty), cache, expand())
        assert isinstance(first, ModelReply)
        ((key, kept),) = database.rows("SELECT key, answer FROM answers")
        for broken in ("{", "[]", kept.replace('"reason": ""', '"reason": "\\ud800"'), kept[:-1]):
            cache.clear()
            cache.put_many({key: broken})
            faulty.requests = 0
            again = await ask(role(faulty), cache, expand())
            assert isinstance(again, ModelReply)
            assert (again.chosen, again.usage.cached, faulty.requests) == (first.chosen, False, 1)
            assert database.rows("SELECT answer FROM answers WHERE key = ?", [key]) != [(broken,)]


async def test_a_reply_that_was_cut_off_gets_more_room(faulty: FaultServer) -> None:
    faulty.kind, faulty.most = "cut off", 1
    try:
        (reply,) = await Gateway(role(faulty)).answer([expand("a second fox")])
    finally:
        faulty.most = None
    assert isinstance(reply, ModelReply)
    assert faulty.bodies[-2]["max_tokens"] * 4 == faulty.bodies[-1]["max_tokens"]


async def test_a_call_that_an_item_holds_is_not_the_models(faulty: FaultServer) -> None:
    faulty.kind = "fenced after prose"
    call = fault_server.call_json("expand_node", '{"branches": [3]}')
    (reply,) = await Gateway(role(faulty)).answer(
        [expand(f"{call} {call.replace('3', '2')} {call.replace('3', '1')}")]
    )
    assert isinstance(reply, ModelReplyError)


def test_replies_are_limited(faulty: FaultServer) -> None:
    faulty.kind = "large"
    (reply,) = asyncio.run(Gateway(role(faulty, max_reply_mb=0.5)).answer([expand()]))
    assert "its reply is larger than 0.5 MB; lower `max_tokens`" in str(reply).replace(")", "")
    (reply,) = asyncio.run(Gateway(role(faulty, max_reply_mb=20, timeout_s=10)).answer([expand()]))
    assert isinstance(reply, ModelReply)
