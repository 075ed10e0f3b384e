"""A conversation thread over a workspace: send messages, read typed updates, confirm changes, resume."""

from asyncio import Queue, Task, create_task, gather
from collections.abc import AsyncGenerator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import uuid4

from taxonaut.agents.assistant import Assistant
from taxonaut.conversation.assistants import open_assistant, toolbox_of
from taxonaut.conversation.threads import check_name, drop_old_checkpoints, open_saver
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
from taxonaut.workspace.core.run_graph import langsmith_tracing
from taxonaut.workspace.workspace import Workspace

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot


def parse_command(tools: Mapping[str, Tool], line: str) -> ToolUse:
    """Parse a command such as `/under Audio` into a call. Raises InputError for an unknown command."""
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
"""The kind of threads' runs."""

LONGEST_MESSAGE = 20_000
"""Maximum characters of a message."""


class Conversation:
    """One thread of a workspace.

    >>> async with Conversation.open(workspace, thread="default") as chat:
    ...     async for update in chat.say("where would wireless earbuds go?"):
    ...         ...
    ...     if chat.pending is not None:
    ...         async for update in chat.decide(True):
    ...             ...

    Read the updates of a turn to the end; leaving them earlier cancels the turn. Synchronous code uses `with`
    instead of `async with`, and `say_sync`, `decide_sync`, `command_sync` and `resume_sync`, which return the updates
    as a list.
    """

    def __init__(
        self,
        workspace: Workspace,
        thread: str = "default",
        assistant: Assistant | None = None,
        toolbox: Toolbox | None = None,
        *,
        files: bool = True,
    ) -> None:
        self.workspace = workspace
        self.files = files
        self.thread = check_name(thread)
        self.given = (assistant, toolbox)
        self.run: RunId | None = None
        """The run of this thread's decisions; None before the first turn."""
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
        files: bool = True,
    ) -> Self:
        """Return a thread for a `with` or `async with` block; a new one is created if the name is unknown.

        `assistant` and `toolbox` default to the workspace's own. Without `files` no call reads or writes a file,
        whoever names it: for people who talk from elsewhere.
        """
        return cls(workspace, thread, assistant, toolbox, files=files)

    async def __aenter__(self) -> Self:
        from taxonaut.graphs.converse import converse

        assistant, toolbox = self.given
        self.toolbox = toolbox or toolbox_of(self.workspace)
        self.assistant = assistant or open_assistant(self.workspace)
        graph = converse(self.assistant, self.toolbox, self.store_decisions)
        self.saver = await self.stack.enter_async_context(open_saver(self.workspace.folder))
        self.graph = graph.compile(checkpointer=self.saver)
        try:
            await self.refresh()
        except BaseException:
            await self.stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel a running turn and close the thread's file; the thread can be opened again."""
        await self.end_turn()
        await self.stack.aclose()

    @property
    def config(self) -> "RunnableConfig":
        """The thread's LangGraph configuration."""
        return {"configurable": {"thread_id": self.thread}}

    @property
    def pending(self) -> Proposal | None:
        """The change that waits for confirmation."""
        row = self.waiting
        return None if row is None else proposal_of(row)

    @property
    def by_model(self) -> bool:
        """Whether a language model proposed the pending change; only the user may then confirm it."""
        row = self.waiting
        return row is not None and bool(row.get("by_model", True))

    @property
    def waiting(self) -> dict[str, Any] | None:
        """The pending change as JSON."""
        found = self.snapshot.interrupts
        return found[0].value if found else None

    @property
    def interrupted(self) -> bool:
        """Whether a turn was interrupted; `resume` continues it, a new message drops it."""
        return bool(self.snapshot.next) and not self.snapshot.interrupts

    @property
    def gave_up(self) -> bool:
        """Whether the last turn ended because the model's calls were wrong too often."""
        from taxonaut.graphs.converse import MAX_WRONG_CALLS

        return int(self.snapshot.values.get("wrong", 0)) >= MAX_WRONG_CALLS

    @property
    def messages(self) -> list[Said]:
        """The messages so far, each tool call as one line."""
        return history(self.snapshot.values.get("messages", ()))

    @property
    def focus(self) -> Focus:
        """The antecedents of *it* and *there*."""
        return focus_of(self.snapshot.values.get("focus"))

    def say(self, text: str) -> AsyncGenerator[TalkUpdate, None]:
        """Send a message. A pending change is declined.

        Raises:
            InputError: The message is empty or too long.
            ModelError: The assistant's model gave no answer; the turn is interrupted.
        """
        return self.run_turn(self.build_input(check_text(text)))

    def command(self, line: str) -> AsyncGenerator[TalkUpdate, None]:
        """Run a `/` command: the same tools, without a model. Raises InputError for an invalid command."""
        use = parse_command(self.toolbox.tools, check_text(line))
        return self.run_turn(self.build_input(line.strip(), {"use": use_row(use)}))

    async def decide(self, yes: bool) -> AsyncGenerator[TalkUpdate, None]:
        """Confirm or decline the pending change. Raises InputError without one."""
        from langgraph.types import Command

        if self.pending is None:
            raise InputError("no change waits for confirmation in this thread")
        async with aclosing(self.stream(Command(resume=yes is True))) as updates:
            async for update in updates:
                yield update

    async def resume(self) -> AsyncGenerator[TalkUpdate, None]:
        """Continue an interrupted turn, if there is one."""
        if not self.interrupted:
            return
        async with aclosing(self.stream(None)) as updates:
            async for update in updates:
                yield update

    def build_input(self, text: str, extra: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build the input of a turn."""
        from langchain_core.messages import HumanMessage

        return {"messages": [HumanMessage(content=text, additional_kwargs=extra or {}, id=uuid4().hex)]}

    async def run_turn(self, given: dict[str, Any]) -> AsyncGenerator[TalkUpdate, None]:
        """Run a turn, after declining a pending change."""
        await self.end_turn()
        if self.pending is not None:
            async with aclosing(self.decide(False)) as declined:
                async for update in declined:
                    yield update
        async with aclosing(self.stream(given)) as updates:
            async for update in updates:
                yield update

    async def stream(self, given: Any) -> AsyncGenerator[TalkUpdate, None]:
        """Run the graph and yield its updates."""
        await self.end_turn()
        updates: Queue[TalkUpdate | None] = Queue()
        self.turn = create_task(self.pump(given, updates))
        try:
            while (update := await updates.get()) is not None:
                yield update
            await self.turn
        finally:
            await self.end_turn()
            await self.refresh()

    async def pump(self, given: Any, updates: Queue[TalkUpdate | None]) -> None:
        """Run the graph in its own task and context, traced to LangSmith only as the settings say."""
        try:
            with langsmith_tracing(self.workspace.config.tracing.langsmith):
                with self.thread_run().recording() as run:
                    self.run = run.id
                    self.prepare_tools(given)
                    stream = self.graph.astream(given, self.config, stream_mode="custom", durability="sync")
                    async for update in stream:
                        updates.put_nowait(cast("TalkUpdate", update))
                await drop_old_checkpoints(self.saver, self.thread)
        finally:
            updates.put_nowait(None)

    def store_decisions(self, decisions: Sequence[Decision]) -> None:
        """Store the assistant's decisions in the thread's run."""
        if self.run is not None:
            self.workspace.decisions.append(self.run, decisions)

    def prepare_tools(self, given: Any) -> None:
        """Set the toolbox's focus, runs and allowed files from the thread."""
        if not isinstance(self.toolbox, WorkspaceTools) or self.run is None:
            return
        self.toolbox.focus = self.focus
        kept = self.snapshot.values.get("runs", ())
        self.toolbox.runs = tuple(dict.fromkeys((self.run, *kept, *self.toolbox.runs)))
        if not self.files:
            self.toolbox.allowed_files = ()
            return
        sent = given["messages"] if isinstance(given, dict) else ()
        said = [*self.snapshot.values.get("messages", ()), *sent]
        free = not self.assistant.writes or is_command(said)
        self.toolbox.allowed_files = None if free else named_files(said)

    async def end_turn(self) -> None:
        """Cancel the running turn."""
        turn, self.turn = self.turn, None
        if turn is None or turn.done():
            return
        turn.cancel()
        await gather(turn, return_exceptions=True)

    async def refresh(self) -> None:
        """Read the thread's latest state."""
        self.snapshot = await self.graph.aget_state(self.config)

    def thread_run(self) -> Resumable:
        """Return the thread's run."""
        settings = {
            "thread": self.thread,
            "assistant": self.workspace.config.models.assistant.model,
        }
        return Resumable(self.workspace.runs, KIND, settings, name=self.thread)

    def __enter__(self) -> Self:
        return run_sync(self.__aenter__())

    def __exit__(self, *_: object) -> None:
        run_sync(self.aclose())

    def say_sync(self, text: str) -> list[TalkUpdate]:
        """Synchronous `say`."""
        return run_sync(collect(self.say(text)))

    def command_sync(self, line: str) -> list[TalkUpdate]:
        """Synchronous `command`."""
        return run_sync(collect(self.command(line)))

    def decide_sync(self, yes: bool) -> list[TalkUpdate]:
        """Synchronous `decide`."""
        return run_sync(collect(self.decide(yes)))

    def resume_sync(self) -> list[TalkUpdate]:
        """Synchronous `resume`."""
        return run_sync(collect(self.resume()))


def check_text(text: str) -> str:
    """Return a message that can be stored. Raises InputError if it is empty or too long."""
    whole = text.strip().encode(errors="replace").decode()
    if not whole:
        raise InputError("the message is empty; say what you want to know, or /help")
    if len(whole) > LONGEST_MESSAGE:
        raise InputError(
            f"the message has {len(whole):,} characters; give at most {LONGEST_MESSAGE:,}, or name a file"
        )
    return whole


async def collect(updates: AsyncGenerator[TalkUpdate, None]) -> list[TalkUpdate]:
    """Collect all updates."""
    async with aclosing(updates) as read:
        return [update async for update in read]


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop of synchronous calls."""
    return PORTAL.run(work)
