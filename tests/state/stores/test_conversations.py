"""The file of threads, read without LangGraph."""

import sqlite3
from pathlib import Path

from taxonaut.state.stores.conversations import has_thread


def test_a_thread_is_there_once_it_has_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "threads.sqlite"
    assert not has_thread(file, "spring")
    assert not file.exists()
    connection = sqlite3.connect(file)
    assert not has_thread(file, "spring")
    connection.execute("CREATE TABLE checkpoints (thread_id TEXT)")
    connection.execute("INSERT INTO checkpoints VALUES ('spring')")
    connection.commit()
    connection.close()
    assert has_thread(file, "spring")
    assert not has_thread(file, "autumn' OR '1'='1")
