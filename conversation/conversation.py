"""A conversation over a workspace: say something, read typed updates, say yes or no to a change, come back later."""

from asyncio import Queue, Task, create_task, gather
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import uuid4

from taxonaut.agents.assistant import Assistant
from taxonaut.conversation.assistants import assistant_of, toolbox_of
from taxonaut.conversation.threads import checked_name, opened_saver, tidied
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.conversation.transcript import Said, history, is_command, named_files
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.errors import InputError
from taxonaut.state.ids import RunId
from taxonaut.state.records import Decision
from taxonaut.state.updates import TalkUpdate
from taxonaut.tools.support.chat_tool import (
    Focus,
    Proposal,
    Tool,
    Toolbox,
    ToolUse,
    focus_of,
    proposal_of,
    use_row,
)
from taxonaut.workspace.core.resumable import Resumable
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot


def parsed(tools: Mapping[str, Tool], line: str) -> ToolUse:
    """Return the call of a line such as `/under Audio`; InputError if there is no such command."""
    word, _, rest = line.strip().partition(" ")
    commands = {tool.command.lstrip("/"): tool for tool in tools.values()}
    tool = commands.get(word.lstrip("/"))
    if tool is None or not word.startswith("/"):
        near = get_close_matches(word.lstrip("/"), commands, n=3)
        others = ", ".join(f"/{name}" for name in near or commands)
        raise InputError(f"there is no command {word!r}; {'did you mean' if near else 'there are'}: {others}")
    return ToolUse(uuid4().hex, tool.name, tool.parse(rest.strip()))


T = TypeVar("T")

KIND = "chat"
"""The kind of a thread's run."""

LONGEST_MESSAGE = 20_000
"""Characters of a person's message."""


