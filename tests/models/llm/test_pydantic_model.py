"""The pydantic-ai model over LiteLLM: single requests, and an agent's whole conversation with tools."""

from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ToolOutput
from pydantic_ai.exceptions import UserError
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    RetryInfo,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from taxonaut.models.llm import client
from taxonaut.models.llm.pydantic_model import LiteLLMModel, messages_json
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import ModelNotFoundError


def model(server: Any) -> LiteLLMModel:
    return LiteLLMModel(ModelSettings(model="hosted_vllm/test", api_base=server.url, timeout_s=10))


class Verdict(BaseModel):
    branches: list[int]


async def test_an_agent_calls_a_tool_and_gives_typed_output(server: Any) -> None:
    looked: list[int] = []

    def look_into(node: int) -> str:
        """Look into a node."""
        looked.append(node)
        return "shoes, boots"

    async with client.session():
        agent = Agent(model(server), output_type=ToolOutput(Verdict, name="verdict"), tools=[look_into])
        result = await agent.run("Where do sandals belong?")
    assert (result.output, looked) == (Verdict(branches=[1]), [1])
    assert (result.usage.input_tokens, result.usage.requests) == (200, 2)
    assert server.stats()["requests"] == 2


async def test_an_agent_that_only_talks(server: Any) -> None:
    async with client.session():
        result = await Agent(model(server), instructions="Be brief.").run("Hello")
    assert result.output == "I think the first one fits best."


async def test_a_response_carries_text_and_tokens(server: Any) -> None:
    async with client.session():
        response = await model(server).request(
            [ModelRequest(parts=[UserPromptPart(content="Hello")])], None, ModelRequestParameters()
        )
    assert response.parts == [TextPart(content="I think the first one fits best.")]
    assert (response.usage.input_tokens, response.usage.cache_read_tokens, response.usage.output_tokens) == (
        100,
        70,
        10,
    )
    assert response.model_name == "hosted_vllm/test"


async def test_errors_are_ours(server: Any) -> None:
    async with client.session():
        with pytest.raises(ModelNotFoundError, match="'hosted_vllm/test' is not at "):
            await Agent(model(server)).run("BEHAVE:missing")


def test_a_conversation_in_the_openai_format() -> None:
    call = ToolCallPart(tool_name="look", args={"node": 1}, tool_call_id="c1")
    retried = ToolReturnPart("look", "No such node.", tool_call_id="c1", outcome="retried")
    conversation = [
        ModelRequest(
            parts=[SystemPromptPart(content="You choose."), UserPromptPart(content="Where?")],
            instructions="Be brief.",
        ),
        ModelResponse(parts=[TextPart(content="Let me see. "), TextPart(content="So."), call]),
        ModelRequest(parts=[ToolReturnPart(tool_name="look", content="shoes", tool_call_id="c1")]),
        ModelResponse(parts=[call]),
        ModelRequest(parts=[retried]),
        ModelRequest(parts=[RetryFeedbackPart(content="Call a tool.", retry=RetryInfo(cause="no_output"))]),
    ]
    feedback = conversation[-1].parts[0]
    assert isinstance(feedback, RetryFeedbackPart)
    called = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"node":1}'}}]
    assert messages_json(conversation) == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "You choose."},
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": "Let me see. So.", "tool_calls": called},
        {"role": "tool", "tool_call_id": "c1", "content": "shoes"},
        {"role": "assistant", "content": None, "tool_calls": called},
        {"role": "tool", "tool_call_id": "c1", "content": '{"error":"No such node."}'},
        {"role": "user", "content": feedback.model_response()},
    ]


def test_pictures_are_refused() -> None:
    picture = UserPromptPart(content=[BinaryContent(b"", media_type="image/png")])
    with pytest.raises(UserError, match="taxonaut sends text only; a UserPromptPart cannot be sent"):
        messages_json([ModelRequest(parts=[picture])])
