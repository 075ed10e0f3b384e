"""The threads of a workspace: listed, forgotten, named; a file that cannot be read."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from talk_parts import ScriptedAssistant, Shelf, uses

from taxonaut.agents.assistant import Turn
from taxonaut.conversation.conversation import Conversation
from taxonaut.conversation.threads import Thread, check_name, delete_thread, open_saver, threads
from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.workspace_folder import THREADS_FILE
from taxonaut.workspace.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "shop") as made:
        yield made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "lines")


def opened(workspace: Workspace, shelf: Shelf, name: str, *turns: Turn, **how: Any) -> Conversation:
    return Conversation.open(workspace, name, assistant=ScriptedAssistant(*turns, **how), toolbox=shelf)


def without_time(found: list[Thread]) -> list[Thread]:
    return [Thread(each.name, each.messages, each.last, "", each.waiting, each.interrupted) for each in found]


def fails(_: Any) -> Turn:
    raise RuntimeError("no")


def test_threads_with_how_they_stand(workspace: Workspace, shelf: Shelf) -> None:
    assert threads(workspace.folder) == []
    with opened(workspace, shelf, "one", Turn(text="Yes.")) as chat:
        chat.say_sync("hello")
        chat.command_sync("/read")
    with opened(workspace, shelf, "two", uses("add", words="ink")) as chat:
        chat.say_sync("add ink")
    with opened(workspace, shelf, "three", rule=fails) as chat, pytest.raises(RuntimeError, match="no"):
        chat.say_sync("break off")
    found = threads(workspace.folder)
    assert without_time(found) == [
        Thread("three", 1, "break off", "", interrupted=True),
        Thread("two", 1, "add ink", "", waiting=True),
        Thread("one", 2, "/read", ""),
    ]
    assert [len(each.at) for each in found] == [19, 19, 19]


def test_a_thread_is_forgotten(workspace: Workspace, shelf: Shelf) -> None:
    for name in ("one", "two"):
        with opened(workspace, shelf, name, Turn(text="Yes.")) as chat:
            chat.say_sync("hello")
    delete_thread(workspace.folder, "one")
    assert [each.name for each in threads(workspace.folder)] == ["two"]
    with pytest.raises(NotFoundError, match="there is no thread 'one'; there are: two"):
        delete_thread(workspace.folder, "one")
    with opened(workspace, shelf, "one") as chat:
        assert chat.messages == []


@pytest.mark.parametrize("name", ["default", "a b", "../../etc", "'; DROP TABLE x", "名前", "a" * 80])
def test_names_that_can_be(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "\u2028", "\ud800", "a" * 81, "\u202eabc"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError, match="is not a thread name; give one of 1 to 80 printable characters"):
        check_name(name)


def test_a_file_that_is_none(workspace: Workspace, shelf: Shelf) -> None:
    (workspace.folder / THREADS_FILE).write_text("not a database" * 100)
    with pytest.raises(
        WorkspaceError, match=r"cannot be opened \(file is not a database\); move threads.sqlite"
    ):
        threads(workspace.folder)
    with (
        pytest.raises(WorkspaceError, match="file is not a database"),
        opened(workspace, shelf, "default"),
    ):
        pass


async def test_nothing_but_messages_and_json_is_read(workspace: Workspace) -> None:
    async with open_saver(workspace.folder) as saver:
        kind, kept = saver.serde.dumps_typed(Thread("one", 1, "", ""))
        assert not isinstance(saver.serde.loads_typed((kind, kept)), Thread)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE checkpoints SET checkpoint = X'C1'",
        "UPDATE checkpoints SET checkpoint = NULL",
        "UPDATE checkpoints SET type = 'pickle'",
        "UPDATE checkpoints SET checkpoint = '[]', type = 'json'",
        "UPDATE checkpoints SET checkpoint = '{\"channel_values\": 3}', type = 'json'",
        "UPDATE checkpoints SET metadata = 'no json'",
    ],
)
def test_odd_contents_are_an_error_of_the_workspace(workspace: Workspace, shelf: Shelf, change: str) -> None:
    with opened(workspace, shelf, "one", Turn(text="Yes.")) as chat:
        chat.say_sync("hello")
    with closing(sqlite3.connect(workspace.folder / THREADS_FILE)) as connection, connection:
        connection.execute(change)
    with pytest.raises(WorkspaceError, match=r"cannot be opened \(a checkpoint .* move threads.sqlite away"):
        threads(workspace.folder)
    with pytest.raises(WorkspaceError, match="a checkpoint"), opened(workspace, shelf, "one"):
        pass


def test_a_clock_that_is_set_back_loses_nothing(
    workspace: Workspace, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        with opened(workspace, shelf, name, Turn(text="Yes.")) as chat:
            chat.say_sync("before")
    day = 24 * 3600 * 10**9
    real = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: real() - day)
    monkeypatch.setattr("langgraph.checkpoint.base.id._last_v6_timestamp", None)
    with opened(workspace, shelf, "one", uses("add", words="ink")) as chat:
        chat.say_sync("add ink")
        assert chat.pending is not None
    with opened(workspace, shelf, "one") as chat:
        assert [said.text for said in chat.messages if said.by == "person"] == ["before", "add ink"]
        assert chat.pending is not None
    assert [(each.name, each.waiting) for each in threads(workspace.folder)] == [
        ("one", True),
        ("two", False),
    ]


def test_a_turn_that_ends_after_wrong_calls_says_so(workspace: Workspace, shelf: Shelf) -> None:
    wrong = [Turn(wrong="no such tool") for _ in range(3)]
    with opened(workspace, shelf, "one", *wrong, Turn(text="Yes."), writes=True) as chat:
        chat.say_sync("hello")
        assert chat.gave_up
        chat.say_sync("again")
        assert not chat.gave_up
