"""A conversation as programs use it: updates, changes, threads that go on, turns that were broken off."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from langsmith.utils import get_env_var, tracing_is_enabled
from talk_parts import ScriptedAssistant, Shelf, uses

from taxonaut.agents.assistant import Turn
from taxonaut.conversation.conversation import LONGEST_MESSAGE, Conversation
from taxonaut.conversation.transcript import Said
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.updates import (
    Answered,
    ChangeDeclined,
    ChangeMade,
    ChangeProposed,
    TalkUpdate,
    Token,
    ToolFinished,
    ToolStarted,
)
from taxonaut.tools.support.chat_tool import Outcome, Proposal
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "shop") as made:
        yield made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "lines")
    made.file.write_text("ink\npaper\n")
    return made


async def read(updates: AsyncGenerator[TalkUpdate, None]) -> list[TalkUpdate]:
    return [update async for update in updates]


def opened(workspace: Workspace, shelf: Shelf, *turns: Turn, **how: Any) -> Conversation:
    thread = how.pop("thread", "default")
    return Conversation.open(workspace, thread, assistant=ScriptedAssistant(*turns, **how), toolbox=shelf)


async def test_updates_come_typed_and_in_order(workspace: Workspace, shelf: Shelf) -> None:
    async with opened(workspace, shelf, uses("find", words="ink"), Turn(text="Yes.")) as chat:
        updates = await read(chat.say("is there ink?"))
        assert [type(update) for update in updates] == [ToolStarted, ToolFinished, Token, Answered]
        assert chat.messages == [
            Said("person", "is there ink?"),
            Said("tool", "found", "find"),
            Said("assistant", "Yes."),
        ]
        assert chat.focus.text == "ink"
        assert (chat.pending, chat.interrupted) == (None, False)
        assert chat.run is not None
        assert workspace.decisions.totals(chat.run).comparisons == 2
        assert [(run.kind, run.status, run.settings["thread"]) for run in workspace.runs.list()] == [
            ("chat", "finished", "default")
        ]


async def test_a_change_waits_across_openings(workspace: Workspace, shelf: Shelf) -> None:
    async with opened(workspace, shelf, uses("add", words="glue"), writes=False) as chat:
        assert isinstance((await read(chat.say("add glue")))[-1], ChangeProposed)
    async with opened(workspace, shelf, writes=False) as chat:
        assert chat.pending is not None
        assert (chat.pending.title, chat.pending.diff, chat.by_model) == ("Add glue", ("+ glue",), False)
        assert not chat.interrupted
        updates = await read(chat.decide(True))
        assert [type(update) for update in updates] == [ChangeMade, Answered]
        assert chat.pending is None
        with pytest.raises(InputError, match="no change waits"):
            await read(chat.decide(True))
    assert shelf.lines == ["ink", "paper", "glue"]


async def test_another_message_is_a_no(workspace: Workspace, shelf: Shelf) -> None:
    async with opened(workspace, shelf, uses("add", words="glue"), uses("read"), writes=False) as chat:
        await read(chat.say("add glue"))
        updates = await read(chat.say("what is there?"))
        assert [type(update) for update in updates[:2]] == [ChangeDeclined, Answered]
        assert updates[-1] == Answered("There is: ink; paper.")
    assert shelf.lines == ["ink", "paper"]


async def test_commands(workspace: Workspace, shelf: Shelf) -> None:
    async with opened(workspace, shelf) as chat:
        assert (await read(chat.command("/find ink")))[-1] == Answered("ink is there.")
        assert isinstance((await read(chat.command(" /add glue ")))[-1], ChangeProposed)
        await read(chat.decide(True))
        with pytest.raises(InputError, match="there is no command '/fnd'; did you mean: /find"):
            chat.command("/fnd ink")
        with pytest.raises(InputError, match="there is no command 'xyz'; there are: /read, /find, /add"):
            chat.command("xyz")
    assert shelf.lines == ["ink", "paper", "glue"]


async def test_threads_are_apart(workspace: Workspace, shelf: Shelf) -> None:
    name = "a'; DROP TABLE checkpoints; -- ../é"
    async with opened(workspace, shelf, Turn(text="One."), thread=name) as chat:
        await read(chat.say("first"))
    async with opened(workspace, shelf, Turn(text="Two.")) as chat:
        await read(chat.say("second"))
        assert chat.messages == [Said("person", "second"), Said("assistant", "Two.")]
    async with opened(workspace, shelf, thread=name) as chat:
        assert chat.messages == [Said("person", "first"), Said("assistant", "One.")]


class Failing(ScriptedAssistant):
    """Fails once."""

    async def step(self, *given: Any) -> Turn:
        if not self.seen:
            self.seen.append([])
            raise ModelUnavailableError("nobody answers")
        return await super().step(*given)


async def test_a_turn_that_failed_is_gone_on_with(workspace: Workspace, shelf: Shelf) -> None:
    assistant = Failing(Turn(text="Here I am."))
    async with Conversation.open(workspace, assistant=assistant, toolbox=shelf) as chat:
        with pytest.raises(ModelUnavailableError, match="nobody answers"):
            await read(chat.say("hello?"))
        assert chat.interrupted
    async with Conversation.open(workspace, assistant=assistant, toolbox=shelf) as chat:
        assert chat.interrupted
        assert (await read(chat.resume()))[-1] == Answered("Here I am.")
        assert not chat.interrupted
        assert await read(chat.resume()) == []


class Breaking(Shelf):
    """Breaks once, right before or right after a change is made."""

    after = False
    broken = False

    async def apply(self, proposal: Proposal) -> Outcome:
        if self.broken:
            return await super().apply(proposal)
        self.broken = True
        if self.after:
            await super().apply(proposal)
        raise RuntimeError("broken")


@pytest.mark.parametrize("after", [False, True])
async def test_a_change_that_was_broken_off_is_made_once(
    workspace: Workspace, tmp_path: Path, after: bool
) -> None:
    shelf = Breaking(tmp_path / "lines")
    shelf.after = after
    async with opened(workspace, shelf, uses("add", words="glue"), writes=False) as chat:
        await read(chat.say("add glue"))
        with pytest.raises(RuntimeError, match="broken"):
            await read(chat.decide(True))
        assert (chat.interrupted, chat.pending) == (True, None)
    async with opened(workspace, shelf, writes=False) as chat:
        assert (await read(chat.resume()))[-1] == Answered("glue is added.")
    assert shelf.lines == ["glue"]


class Slow(ScriptedAssistant):
    """Begins to answer and never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()

    async def step(self, messages: Any, focus: Any, tools: Any, on_token: Any) -> Turn:
        if len(messages) == 1:
            return uses("find", words="ink")
        if messages[-1]["role"] == "tool":
            on_token("Well")
            self.began.set()
            await asyncio.sleep(3600)
        return Turn(text="Good day.")


