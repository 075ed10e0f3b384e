"""A conversation: the assistant calls tools and answers; a change to the index waits for the user's yes."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from typing import Any
from uuid import uuid4

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.runnables.config import var_child_runnable_config
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from taxonaut.agents.assistant import Assistant, Turn
from taxonaut.graphs import chat_messages as talk_messages
from taxonaut.graphs.progress import emit, stream
from taxonaut.graphs.sync_bridge import step
from taxonaut.state.errors import InputError, NotFoundError, TaxonautError, ToolError
from taxonaut.state.graph_states.converse import ConversationInput, ConversationOutput, ConversationState
from taxonaut.state.records import Decision
from taxonaut.state.updates import (
    Answered,
    ChangeDeclined,
    ChangeMade,
    ChangeProposed,
    OnUpdate,
    Progress,
    Token,
    ToolFinished,
    ToolStarted,
    Understood,
    Update,
    listening,
)
from taxonaut.tools.support.chat_tool import (
    Outcome,
    Toolbox,
    ToolUse,
    check_call,
    focus_of,
    focus_row,
    merge_focus,
    proposal_of,
    proposal_row,
    use_of,
    use_row,
)

MOST_CALLS = 8
"""Tool calls of one turn."""

MOST_WRONG = 3
"""Wrong calls after which a turn ends."""

NOT_CHANGED = "Nothing was changed."

Changed = dict[str, Any]
"""The part of the state that a step replaces."""

OnDecisions = Callable[[Sequence[Decision]], None]

WRONG = (ToolError, InputError, NotFoundError)
"""Errors that whoever made the call can correct."""


def converse(
    assistant: Assistant, toolbox: Toolbox, on_decisions: OnDecisions | None = None
) -> StateGraph[ConversationState, None, ConversationInput, ConversationOutput]:
    """Build the graph of one turn; compile it with a checkpointer, and invoke it with a HumanMessage.

    A call that changes the index stops at an interrupt, whose value is the proposal as JSON (`use`, `title`,
    `diff`, `version`, `after_foreign`); `Command(resume=True)` makes the change, anything else does not. Updates
    (`state.updates.TalkUpdate`) come with `stream_mode="custom"`. `on_decisions` is called with the rows of each step
    of the assistant, to keep them.
    """
    talk = Talk(assistant, toolbox, on_decisions)
    graph = StateGraph(ConversationState, input_schema=ConversationInput, output_schema=ConversationOutput)
    graph.add_node("begin", step(talk.begin))
    graph.add_node("assist", step(talk.assist))
    graph.add_node("call", step(talk.call))
    graph.add_node("propose", step(talk.propose))
    graph.add_node("confirm", confirm)
    graph.add_node("apply", step(talk.apply))
    ways = ["assist", "call", "propose", END]
    graph.add_edge(START, "begin")
    for name in ("begin", "assist", "call", "apply"):
        graph.add_conditional_edges(name, talk.next, ways)
    graph.add_conditional_edges(
        "propose", lambda state: "confirm" if state["proposal"] else talk.next(state), ["confirm", *ways]
    )
    graph.add_edge("confirm", "apply")
    return graph


class Talk:
    """The graph's steps over one assistant and one toolbox; holds no state of a conversation."""

    def __init__(self, assistant: Assistant, toolbox: Toolbox, on_decisions: OnDecisions | None) -> None:
        self.assistant = assistant
        self.toolbox = toolbox
        self.on_decisions = on_decisions

    async def begin(self, state: ConversationState) -> Changed:
        """Start a turn: put away what an earlier one left open, and take a command's call."""
        said = state["messages"][-1]
        messages: list[AnyMessage] = [*talk_messages.unanswered(state["messages"])]
        given = said.additional_kwargs.get("use") if isinstance(said, HumanMessage) else None
        uses = [with_fresh_id(use_of(given))] if isinstance(given, dict) else []
        if uses:
            messages.append(talk_messages.calling("", uses))
        return {
            "messages": messages,
            "waiting": [use_row(use) for use in uses],
            "command": bool(uses),
            "foreign": state.get("foreign", False) and self.assistant.writes,
            "proposal": None,
            "answers": [],
            "calls": 0,
            "wrong": 0,
            "over": False,
        }

    def next(self, state: ConversationState) -> str:
        """Say which step follows."""
        if state["over"]:
            return END
        if not state["waiting"]:
            return "assist"
        tool = self.toolbox.tools.get(state["waiting"][0]["name"])
        return "propose" if tool is not None and tool.changes else "call"

    async def assist(self, state: ConversationState) -> Changed:
        """Ask the assistant for its next step."""
        messages = talk_messages.as_openai(state["messages"], writes=self.assistant.writes)
        tell = emitter()
        turn = await self.assistant.step(
            messages,
            focus_of(state.get("focus")),
            self.toolbox.tools,
            lambda text: tell(Token(text)),
        )
        turn = well_formed(turn)
        if self.on_decisions is not None:
            self.on_decisions(turn.decisions)
        if turn.understood:
            emit(Understood(turn.understood))
        if turn.wrong and self.assistant.writes:
            return self.correct(state, turn.wrong)
        if not turn.uses:
            return end_turn([], turn.text or turn.wrong or "I have no answer to that.")
        uses = [with_fresh_id(use) for use in turn.uses]
        return {
            "messages": [talk_messages.calling(turn.text, uses)],
            "waiting": [use_row(use) for use in uses],
        }

    def correct(self, state: ConversationState, wrong: str) -> Changed:
        """Tell the model what was wrong with what it answered, up to three times."""
        count = state["wrong"] + 1
        if count >= MOST_WRONG:
            return {**end_turn([], wrong_calls_message(wrong)), "wrong": count}
        return {"messages": [talk_messages.correction(wrong)], "wrong": count}

    async def call(self, state: ConversationState) -> Changed:
        """Carry out the next call, which changes nothing."""
        use = use_of(state["waiting"][0])
        emit(ToolStarted(use.id, use.name, use.arguments))
        started = time.perf_counter()
        try:
            check_call(self.toolbox.tools, use)
            with listening(progress_streamer()):
                outcome = await run_apart(self.toolbox.run(use))
        except TaxonautError as error:
            return self.fail_call(state, use, error, started)
        emit(ToolFinished(use.id, use.name, outcome.line, time.perf_counter() - started))
        return self.finish_call(state, use, outcome)

    async def propose(self, state: ConversationState) -> Changed:
        """Look at what the next call would change; nothing is written."""
        use = use_of(state["waiting"][0])
        emit(ToolStarted(use.id, use.name, use.arguments))
        started = time.perf_counter()
        try:
            check_call(self.toolbox.tools, use)
            proposal = await run_apart(self.toolbox.preview(use))
        except TaxonautError as error:
            return self.fail_call(state, use, error, started)
        emit(ToolFinished(use.id, use.name, proposal.title, time.perf_counter() - started))
        after_foreign = state["foreign"] and not state["command"]
        emit(ChangeProposed(use.id, proposal.title, proposal.diff, proposal.version, after_foreign))
        return {"proposal": {**proposal_row(proposal), "after_foreign": after_foreign}, "approved": False}

    async def apply(self, state: ConversationState) -> Changed:
        """Make the change if it was approved; a no ends the turn."""
        assert state["proposal"] is not None
        proposal = proposal_of(state["proposal"])
        if not state["approved"]:
            emit(ChangeDeclined(proposal.use.id))
            declined = talk_messages.failure(proposal.use, f"The person said no. {NOT_CHANGED}")
            left = [
                talk_messages.failure(use_of(row), talk_messages.NOT_REACHED) for row in state["waiting"][1:]
            ]
            return end_turn([declined, *left], f"{proposal.title}: not done. {NOT_CHANGED}")
        started = time.perf_counter()
        try:
            outcome = await run_apart(self.toolbox.apply(proposal))
        except TaxonautError as error:
            return self.fail_call(state, proposal.use, error, started)
        emit(ChangeMade(proposal.use.id, outcome.line))
        return self.finish_call(state, proposal.use, outcome)

    def finish_call(self, state: ConversationState, use: ToolUse, outcome: Outcome) -> Changed:
        """Keep the outcome of a call, and go on."""
        changed = self.advance(state, talk_messages.result(use, outcome), outcome.text)
        focus = merge_focus(focus_of(state.get("focus")), outcome.focus)
        took = (
            state.get("runs", [])
            if outcome.focus.run is None
            else [*state.get("runs", []), outcome.focus.run]
        )
        return {
            **changed,
            "focus": focus_row(focus),
            "runs": list(dict.fromkeys(took)),
            "foreign": state["foreign"] or outcome.foreign,
        }

    def fail_call(
        self, state: ConversationState, use: ToolUse, error: TaxonautError, started: float
    ) -> Changed:
        """Keep why a call was not carried out; a model may mend what is its own fault, three times."""
        line = str(error).partition("\n")[0]
        emit(ToolFinished(use.id, use.name, line, time.perf_counter() - started, failed=True))
        message = talk_messages.failure(use, str(error))
        changed = self.advance(state, message, str(error))
        if not self.loops(state) or changed.get("over"):
            return changed
        wrong = state["wrong"] + isinstance(error, WRONG)
        if isinstance(error, WRONG) and wrong < MOST_WRONG:
            return {**changed, "wrong": wrong}
        left = [talk_messages.failure(use_of(row), talk_messages.NOT_REACHED) for row in state["waiting"][1:]]
        text = wrong_calls_message(f"{use.name}: {error}") if isinstance(error, WRONG) else str(error)
        return {**end_turn([message, *left], text), "wrong": wrong}

    def advance(self, state: ConversationState, message: AnyMessage, text: str) -> Changed:
        """Advance to the next pending call, the assistant, or the final answer."""
        waiting, calls = state["waiting"][1:], state["calls"] + 1
        if self.loops(state):
            if calls < MOST_CALLS:
                return {"messages": [message], "waiting": waiting, "proposal": None, "calls": calls}
            left = [talk_messages.failure(use_of(row), talk_messages.NOT_REACHED) for row in waiting]
            return end_turn([message, *left], too_many_calls_message())
        answers = [*state["answers"], text]
        if waiting and calls < MOST_CALLS:
            return {
                "messages": [message],
                "waiting": waiting,
                "proposal": None,
                "calls": calls,
                "answers": answers,
            }
        return end_turn([message], "\n\n".join(answers), shown=True)

    def loops(self, state: ConversationState) -> bool:
        """Whether the assistant reads the results of its calls and goes on."""
        return self.assistant.writes and not state["command"]


