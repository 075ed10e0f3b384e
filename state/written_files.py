"""Files that were written beside a person's own, and whether they are still as they were written."""

import hashlib
from pathlib import Path

from taxonaut.state.database import Database


class WrittenFiles:
    """Files by their absolute paths. One that was edited since is a person's own, and is not written over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, path: Path) -> None:
        """Note a file as it is now."""
        with self._database.write() as connection:
            values = [str(path.absolute()), digest(path)]
            connection.execute("INSERT OR REPLACE INTO written_files VALUES (?, ?)", values)

    def is_as_written(self, path: Path) -> bool:
        """Whether a file was noted and is as it was then."""
        sql = "SELECT digest FROM written_files WHERE path = ?"
        rows = self._database.rows(sql, [str(path.absolute())])
        return bool(rows) and rows[0][0] == digest(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
