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
from taxonaut.graphs import chat_messages
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

MAX_CALLS = 8
"""Most tool calls of one turn."""

MAX_WRONG_CALLS = 3
"""Invalid calls after which a turn ends."""

NOT_CHANGED = "Nothing was changed."

StateUpdate = dict[str, Any]
"""The part of the state that a step replaces."""

OnDecisions = Callable[[Sequence[Decision]], None]

CALL_ERRORS = (ToolError, InputError, NotFoundError)
"""Errors that the caller of a tool can correct."""


def converse(
    assistant: Assistant, toolbox: Toolbox, on_decisions: OnDecisions | None = None
) -> StateGraph[ConversationState, None, ConversationInput, ConversationOutput]:
    """Build the graph of one turn; compile it with a checkpointer, and invoke it with a HumanMessage.

    A call that changes the index stops at an interrupt, whose value is the proposal as JSON (`use`, `title`,
    `diff`, `version`, `by_model`); `Command(resume=True)` makes the change, anything else declines it. Updates
    (`state.updates.TalkUpdate`) come with `stream_mode="custom"`. `on_decisions` is called with the decision rows of
    each step of the assistant.
    """
    steps = Steps(assistant, toolbox, on_decisions)
    graph = StateGraph(ConversationState, input_schema=ConversationInput, output_schema=ConversationOutput)
    graph.add_node("begin", step(steps.begin))
    graph.add_node("assist", step(steps.assist))
    graph.add_node("call", step(steps.call))
    graph.add_node("propose", step(steps.propose))
    graph.add_node("confirm", confirm)
    graph.add_node("apply", step(steps.apply))
    targets = ["assist", "call", "propose", END]
    graph.add_edge(START, "begin")
    for name in ("begin", "assist", "call", "apply"):
        graph.add_conditional_edges(name, steps.next, targets)
    graph.add_conditional_edges(
        "propose", lambda state: "confirm" if state["proposal"] else steps.next(state), ["confirm", *targets]
    )
    graph.add_edge("confirm", "apply")
    return graph


class Steps:
    """The graph's nodes over an assistant and a toolbox; holds no state of a conversation."""

    def __init__(self, assistant: Assistant, toolbox: Toolbox, on_decisions: OnDecisions | None) -> None:
        self.assistant = assistant
        self.toolbox = toolbox
        self.on_decisions = on_decisions

    async def begin(self, state: ConversationState) -> StateUpdate:
        """Start a turn: close calls that an earlier turn left open, and queue a command's call."""
        message = state["messages"][-1]
        messages: list[AnyMessage] = [*chat_messages.close_open_calls(state["messages"])]
        given = message.additional_kwargs.get("use") if isinstance(message, HumanMessage) else None
        uses = [with_fresh_id(use_of(given))] if isinstance(given, dict) else []
        if uses:
            messages.append(chat_messages.call_message("", uses))
        return {
            "messages": messages,
            "waiting": [use_row(use) for use in uses],
            "command": bool(uses),
            "by_model": not uses,
            "proposal": None,
            "answers": [],
            "calls": 0,
            "wrong": 0,
            "over": False,
        }

    def next(self, state: ConversationState) -> str:
        """Return the name of the next node."""
        if state["over"]:
            return END
        if not state["waiting"]:
            return "assist"
        tool = self.toolbox.tools.get(state["waiting"][0]["name"])
        return "propose" if tool is not None and tool.changes else "call"

    async def assist(self, state: ConversationState) -> StateUpdate:
        """Ask the assistant for its next step."""
        messages = chat_messages.to_openai(state["messages"], writes=self.assistant.writes)
        tell = emitter()
        turn = await self.assistant.step(
            messages,
            focus_of(state.get("focus")),
            self.toolbox.tools,
            lambda text: tell(Token(text)),
        )
        turn = replace_surrogates(turn)
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
            "messages": [chat_messages.call_message(turn.text, uses)],
            "waiting": [use_row(use) for use in uses],
            "by_model": self.assistant.writes,
        }

    def correct(self, state: ConversationState, wrong: str) -> StateUpdate:
        """Tell the model what was wrong with its answer, or end the turn after `MAX_WRONG_CALLS`."""
        count = state["wrong"] + 1
        if count >= MAX_WRONG_CALLS:
            return {**end_turn([], wrong_calls_message(wrong)), "wrong": count}
        return {"messages": [chat_messages.correction_message(wrong)], "wrong": count}

    async def call(self, state: ConversationState) -> StateUpdate:
        """Run the next call, of a tool that changes nothing."""
        use = use_of(state["waiting"][0])
        emit(ToolStarted(use.id, use.name, use.arguments))
        started = time.perf_counter()
        try:
            check_call(self.toolbox.tools, use)
            with listening(progress_streamer()):
                outcome = await run_detached(self.toolbox.run(use))
        except TaxonautError as error:
            return self.fail_call(state, use, error, started)
        emit(ToolFinished(use.id, use.name, outcome.line, time.perf_counter() - started))
        return self.finish_call(state, use, outcome)

    async def propose(self, state: ConversationState) -> StateUpdate:
        """Preview the next call's change; nothing is written."""
        use = use_of(state["waiting"][0])
        emit(ToolStarted(use.id, use.name, use.arguments))
        started = time.perf_counter()
        try:
            check_call(self.toolbox.tools, use)
            proposal = await run_detached(self.toolbox.preview(use))
        except TaxonautError as error:
            return self.fail_call(state, use, error, started)
        emit(ToolFinished(use.id, use.name, proposal.title, time.perf_counter() - started))
        by_model = state.get("by_model", True)
        emit(ChangeProposed(use.id, proposal.title, proposal.diff, proposal.version, by_model))
        return {"proposal": {**proposal_row(proposal), "by_model": by_model}, "approved": False}

    async def apply(self, state: ConversationState) -> StateUpdate:
        """Make the change if it was approved; otherwise end the turn."""
        assert state["proposal"] is not None
        proposal = proposal_of(state["proposal"])
        if not state["approved"]:
            emit(ChangeDeclined(proposal.use.id))
            declined = chat_messages.failure_message(proposal.use, f"The person said no. {NOT_CHANGED}")
            left = [
                chat_messages.failure_message(use_of(row), chat_messages.NOT_REACHED)
                for row in state["waiting"][1:]
            ]
            return end_turn([declined, *left], f"{proposal.title}: not done. {NOT_CHANGED}")
        started = time.perf_counter()
        try:
            outcome = await run_detached(self.toolbox.apply(proposal))
        except TaxonautError as error:
            return self.fail_call(state, proposal.use, error, started)
        emit(ChangeMade(proposal.use.id, outcome.line))
        return self.finish_call(state, proposal.use, outcome)

    def finish_call(self, state: ConversationState, use: ToolUse, outcome: Outcome) -> StateUpdate:
        """Add a call's outcome to the state and advance."""
        changed = self.advance(state, chat_messages.result_message(use, outcome), outcome.text)
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
        }

    def fail_call(
        self, state: ConversationState, use: ToolUse, error: TaxonautError, started: float
    ) -> StateUpdate:
        """Add a call's error to the state; a model may correct its call, up to `MAX_WRONG_CALLS` times."""
        line = str(error).partition("\n")[0]
        emit(ToolFinished(use.id, use.name, line, time.perf_counter() - started, failed=True))
        message = chat_messages.failure_message(use, str(error))
        changed = self.advance(state, message, str(error))
        if not self.loops(state) or changed.get("over"):
            return changed
        wrong = state["wrong"] + isinstance(error, CALL_ERRORS)
        if isinstance(error, CALL_ERRORS) and wrong < MAX_WRONG_CALLS:
            return {**changed, "wrong": wrong}
        left = [
            chat_messages.failure_message(use_of(row), chat_messages.NOT_REACHED)
            for row in state["waiting"][1:]
        ]
        text = wrong_calls_message(f"{use.name}: {error}") if isinstance(error, CALL_ERRORS) else str(error)
        return {**end_turn([message, *left], text), "wrong": wrong}

    def advance(self, state: ConversationState, message: AnyMessage, text: str) -> StateUpdate:
        """Advance to the next pending call, the assistant, or the final answer."""
        waiting, calls = state["waiting"][1:], state["calls"] + 1
        if self.loops(state):
            if calls < MAX_CALLS:
                return {"messages": [message], "waiting": waiting, "proposal": None, "calls": calls}
            left = [chat_messages.failure_message(use_of(row), chat_messages.NOT_REACHED) for row in waiting]
            return end_turn([message, *left], too_many_calls_message())
        answers = [*state["answers"], text]
        if waiting and calls < MAX_CALLS:
            return {
                "messages": [message],
                "waiting": waiting,
                "proposal": None,
                "calls": calls,
                "answers": answers,
            }
        return end_turn([message], "\n\n".join(answers), shown=True)

    def loops(self, state: ConversationState) -> bool:
        """Tell whether the assistant reads the results of its calls and continues."""
        return self.assistant.writes and not state["command"]


