"""Vectors of phrases that texts have in common, in a file of their own beside the index: a cache for later runs."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_WAIT_S = 2.0
_AT_A_TIME = 500
_TABLE = (
    "CREATE TABLE IF NOT EXISTS vectors "
    "(number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)"
)


class PhraseVectors:
    """Up to `limit` vectors as float16 by hashes of embedder and phrase; the oldest go first.

    Several processes may share the file, and any of them may be killed. It is a cache: where it cannot be read or
    written nothing is found or kept, and no work fails.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit

    def get(self, embedder: str, phrases: Sequence[str]) -> dict[str, NDArray[np.float16]]:
        """Return the vectors that are known, (d,) each."""
        if not self.path.is_file():
            return {}
        keys = {_key(embedder, phrase): phrase for phrase in phrases}
        wanted, found = list(keys), {}
        try:
            with closing(self._connect()) as connection:
                for start in range(0, len(wanted), _AT_A_TIME):
                    part = wanted[start : start + _AT_A_TIME]
                    sql = f"SELECT key, vector FROM vectors WHERE key IN ({','.join('?' * len(part))})"
                    for key, vector in connection.execute(sql, part):
                        found[keys[key]] = np.frombuffer(vector, np.float16)
        except sqlite3.Error:
            return {}
        return found

    def put(self, embedder: str, phrases: Sequence[str], vectors: NDArray[np.float16]) -> None:
        """Keep a vector (d,) for each phrase, and drop the oldest above the limit."""
        rows = [(_key(embedder, phrase), row.tobytes()) for phrase, row in zip(phrases, vectors, strict=True)]
        try:
            with closing(self._connect()) as connection, connection:
                connection.execute(_TABLE)
                connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
                connection.execute(
                    "DELETE FROM vectors WHERE number <= (SELECT max(number) FROM vectors) - ?", [self.limit]
                )
        except sqlite3.Error:
            return

    def forget(self) -> None:
        """Drop all: for a model that changed under its name."""
        try:
            with closing(self._connect()) as connection, connection:
                connection.execute("DROP TABLE IF EXISTS vectors")
        except sqlite3.Error:
            return

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAIT_S)


def _key(embedder: str, phrase: str) -> bytes:
    return blake2b(f"{embedder}\0{phrase}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
