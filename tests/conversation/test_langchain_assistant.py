"""A chat model of LangChain as the assistant, given to `Workspace.open`."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatResult
from pydantic import Field

from taxonaut import Answered, ChangeProposed, Conversation, Workspace
from taxonaut.state.errors import ModelError
from taxonaut.state.updates import Token


class Caller(FakeMessagesListChatModel):
    """LangChain's fake model that gives its responses in turn; it takes tools, and keeps what it was sent."""

    sent: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[str] = Field(default_factory=list)

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        self.tools[:] = [tool["function"]["name"] for tool in tools]
        return self

    def _generate(self, messages: list[BaseMessage], *given: Any, **named: Any) -> ChatResult:
        self.sent.append(list(messages))
        return super()._generate(messages, *given, **named)


class Streamer(GenericFakeChatModel):
    """LangChain's fake model that streams its answer word by word; it takes tools."""

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


def called(name: str, arguments: dict[str, Any], number: int) -> AIMessage:
    call = {"name": name, "args": arguments, "id": f"call-{number}", "type": "tool_call"}
    used = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    return AIMessage("", tool_calls=[call], usage_metadata=used)


@pytest.fixture
def folder(shop_workspace: Workspace) -> Path:
    shop_workspace.close()
    return shop_workspace.folder


def test_it_calls_tools_reads_their_results_and_answers(folder: Path) -> None:
    caller = Caller(
        responses=[
            called("search_labels", {"query": "earbuds"}, 1),
            called("propose_category", {"name": "Fish", "parent": 1}, 2),
            AIMessage("Fish it is."),
        ],
        name="mine",
    )
    models: Any = {"assistant": caller}
    with Workspace.open(folder, models=models) as workspace, Conversation.open(workspace) as chat:
        *_, proposed = chat.say_sync("where are earbuds? add Fish")
        assert isinstance(proposed, ChangeProposed)
        *_, answered = chat.decide_sync(True)
        index = workspace.index
        names = {node.name for node in index.children(index.root())}
    assert answered == Answered("Fish it is.")
    assert names == {"Electronics", "Pets", "Fish"}
    assert {"search_labels", "propose_category"} <= set(caller.tools)
    first, second, third = caller.sent
    assert [type(each) for each in first] == [SystemMessage, HumanMessage]
    assert [type(each) for each in second[2:]] == [AIMessage, ToolMessage]
    asked, found = second[2:]
    assert isinstance(asked, AIMessage)
    assert isinstance(found, ToolMessage)
    assert [call["args"] for call in asked.tool_calls] == [{"query": "earbuds"}]
    assert found.tool_call_id == asked.tool_calls[0]["id"]
    assert "Earbuds" in str(found.content)
    assert len(third) == 6


def test_its_answer_is_streamed(folder: Path) -> None:
    streamer = Streamer(messages=iter([AIMessage("Two at the top.")]))
    models: Any = {"assistant": streamer}
    with Workspace.open(folder, models=models) as workspace, Conversation.open(workspace) as chat:
        updates = chat.say_sync("how many?")
    tokens = [update.text for update in updates if isinstance(update, Token)]
    assert len(tokens) > 1
    assert "".join(tokens) == "Two at the top."
    assert updates[-1] == Answered("Two at the top.")


def test_what_its_package_raises_is_an_error_of_the_model(folder: Path) -> None:
    class Broken(Caller):
        def _generate(self, *_: Any, **__: Any) -> ChatResult:
            raise RuntimeError("no more credit")

    models: Any = {"assistant": Broken(responses=[], name="broken")}
    with (
        Workspace.open(folder, models=models) as workspace,
        Conversation.open(workspace) as chat,
        pytest.raises(ModelError, match="'broken' gave no answer: RuntimeError: no more credit"),
    ):
        chat.say_sync("hello")


def test_arguments_that_are_not_json_are_said_to_the_model(folder: Path) -> None:
    broken = {"name": "search_labels", "args": "{", "id": "1", "error": None, "type": "invalid_tool_call"}
    caller = Caller(
        responses=[AIMessage("", invalid_tool_calls=[broken]), AIMessage("I do not know.")], name="mine"
    )
    models: Any = {"assistant": caller}
    with Workspace.open(folder, models=models) as workspace, Conversation.open(workspace) as chat:
        updates = chat.say_sync("where are earbuds?")
    assert updates[-1] == Answered("I do not know.")
    assert "The arguments of search_labels are not valid JSON." in str(caller.sent[1][-1].content)