def confirm(state: ConversationState) -> StateUpdate:
    """Wait for the user to accept or decline the change."""
    return {"approved": interrupt(state["proposal"]) is True}


def end_turn(messages: Sequence[AnyMessage], text: str, *, shown: bool = False) -> StateUpdate:
    """End the turn with an answer; `shown`: it is made from tool results."""
    emit(Answered(text))
    return {
        "messages": [*messages, chat_messages.answer_message(text, shown)],
        "waiting": [],
        "proposal": None,
        "over": True,
    }


def wrong_calls_message(last: str) -> str:
    """Return the answer after too many invalid calls."""
    return (
        f"I made {MAX_WRONG_CALLS} wrong calls and stop here. The last one: {last.rstrip('.')}. "
        "Say it in other words, or use a command: /help lists them."
    )


def too_many_calls_message() -> str:
    """Return the answer after too many tool calls."""
    return (
        f"I stop after {MAX_CALLS} tool calls without an answer. Ask for less at once, or use a command: "
        "/help lists them."
    )


def with_fresh_id(use: ToolUse) -> ToolUse:
    """Give a call a globally unique id; models number theirs from one in every answer."""
    return replace(use, id=uuid4().hex)


def emitter() -> OnUpdate:
    """Return `emit` bound to this context, for other threads and tasks."""
    context = copy_context()
    return lambda update: context.copy().run(emit, update)


def progress_streamer() -> OnUpdate:
    """Return a listener that writes other tasks' progress to the stream of this run."""
    context = copy_context()

    def forward(update: Update) -> None:
        if isinstance(update, Progress):
            context.copy().run(stream, update)

    return forward


async def run_detached(work: Any) -> Any:
    """Await a tool outside of this graph's run, so that graphs it runs are not checkpointed in the thread."""
    context = copy_context()
    context.run(var_child_runnable_config.set, None)
    return await asyncio.get_running_loop().create_task(work, context=context)


def replace_surrogates(turn: Turn) -> Turn:
    """Replace lone surrogates in a model's output, which cannot be encoded."""

    def clean(text: str) -> str:
        return text.encode(errors="replace").decode()

    uses = tuple(
        ToolUse(
            use.id, clean(use.name), json.loads(clean(json.dumps(dict(use.arguments), ensure_ascii=False)))
        )
        for use in turn.uses
    )
    return replace(turn, uses=uses, text=clean(turn.text), wrong=clean(turn.wrong))
