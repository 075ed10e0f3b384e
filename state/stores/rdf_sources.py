"""The RDF that labels came from, whole, and what was read in it."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load
from taxonaut.state.ids import EventId


@dataclass(frozen=True, slots=True)
class RdfSource:
    """A file of RDF: its name, its format as rdflib calls it, its bytes, and what was read in it (JSON values)."""

    name: str
    format: str
    content: bytes
    reading: Mapping[str, Any]


class RdfSources:
    """The files of RDF that labels of the index came from; one counts while its event is not undone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, event: EventId, source: RdfSource) -> None:
        """Keep a source with the event that brought its labels."""
        row = [
            event,
            source.name,
            source.format,
            zlib.compress(source.content),
            zlib.compress(dump(source.reading).encode()),
        ]
        with self._database.write() as connection:
            connection.execute("INSERT INTO rdf_sources VALUES (?, ?, ?, ?, ?)", row)

    def all(self) -> list[RdfSource]:
        """Return the sources that count, the oldest first; one that is `whole` makes up for those before it."""
        found: list[RdfSource] = []
        for name, format_, content, packed in self._rows("name, format, content, reading"):
            reading = _unpacked(packed)
            if reading.get("whole"):
                found.clear()
            found.append(RdfSource(name, format_, zlib.decompress(content), reading))
        return found

    def readings(self) -> list[Mapping[str, Any]]:
        """Return what was read in the sources that count, the oldest first."""
        found: list[Mapping[str, Any]] = []
        for (packed,) in self._rows("reading"):
            reading = _unpacked(packed)
            if reading.get("whole"):
                found.clear()
            found.append(reading)
        return found

    def _rows(self, columns: str) -> list[tuple[Any, ...]]:
        return self._database.rows(
            f"SELECT {columns} FROM rdf_sources JOIN events ON events.id = event "
            "WHERE undone_by IS NULL ORDER BY event, rdf_sources.rowid"
        )


def _unpacked(reading: bytes) -> dict[str, Any]:
    return load(zlib.decompress(reading).decode())
