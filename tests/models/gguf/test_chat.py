"""`gguf/…` in conversations: tools as a grammar has them, a history that fits, SmolLM2 for real."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from talk_parts import Shelf

from taxonaut.agents.assistant import TalkingAssistant
from taxonaut.graphs.converse import converse
from taxonaut.models.chat_model import without_oldest
from taxonaut.models.gguf import chat as gguf_talk
from taxonaut.models.gguf.chat import GgufChatModel, constrainable, tool_note
from taxonaut.models.gguf.tool_call import GgufChat
from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.records import ToolSpec

pytestmark = pytest.mark.slow

USER = {"role": "user", "content": "is there ink?"}
FACTS = {"labels": 6, "categories": 5, "root": 1, "top": ["Clothes (id 2)"]}


def test_tools_as_a_grammar_and_a_note_have_them() -> None:
    spec = ToolSpec(
        "find",
        "Find things by their words. All of them.\nMore.",
        {
            "type": "object",
            "properties": {
                "words": {"type": "string", "minLength": 1, "pattern": "x", "description": "Which."},
                "node": {"type": ["integer", "string"]},
                "most": {"type": "integer", "minimum": 1},
            },
            "required": ["words", "node"],
            "additionalProperties": False,
        },
    )
    word = {"type": "string", "maxLength": 160}
    assert constrainable(spec).parameters["properties"] == {
        "words": word,
        "node": {"anyOf": [{"type": "integer"}, word]},
        "most": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
    assert tool_note([spec]).splitlines()[1] == "- find(words, node, most?): Find things by their words"


def test_history_goes_from_the_front_a_call_with_its_answers() -> None:
    call = {"role": "assistant", "tool_calls": []}
    result = {"role": "tool", "content": "1"}
    last = {"role": "user", "content": "last"}
    messages = [
        USER,
        call,
        result,
        result,
        {"role": "assistant", "content": "Yes."},
        last,
        call,
        result,
        call,
        result,
    ]
    shorter = without_oldest(messages)
    assert shorter == [last, call, result, call, result]
    assert without_oldest(shorter) == [last, call, result]
    assert without_oldest([last, call, result]) is None


@pytest.fixture(scope="module")
def smol(smollm2: Path) -> Iterator[GgufChat]:
    chat = GgufChat(threads=1, window=640)
    yield chat
    chat.close()


def in_process(chat: GgufChat, **settings: Any) -> GgufChatModel:
    return GgufChatModel(ModelSettings(model="gguf/smollm2-135m-instruct", **settings), chat)


@pytest.mark.local
async def test_smollm2_ends_each_turn(
    tmp_path: Path, smol: GgufChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf_talk, "CALL_TOKENS", 32)
    shelf = Shelf(tmp_path / "lines")
    assistant = TalkingAssistant(in_process(smol, max_tokens=24), PromptLibrary(), lambda: FACTS)
    graph = converse(assistant, shelf).compile()
    state = await graph.ainvoke({"messages": [HumanMessage("Is there ink?")]})
    assert state["messages"][-1].type == "ai"
    assert state["messages"][-1].text


@pytest.mark.local
async def test_an_answer_of_smollm2_is_streamed(smol: GgufChat) -> None:
    pieces: list[str] = []
    talked = await in_process(smol, max_tokens=12).reply([USER], [], pieces.append)
    assert "".join(pieces).strip() == talked.text != ""
    assert len(pieces) > 3
    assert talked.usage.attempts == 2
    assert talked.usage.reused_tokens > 20


@pytest.mark.local
async def test_a_history_that_is_too_long_is_made_to_fit(smol: GgufChat) -> None:
    talk = in_process(smol, max_tokens=8)
    long = [
        {"role": "system", "content": "Be short."},
        *[USER, {"role": "assistant", "content": "Yes. " * 200}] * 6,
        {"role": "user", "content": "字" * 4_000},
    ]
    kept = await talk.fit_window(long, "Tools:")
    assert [message["role"] for message in kept] == ["system", "user"]
    assert kept[1]["content"].startswith("字字")
    assert await asyncio.wrap_future(smol.submit_room(kept)) > 160


@pytest.mark.local
async def test_a_text_that_nobody_waits_for_is_not_written_on(smol: GgufChat) -> None:
    talk, pieces = in_process(smol, max_tokens=200), asyncio.Queue[str]()
    task = asyncio.create_task(talk.reply([USER], [], pieces.put_nowait))
    await pieces.get()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(asyncio.wrap_future(smol.submit_room([USER])), 5)
    assert pieces.qsize() < 60
