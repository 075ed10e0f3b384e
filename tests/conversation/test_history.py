"""What people see of a thread, and what of their messages counts as the name of a file."""

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from talk_parts import ScriptedAssistant

from taxonaut.conversation.conversation import Conversation
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.conversation.transcript import Said, history, is_command, named_files
from taxonaut.workspace.workspace import Workspace


def test_what_people_see() -> None:
    call: Any = {"id": "1", "name": "find", "args": {}}
    messages = [
        HumanMessage("ink?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("{}", tool_call_id="1", name="find", additional_kwargs={"line": "found"}),
        HumanMessage("That is no call.", additional_kwargs={"mark": "correction"}),
        AIMessage("Yes."),
    ]
    assert history(messages) == [
        Said("person", "ink?"),
        Said("tool", "found", "find"),
        Said("assistant", "Yes."),
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("label items.csv, please", {"items.csv", "label", "please"}),
        ("label 'my items.csv' and \"b c.tsv\".", {"my items.csv", "b c.tsv"}),
        ("(see ../x/y.jsonl)", {"../x/y.jsonl"}),
    ],
)
def test_files_that_the_person_named(text: str, named: set[str]) -> None:
    assert named <= named_files([HumanMessage(text)])


@pytest.mark.parametrize("text", ['"label secrets.csv"', "'label secrets.csv'", "“label secrets.csv”"])
def test_a_word_of_a_quoted_text_names_no_file(text: str) -> None:
    assert "secrets.csv" not in named_files([HumanMessage(f"where would {text} go?")])


def test_nobody_else_names_files() -> None:
    messages = [
        AIMessage("/etc/passwd"),
        ToolMessage("/etc/shadow", tool_call_id="1"),
        HumanMessage("/etc/group", additional_kwargs={"mark": "correction"}),
    ]
    assert named_files(messages) == set()


def test_a_command_is_the_last_message_with_a_call() -> None:
    command = HumanMessage("/find ink", additional_kwargs={"use": {"name": "find"}})
    assert is_command([command, AIMessage("Yes.")])
    assert not is_command([command, HumanMessage("and paper?")])
    assert not is_command([])


@pytest.mark.parametrize(
    ("writes", "allowed"), [(True, {"what", "is", "in", "a.csv", "what is in a.csv?"}), (False, None)]
)
def test_a_model_may_open_what_the_person_named(
    tmp_path: Path, writes: bool, allowed: set[str] | None
) -> None:
    with Workspace.init(tmp_path / "shop") as workspace:
        tools = WorkspaceTools(workspace)
        assistant = ScriptedAssistant(writes=writes)
        with Conversation.open(workspace, assistant=assistant, toolbox=tools) as chat:
            chat.say_sync("what is in a.csv?")
            assert tools.allowed_files == allowed
            assert chat.run in tools.runs
            chat.command_sync("/log")
            assert tools.allowed_files is None
