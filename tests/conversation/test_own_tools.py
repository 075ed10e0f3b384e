"""A person's own tools beside those of the house."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Workspace
from taxonaut.conversation.conversation import Conversation
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.state.errors import InputError
from taxonaut.state.records import Label, ToolSpec
from taxonaut.state.updates import Answered, Progress, ToolFinished, tell
from taxonaut.tools.support.chat_tool import Outcome, Tool

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def own(name: str = "price", *, changes: bool = False) -> Tool:
    """A tool that says what a text costs."""

    async def run(arguments: Mapping[str, Any]) -> Outcome:
        tell(Progress("counting", 1, 2))
        return Outcome(f"{len(arguments['text'])} euros.", "counted", {"euros": len(arguments["text"])})

    spec = ToolSpec(name, "Say what a product costs.", SCHEMA)
    return Tool(spec, run, name, "TEXT", lambda words: {"text": words}, changes=changes)


class Nobody:
    """An assistant that is never asked."""

    writes = False

    async def step(self, *_: Any) -> Any:
        raise AssertionError("the assistant was asked")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w") as made:
        made.index.add_labels([Label("a", "Apples")])  # type: ignore[arg-type]
        yield made


def test_a_command_calls_it(workspace: Workspace) -> None:
    tools = WorkspaceTools(workspace, more=[own()])
    with Conversation.open(workspace, assistant=Nobody(), toolbox=tools) as chat:
        told = chat.command_sync("/price a kilo")
    assert [each for each in told if isinstance(each, Progress)] == [Progress("counting", 1, 2)]
    (done,) = [each for each in told if isinstance(each, ToolFinished)]
    assert (done.name, done.line, done.failed) == ("price", "counted", False)
    assert told[-1] == Answered("6 euros.")


def test_what_changes_the_index_or_has_a_name_of_the_house_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="'price' changes the index"):
        WorkspaceTools(workspace, more=[own(changes=True)])
    with pytest.raises(InputError, match="there is already a tool 'classify' or a command /classify"):
        WorkspaceTools(workspace, more=[own("classify")])
    with pytest.raises(InputError, match="'price' or a command /price"):
        WorkspaceTools(workspace, more=[own(), own()])
