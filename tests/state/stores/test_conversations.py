"""The file of threads, read without LangGraph."""

import sqlite3
from pathlib import Path

import pytest

from taxonaut.state.errors import WorkspaceError
from taxonaut.state.stores.conversations import THREAD_TABLES, check_threads, has_thread


def test_a_thread_is_there_once_it_has_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "threads.sqlite"
    assert not has_thread(file, "spring")
    assert not file.exists()
    connection = sqlite3.connect(file)
    assert not has_thread(file, "spring")
    connection.execute(f"CREATE TABLE checkpoints ({', '.join(sorted(THREAD_TABLES['checkpoints']))})")
    connection.execute("INSERT INTO checkpoints (thread_id) VALUES ('spring')")
    connection.commit()
    connection.close()
    assert has_thread(file, "spring")
    assert not has_thread(file, "autumn' OR '1'='1")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE VIEW checkpoints AS SELECT 'spring' AS thread_id", "the view 'checkpoints'"),
        ("CREATE TABLE secrets (a)", "the table 'secrets'"),
        ("CREATE TABLE checkpoints (thread_id)", "its table 'checkpoints' has other columns"),
        (
            f"CREATE TABLE checkpoints ({', '.join(sorted(THREAD_TABLES['checkpoints']))}); "
            "CREATE TRIGGER t AFTER INSERT ON checkpoints BEGIN DELETE FROM checkpoints; END",
            "the trigger 't'",
        ),
        (
            "CREATE TABLE checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, "
            "checkpoint, metadata AS (1))",
            "its table 'checkpoints' has other columns",
        ),
    ],
)
def test_a_file_with_other_objects_is_refused(tmp_path: Path, statement: str, named: str) -> None:
    file = tmp_path / "threads.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript(statement)
    connection.close()
    for use in (lambda: check_threads(file), lambda: has_thread(file, "spring")):
        with pytest.raises(WorkspaceError) as caught:
            use()
        assert named in str(caught.value)
        assert str(caught.value).endswith("move threads.sqlite away to begin anew")