def confirm(state: ConversationState) -> Changed:
    """Wait for the user to accept or decline the change."""
    return {"approved": interrupt(state["proposal"]) is True}


def end_turn(messages: Sequence[AnyMessage], text: str, *, shown: bool = False) -> Changed:
    """End the turn with an answer; `shown`: it is made of what tools came to."""
    emit(Answered(text))
    return {
        "messages": [*messages, talk_messages.answer(text, shown)],
        "waiting": [],
        "proposal": None,
        "over": True,
    }


def wrong_calls_message(last: str) -> str:
    """Tell the user that the model made no valid call."""
    return (
        f"I made {MOST_WRONG} wrong calls and stop here. The last one: {last.rstrip('.')}. "
        "Say it in other words, or use a command: /help lists them."
    )


def too_many_calls_message() -> str:
    """Tell the user that the model went on calling tools."""
    return (
        f"I stop after {MOST_CALLS} tool calls without an answer. Ask for less at once, or use a command: "
        "/help lists them."
    )


def with_fresh_id(use: ToolUse) -> ToolUse:
    """Give a call an id of its own in all threads: models number theirs from one, in every answer."""
    return replace(use, id=uuid4().hex)


def emitter() -> OnUpdate:
    """Return `emit` as it works here, for other threads and tasks."""
    context = copy_context()
    return lambda update: context.copy().run(emit, update)


def progress_streamer() -> OnUpdate:
    """Return what writes the progress of other tasks into the stream of this run."""
    context = copy_context()

    def hear(update: Update) -> None:
        if isinstance(update, Progress):
            context.copy().run(stream, update)

    return hear


async def run_apart(work: Any) -> Any:
    """Await a tool's work as no part of this graph's run: a graph it runs must not be kept in the thread."""
    context = copy_context()
    context.run(var_child_runnable_config.set, None)
    return await asyncio.get_running_loop().create_task(work, context=context)


def well_formed(turn: Turn) -> Turn:
    """Replace halves of characters in what a model wrote; they can be neither kept nor shown."""

    def whole(text: str) -> str:
        return text.encode(errors="replace").decode()

    uses = tuple(
        ToolUse(
            use.id, whole(use.name), json.loads(whole(json.dumps(dict(use.arguments), ensure_ascii=False)))
        )
        for use in turn.uses
    )
    return replace(turn, uses=uses, text=whole(turn.text), wrong=whole(turn.wrong))
