"""Conversations with a model behind LiteLLM, on a server that streams, breaks off and stalls."""

from typing import Any

import pytest

from taxonaut.models.chat_model import Call, ChatReply
from taxonaut.models.llm.chat import LiteLLMChatModel, read_messages
from taxonaut.models.llm.pydantic_model import messages_json
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelNotFoundError, ModelUnavailableError
from taxonaut.state.records import ToolSpec

pytestmark = [pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"), pytest.mark.slow]
"""LiteLLM's own, where a streamed chunk holds a call."""

FIND = ToolSpec(
    "find",
    "Find.",
    {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
)


def talk(server: Any, **settings: Any) -> LiteLLMChatModel:
    given = {"attempts": 3, "backoff_s": 0, "timeout_s": 20, **settings}
    return LiteLLMChatModel(ModelSettings(model="hosted_vllm/test", api_base=server.url, **given))


async def said(server: Any, text: str, *, tools: bool = True, **settings: Any) -> tuple[ChatReply, list[str]]:
    """What came of a message, and its pieces."""
    pieces: list[str] = []
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": text}]
    found = await talk(server, **settings).reply(messages, [FIND] if tools else [], pieces.append)
    return found, pieces


async def test_a_text_comes_in_pieces(server: Any) -> None:
    found, pieces = await said(server, "BEHAVE:prose")
    assert pieces == ["I ", "think ", "the ", "first ", "one ", "fits ", "best."]
    assert (found.text, found.calls, found.wrong) == ("I think the first one fits best.", (), "")
    usage = found.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.reused_tokens, usage.attempts) == (
        100,
        10,
        70,
        1,
    )
    assert usage.latency_s > 0


async def test_a_call_is_put_together(server: Any) -> None:
    found, pieces = await said(server, "find")
    assert (found.calls, found.text, pieces) == ((Call("find", {"words": "because"}),), "", [])


async def test_a_call_that_is_no_json(server: Any) -> None:
    found, _ = await said(server, "BEHAVE:badjson")
    assert found.calls == ()
    assert found.wrong.startswith("The arguments of find are not valid JSON (")
    assert (await said(server, "BEHAVE:list"))[0].wrong == "The arguments of find must be a JSON object."


@pytest.mark.parametrize(
    ("behaviour", "asked"), [("busy_once", 2), ("early", 3), ("broken", 3), ("starting", 3)]
)
async def test_what_may_pass_is_tried_again_before_the_first_piece(
    server: Any, behaviour: str, asked: int
) -> None:
    if behaviour == "busy_once":
        assert (await said(server, f"BEHAVE:{behaviour}"))[0].usage.attempts == asked
    else:
        with pytest.raises(ModelUnavailableError, match=r"\(given up after 3 tries\)"):
            await said(server, f"BEHAVE:{behaviour}")
    assert server.stats()["requests"] == asked


@pytest.mark.parametrize(
    ("behaviour", "what"), [("break", "the connection broke off"), ("stall", r"did not answer within 0\.5 s")]
)
async def test_an_answer_that_had_begun_is_not_asked_for_again(
    server: Any, behaviour: str, what: str
) -> None:
    with pytest.raises(
        ModelUnavailableError, match=what + r".* \(the answer had begun; say it again to ask anew\)"
    ):
        await said(server, f"BEHAVE:{behaviour}", tools=False, timeout_s=0.5)
    assert server.stats()["requests"] == 1


async def test_a_model_that_is_not_there(server: Any) -> None:
    with pytest.raises(ModelNotFoundError, match="is not at"):
        await said(server, "BEHAVE:missing")


def test_a_conversation_is_sent_as_it_was_written() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"words":  "ü"}'}}
    conversation = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "is there ink?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"found": []}'},
        {"role": "assistant", "content": "No.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": "paper?"},
    ]
    assert messages_json(read_messages(conversation)) == conversation
