"""LangGraph state of `converse`: messages, and plain JSON that outlives our classes."""

from typing import Annotated, Any

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

Row = dict[str, Any]
"""A record as plain JSON (`tools.toolbox_rows`)."""


class ConversationInput(TypedDict, total=False):
    """The input of a turn: the user's message.

    A message whose `additional_kwargs["use"]` holds a tool call (`id`, `name`, `arguments`) is a command: the call
    is executed without asking a model.
    """

    messages: Annotated[list[AnyMessage], add_messages]


class ConversationState(ConversationInput, total=False):
    """A conversation between two steps.

    `runs`: the runs that its calls opened or continued. `waiting`: pending calls, the next one first. `proposal`: the
    change that waits for confirmation. `approved`: the user's answer to it. `answers`: outcomes of tools that are the
    answer. Of this turn: the number of `calls` and of `wrong` ones, whether it is a `command`, and whether it is
    `over`. `by_model`: whether a language model made the pending calls.
    """

    focus: Row
    runs: list[int]
    waiting: list[Row]
    proposal: Row | None
    approved: bool
    answers: list[str]
    calls: int
    wrong: int
    command: bool
    by_model: bool
    over: bool


class ConversationOutput(TypedDict):
    """The output of a turn: all messages, the last one the answer."""

    messages: list[AnyMessage]
