"""Files of examples for fine-tuning elsewhere: OpenAI's chat format, TRL, unsloth (ShareGPT)."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from taxonaut.models.llm.pydantic_model import tool_definition, tool_json
from taxonaut.models.llm.text_calls import ask_as_text, call_text
from taxonaut.state.errors import InputError, WorkspaceError
from taxonaut.workspace.learn.model_examples import Example

CALL_ID = "call_1"

Row = dict[str, Any]


def write_examples(path: Path, examples: Iterable[Example], form: str = "openai") -> int:
    """Write examples as JSON lines in a format of `FORMATS`; return how many. A file that is there is replaced.

    Rows hold the texts of the items as they are, and no more than a model is sent. Raises InputError for an unknown
    format, WorkspaceError if the file cannot be written.
    """
    row_of = check_format(form)
    written, partial = 0, path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors="replace") as file:
            for example in examples:
                file.write(json.dumps(row_of(example), ensure_ascii=False) + "\n")
                written += 1
        partial.replace(path)
    except OSError as error:
        raise WorkspaceError(f"{str(path)!r} cannot be written: {error.strerror}") from None
    return written


def openai_row(example: Example) -> Row:
    """Return an example as OpenAI's fine-tuning takes it: messages with a tool call, whose arguments are a string."""
    return {
        "messages": [
            *question_messages(example),
            call_message(example, json.dumps(example.arguments, ensure_ascii=False)),
        ],
        "tools": [tool_of(example)],
        "parallel_tool_calls": False,
    }


def trl_row(example: Example) -> Row:
    """Return an example as TRL's conversational prompt and completion: the loss is on the completion alone.

    `tools` are in the row, from which the model's chat template describes them; a call's arguments are an object.
    """
    return {
        "prompt": question_messages(example),
        "completion": [call_message(example, dict(example.arguments))],
        "tools": [tool_of(example)],
    }


def messages_row(example: Example) -> Row:
    """Return an example as messages without tools, the call as text, for models and trainers that know no tools.

    It is what a role with `tool_choice = "text"` is sent, and what it answers.
    """
    asked = ask_as_text(question_messages(example), [tool_of(example)], optional=False)
    function = {
        "name": example.request.tool.name,
        "arguments": json.dumps(example.arguments, ensure_ascii=False),
    }
    return {"messages": [*asked, {"role": "assistant", "content": call_text(function)}]}


SHAREGPT_NAMES: Mapping[str, str] = {"system": "system", "user": "human", "assistant": "gpt"}


def sharegpt_row(example: Example) -> Row:
    """Return an example as a ShareGPT conversation, which unsloth reads; the call is text as in `messages_row`."""
    turns = messages_row(example)["messages"]
    return {
        "conversations": [{"from": SHAREGPT_NAMES[turn["role"]], "value": turn["content"]} for turn in turns]
    }


def check_format(form: str) -> "Callable[[Example], Row]":
    """Return what makes the rows of a format. Raises InputError for an unknown one."""
    if form not in FORMATS:
        raise InputError(f"there is no format {form!r} of examples; there are {', '.join(FORMATS)}")
    return FORMATS[form]


FORMATS: Mapping[str, Callable[[Example], Row]] = {
    "openai": openai_row,
    "trl": trl_row,
    "messages": messages_row,
    "sharegpt": sharegpt_row,
}
"""The formats of files, each with what makes a row of an example."""


def question_messages(example: Example) -> list[Row]:
    """Return the messages that a server is sent for a request."""
    request = example.request
    return [
        {"role": "system", "content": f"{request.system}\n\n{request.context}"},
        {"role": "user", "content": request.item},
    ]


def call_message(example: Example, arguments: Any) -> Row:
    """Return the message of the right call."""
    function = {"name": example.request.tool.name, "arguments": arguments}
    call = {"id": CALL_ID, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def tool_of(example: Example) -> Row:
    """Return the tool of an example as servers are told of it."""
    return tool_json(tool_definition(example.request.tool))