class Conversation:
    """One thread of a workspace.

    >>> async with Conversation.open(workspace, thread="default") as chat:
    ...     async for update in chat.say("where would wireless earbuds go?"):
    ...         ...
    ...     if chat.pending is not None:
    ...         async for update in chat.decide(True):
    ...             ...

    Read the updates of a turn to their end: leaving them earlier breaks the turn off. From synchronous code: `with`
    in place of `async with`, and `say_sync`, `decide_sync`, `command_sync` and `resume_sync`, which return the
    updates as a list.
    """

    def __init__(
        self,
        workspace: Workspace,
        thread: str = "default",
        assistant: Assistant | None = None,
        toolbox: Toolbox | None = None,
    ) -> None:
        self.workspace = workspace
        self.thread = checked_name(thread)
        self.given = (assistant, toolbox)
        self.run: RunId | None = None
        """The run that keeps this thread's decisions; none before its first turn."""
        self.stack = AsyncExitStack()
        self.turn: Task[None] | None = None
        self.assistant: Assistant
        self.toolbox: Toolbox
        self.saver: AsyncSqliteSaver
        self.graph: CompiledStateGraph[Any, Any, Any, Any]
        self.snapshot: StateSnapshot

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        thread: str = "default",
        *,
        assistant: Assistant | None = None,
        toolbox: Toolbox | None = None,
    ) -> Self:
        """Return a thread, to be used in a `with` or `async with` block; it is made if there is none of the name.

        `assistant` and `toolbox` are the workspace's own unless they are given.
        """
        return cls(workspace, thread, assistant, toolbox)

    async def __aenter__(self) -> Self:
        from taxonaut.graphs.converse import converse

        assistant, toolbox = self.given
        self.toolbox = toolbox or toolbox_of(self.workspace)
        self.assistant = assistant or assistant_of(self.workspace)
        graph = converse(self.assistant, self.toolbox, self.keep)
        self.saver = await self.stack.enter_async_context(opened_saver(self.workspace.folder))
        self.graph = graph.compile(checkpointer=self.saver)
        try:
            await self.look()
        except BaseException:
            await self.stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Break off what runs and close the thread's file; the thread can be opened again."""
        await self.end_turn()
        await self.stack.aclose()

    @property
    def config(self) -> "RunnableConfig":
        """What LangGraph knows the thread by."""
        return {"configurable": {"thread_id": self.thread}}

    @property
    def pending(self) -> Proposal | None:
        """The change that waits for yes."""
        row = self.waiting
        return None if row is None else proposal_of(row)

    @property
    def after_foreign(self) -> bool:
        """Whether texts of items were read before the change that waits: nothing may say yes by itself then."""
        row = self.waiting
        return row is not None and bool(row.get("after_foreign"))

    @property
    def waiting(self) -> dict[str, Any] | None:
        """The change that waits, as JSON."""
        found = self.snapshot.interrupts
        return found[0].value if found else None

    @property
    def interrupted(self) -> bool:
        """Whether a turn was broken off; `resume` goes on with it, and a new message leaves it behind."""
        return bool(self.snapshot.next) and not self.snapshot.interrupts

    @property
    def messages(self) -> list[Said]:
        """What was said so far, tool calls folded to a line."""
        return history(self.snapshot.values.get("messages", ()))

    @property
    def focus(self) -> Focus:
        """What *it* and *there* point to."""
        return focus_of(self.snapshot.values.get("focus"))

    def say(self, text: str) -> AsyncGenerator[TalkUpdate, None]:
        """Send a message. Where a change waits, anything said is a no to it.

        Raises:
            InputError: The message is empty, or too long.
            ModelError: The assistant's model gave no answer; the turn is broken off.
        """
        return self.sent(self.message(checked_text(text)))

    def command(self, line: str) -> AsyncGenerator[TalkUpdate, None]:
        """Carry out a `/` command: the same tools, and no model is asked. InputError says what it takes."""
        use = parsed(self.toolbox.tools, checked_text(line))
        return self.sent(self.message(line.strip(), {"use": use_row(use)}))

    async def decide(self, yes: bool) -> AsyncGenerator[TalkUpdate, None]:
        """Say yes or no to the change that waits; InputError if none does."""
        from langgraph.types import Command

        if self.pending is None:
            raise InputError("no change waits for yes in this thread")
        async with aclosing(self.steps(Command(resume=yes is True))) as updates:
            async for update in updates:
                yield update

    async def resume(self) -> AsyncGenerator[TalkUpdate, None]:
        """Go on with a turn that was broken off; nothing happens if none was."""
        if not self.interrupted:
            return
        async with aclosing(self.steps(None)) as updates:
            async for update in updates:
                yield update

    def message(self, text: str, beside: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the input of a turn."""
        from langchain_core.messages import HumanMessage

        return {"messages": [HumanMessage(content=text, additional_kwargs=beside or {}, id=uuid4().hex)]}

    async def sent(self, given: dict[str, Any]) -> AsyncGenerator[TalkUpdate, None]:
        """Send a turn's input, after a no to what waits."""
        await self.end_turn()
        if self.pending is not None:
            async with aclosing(self.decide(False)) as declined:
                async for update in declined:
                    yield update
        async with aclosing(self.steps(given)) as updates:
            async for update in updates:
                yield update

    async def steps(self, given: Any) -> AsyncGenerator[TalkUpdate, None]:
        """Run the graph from here and hand on its updates as they come."""
        await self.end_turn()
        updates: Queue[TalkUpdate | None] = Queue()
        self.turn = create_task(self.pump(given, updates))
        try:
            while (update := await updates.get()) is not None:
                yield update
            await self.turn
        finally:
            await self.end_turn()
            await self.look()

    async def pump(self, given: Any, updates: Queue[TalkUpdate | None]) -> None:
        """Run the graph in a task of its own, whose context nothing else shares; LangSmith hears nothing of it."""
        from langsmith import tracing_context

        try:
            with tracing_context(enabled=False):
                with self.thread_run().recording() as run:
                    self.run = run.id
                    self.equip(given)
                    stream = self.graph.astream(given, self.config, stream_mode="custom", durability="sync")
                    async for update in stream:
                        updates.put_nowait(cast("TalkUpdate", update))
                await tidied(self.saver, self.thread)
        finally:
            updates.put_nowait(None)

    def keep(self, decisions: Sequence[Decision]) -> None:
        """Keep the assistant's decisions as those of the thread's run."""
        if self.run is not None:
            self.workspace.decisions.append(self.run, decisions)

    def equip(self, given: Any) -> None:
        """Let the tools know what this thread is about, its run, and which files a model may name."""
        if not isinstance(self.toolbox, WorkspaceTools) or self.run is None:
            return
        self.toolbox.focus = self.focus
        kept = self.snapshot.values.get("runs", ())
        self.toolbox.runs = tuple(dict.fromkeys((self.run, *kept, *self.toolbox.runs)))
        sent = given["messages"] if isinstance(given, dict) else ()
        said = [*self.snapshot.values.get("messages", ()), *sent]
        free = not self.assistant.writes or is_command(said)
        self.toolbox.allowed_files = None if free else named_files(said)

    async def end_turn(self) -> None:
        """Break off the turn that runs."""
        turn, self.turn = self.turn, None
        if turn is None or turn.done():
            return
        turn.cancel()
        await gather(turn, return_exceptions=True)

    async def look(self) -> None:
        """Read where the thread stands."""
        self.snapshot = await self.graph.aget_state(self.config)

    def thread_run(self) -> Resumable:
        """Return the thread's run."""
        settings = {
            "thread": self.thread,
            "assistant": self.workspace.config.models.assistant.model,
        }
        return Resumable(self.workspace.runs, KIND, settings, name=self.thread)

    def __enter__(self) -> Self:
        return synchronous(self.__aenter__())

    def __exit__(self, *_: object) -> None:
        synchronous(self.aclose())

    def say_sync(self, text: str) -> list[TalkUpdate]:
        """Do what `say` does, from synchronous code."""
        return synchronous(gathered(self.say(text)))

    def command_sync(self, line: str) -> list[TalkUpdate]:
        """Do what `command` does, from synchronous code."""
        return synchronous(gathered(self.command(line)))

    def decide_sync(self, yes: bool) -> list[TalkUpdate]:
        """Do what `decide` does, from synchronous code."""
        return synchronous(gathered(self.decide(yes)))

    def resume_sync(self) -> list[TalkUpdate]:
        """Do what `resume` does, from synchronous code."""
        return synchronous(gathered(self.resume()))


def checked_text(text: str) -> str:
    """Return a message that can be kept; InputError if it is empty or too long."""
    whole = text.strip().encode(errors="replace").decode()
    if not whole:
        raise InputError("the message is empty; say what you want to know, or /help")
    if len(whole) > LONGEST_MESSAGE:
        raise InputError(
            f"the message has {len(whole):,} characters; give at most {LONGEST_MESSAGE:,}, or name a file"
        )
    return whole


async def gathered(updates: AsyncGenerator[TalkUpdate, None]) -> list[TalkUpdate]:
    """Read updates to their end."""
    async with aclosing(updates) as read:
        return [update async for update in read]


def synchronous(work: Coroutine[Any, Any, T]) -> T:
    """Run work on the loop of synchronous calls."""
    return PORTAL.run(work)
