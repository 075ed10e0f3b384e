"""Cached vectors of texts, by embedder and text."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, VectorsChangedError

Matrix = NDArray[np.float32]
_ROWS_AT_A_TIME = 4096


class Embeddings:
    """Vectors as `FLOAT[n]`, one table per dimension; texts are stored as hashes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, model: str, texts: Sequence[str]) -> tuple[Matrix, NDArray[np.bool_]]:
        """Return (n, d) float32 rows in the order of `texts`, and an (n,) mask of those found.

        Missing rows are zero; d is 0 for an unknown model.
        """
        dimension = self._dimension(model) or 0
        matrix = np.zeros((len(texts), dimension), dtype=np.float32)
        found = np.zeros(len(texts), dtype=np.bool_)
        if dimension:
            for start in range(0, len(texts), _ROWS_AT_A_TIME):
                part = slice(start, start + _ROWS_AT_A_TIME)
                places, vectors = self._read(model, dimension, texts[part])
                if places.size:
                    matrix[part][places], found[part][places] = vectors, True
        return matrix, found

    def put(self, model: str, texts: Sequence[str], matrix: Matrix) -> None:
        """Store one float32 row of `matrix` (n, d) per text; a known text keeps its vector."""
        if matrix.ndim != 2 or len(matrix) != len(texts):
            raise InputError(
                f"{len(texts)} texts came with a matrix of {matrix.shape}, expected one row each"
            )
        if not len(texts):
            return
        dimension = int(matrix.shape[1])
        with self._database.write():
            self._declare(model, dimension)
            for start in range(0, len(texts), _ROWS_AT_A_TIME):
                part = slice(start, start + _ROWS_AT_A_TIME)
                self._write(model, dimension, texts[part], matrix[part])

    def replace(self, model: str, texts: Sequence[str], matrix: Matrix) -> None:
        """Store rows as `put` does, in place of all that is stored for the model, at once."""
        with self._database.write():
            if (dimension := self._dimension(model)) is not None:
                connection = self._database.read()
                connection.execute(f"DELETE FROM {_table(dimension)} WHERE model = ?", [model])
                connection.execute("DELETE FROM embedders WHERE model = ?", [model])
            self.put(model, texts, matrix)

    def models(self) -> dict[str, int]:
        """Return the dimension of each stored model."""
        return dict(self._database.rows("SELECT model, dimension FROM embedders ORDER BY model"))

    def _dimension(self, model: str) -> int | None:
        rows = self._database.rows("SELECT dimension FROM embedders WHERE model = ?", [model])
        return int(rows[0][0]) if rows else None

    def _declare(self, model: str, dimension: int) -> None:
        known = self._dimension(model)
        if known is not None and known != dimension:
            raise VectorsChangedError(model, dimension, known)
        if known is None:
            connection = self._database.read()
            connection.execute("INSERT INTO embedders VALUES (?, ?)", [model, dimension])
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {_table(dimension)} "
                f"(model VARCHAR NOT NULL, key BLOB NOT NULL, vector FLOAT[{dimension}] NOT NULL)"
            )

    def _read(self, model: str, dimension: int, texts: Sequence[str]) -> tuple[NDArray[np.int64], Matrix]:
        keys = [_key(text) for text in texts]
        columns = self._database.columns(
            f"SELECT wanted.place, stored.vector FROM {_table(dimension)} AS stored "
            "JOIN (SELECT unnest($1::BLOB[]) AS key, unnest($2::BIGINT[]) AS place) AS wanted USING (key) "
            "WHERE stored.model = $3",
            [keys, list(range(len(keys))), model],
        )
        places = np.asarray(columns["place"], dtype=np.int64)
        vectors = np.stack(columns["vector"]) if places.size else np.zeros((0, dimension), dtype=np.float32)
        return places, vectors

    def _write(self, model: str, dimension: int, texts: Sequence[str], matrix: Matrix) -> None:
        known, _ = self._read(model, dimension, texts)
        skip = {_key(texts[place]) for place in known.tolist()}
        new = {key: row for row, text in enumerate(texts) if (key := _key(text)) not in skip}
        if not new:
            return
        rows = np.ascontiguousarray(matrix[list(new.values())], dtype=np.float32)
        connection = self._database.read()
        connection.register("_vectors", {"key": _objects(list(new)), "vector": _objects(list(rows))})
        try:
            connection.execute(
                f"INSERT INTO {_table(dimension)} SELECT $1, key, vector FROM _vectors", [model]
            )
        finally:
            connection.unregister("_vectors")


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _table(dimension: int) -> str:
    return f"embeddings_{int(dimension)}"


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=np.object_)
    for place, value in enumerate(values):
        array[place] = value
    return array
