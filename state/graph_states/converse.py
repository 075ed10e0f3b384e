"""The state of a conversation as LangGraph carries it: messages, and plain JSON that outlives our classes."""

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

Row = dict[str, Any]
"""A record as plain JSON (`tools.toolbox_rows`)."""


class ConversationInput(TypedDict, total=False):
    """What a caller gives for a turn: the user's message.

    A message whose `additional_kwargs["use"]` holds a tool call (`id`, `name`, `arguments`) is a command: the
    call is carried out, and no model is asked.
    """

    messages: Annotated[list[AnyMessage], add_messages]


class ConversationState(ConversationInput, total=False):
    """A conversation between two steps.

    `runs`: those that its calls took part in. `waiting`: calls that are still to be carried out, the next one
    first. `proposal`: the change that waits for yes. `approved`: what was said to it. `answers`: what tools came
    to, where that is the answer. Of this turn: `calls` made, `wrong` ones, whether it was a `command`, and
    whether it is `over`. `foreign`: whether the assistant has read texts of items.
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
    foreign: bool
    over: bool


class ConversationOutput(TypedDict):
    """What a turn leaves: all messages, the last of them the answer."""

    messages: list[AnyMessage]