async def test_a_turn_that_was_left_leaves_the_thread_usable(workspace: Workspace, shelf: Shelf) -> None:
    async with Conversation.open(workspace, assistant=Slow(), toolbox=shelf) as chat:
        async with aclosing(chat.say("is there ink?")) as updates:
            async for update in updates:
                if update == Token("Well"):
                    break
        assert chat.interrupted
        assert (await read(chat.say("hello")))[-1] == Answered("Good day.")
        assert not chat.interrupted
        assert [run.status for run in workspace.runs.list()] == ["finished"]


async def test_a_task_that_is_cancelled_in_a_turn(workspace: Workspace, shelf: Shelf) -> None:
    assistant = Slow()
    async with Conversation.open(workspace, assistant=assistant, toolbox=shelf) as chat:
        task = asyncio.create_task(read(chat.say("is there ink?")))
        await assistant.began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [run.status for run in workspace.runs.list()] == ["interrupted"]
        assert chat.interrupted


def test_from_synchronous_code(workspace: Workspace, shelf: Shelf) -> None:
    with opened(workspace, shelf, uses("add", words="glue"), uses("read"), writes=False) as chat:
        assert isinstance(chat.say_sync("add glue")[-1], ChangeProposed)
        assert chat.decide_sync(True)[-1] == Answered("glue is added.")
        assert chat.say_sync("what is there?")[-1] == Answered("There is: ink; paper; glue.")
        assert chat.command_sync("/find ink")[-1] == Answered("ink is there.")
        assert chat.resume_sync() == []


async def test_from_a_running_loop(workspace: Workspace, shelf: Shelf) -> None:
    with opened(workspace, shelf, Turn(text="Yes.")) as chat:
        assert chat.say_sync("hello")[-1] == Answered("Yes.")


@pytest.mark.parametrize(
    ("text", "says"), [(" \n", "the message is empty"), ("a" * (LONGEST_MESSAGE + 1), "give at most 20,000")]
)
async def test_messages_that_cannot_be(workspace: Workspace, shelf: Shelf, text: str, says: str) -> None:
    async with opened(workspace, shelf) as chat:
        with pytest.raises(InputError, match=says):
            chat.say(text)


class Watching(ScriptedAssistant):
    """Notes whether what it does would be told to LangSmith."""

    traced: bool | str = True

    async def step(self, *given: Any) -> Turn:
        self.traced = tracing_is_enabled()
        return await super().step(*given)


async def test_nothing_is_told_to_langsmith(
    workspace: Workspace, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    get_env_var.cache_clear()
    assistant = Watching(Turn(text="Yes."))
    async with Conversation.open(workspace, assistant=assistant, toolbox=shelf) as chat:
        await read(chat.say("hello"))
    assert tracing_is_enabled() is True
    assert assistant.traced is False
    get_env_var.cache_clear()


async def test_only_the_last_checkpoint_is_kept(workspace: Workspace, shelf: Shelf) -> None:
    async with opened(workspace, shelf, writes=False) as chat:
        for _ in range(3):
            await read(chat.say("hello"))
        assert len([each async for each in chat.saver.alist(chat.config)]) == 1  # type: ignore[arg-type]
    async with opened(workspace, shelf) as chat:
        assert len(chat.messages) == 6
