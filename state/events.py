"""The log of changes to the index, each beside the change that takes it back."""

from collections.abc import Iterator
from typing import Any

from taxonaut.state.database import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId
from taxonaut.state.meta import give_out
from taxonaut.state.operations import Done
from taxonaut.state.packing import dump, load
from taxonaut.state.records import Change, Event

_COLUMNS = "id, made, operation, payload, inverse, undone_by, coalesce(change, id), coalesce(note, '')"
_CHANGES = """
SELECT max(id), min(id), min(made), histogram(operation), arg_min(payload, id), coalesce(max(note), ''),
    count(undone_by), max(undone_by)
FROM events GROUP BY coalesce(change, id) ORDER BY max(id) DESC LIMIT ?
"""


class Events:
    """The index's history, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, operation: str, done: Done, tree: int | None, change: EventId | None = None, note: str = ""
    ) -> Event:
        """Write an event. `tree` is the tree it acted on, None if it acted on none.

        `change` is the first event of the change it belongs to; None: a change of its own.
        """
        inverse = {"operation": done.inverse.operation, "arguments": done.inverse.arguments}
        with self._database.write() as connection:
            id_ = EventId(give_out(connection, "event"))
            connection.execute(
                "INSERT INTO events (id, operation, tree, payload, inverse, change, note) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                [id_, operation, tree, dump(done.payload), dump(inverse), change or id_, note],
            )
            return self.get(id_)

    def get(self, event: EventId) -> Event:
        """Return an event. Raises NotFoundError for an unknown id."""
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM events WHERE id = ?", [event])
        if not rows:
            raise NotFoundError(f"no event {event!r} in the index; `taxonaut index log` lists them")
        return _event(rows[0])

    def last_standing(self) -> Event:
        """Return the last event that is neither undone nor an undo. Raises InputError if there is none."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE undone_by IS NULL AND operation <> 'undo' "
            "ORDER BY id DESC LIMIT 1"
        )
        rows = self._database.rows(sql)
        if not rows:
            raise InputError("no event is left to undo; the index is as it was when it was created")
        return _event(rows[0])

    def tree_of(self, event: EventId) -> int | None:
        """Return the tree an event acted on, None if it acted on none."""
        rows = self._database.rows("SELECT tree FROM events WHERE id = ?", [event])
        return None if rows[0][0] is None else int(rows[0][0])

    def standing_after(self, event: EventId) -> Iterator[Event]:
        """Yield the later events that are neither undone nor an undo, latest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE id > ? AND undone_by IS NULL AND operation <> 'undo' "
            "ORDER BY id DESC"
        )
        return map(_event, self._database.rows(sql, [event]))

    def mark(self, event: EventId, undone_by: EventId | None) -> None:
        """Say by which event an event was undone; None lets it stand again."""
        with self._database.write() as connection:
            connection.execute("UPDATE events SET undone_by = ? WHERE id = ?", [undone_by, event])

    def knows(self, change: EventId) -> bool:
        """Say whether a change has events; one that was rolled back has none."""
        return bool(self._database.rows("SELECT 1 FROM events WHERE id = ? AND change = id", [change]))

    def of_change(self, change: EventId) -> "list[Event]":
        """Return the events of a change that are not undone, latest first."""
        sql = (
            f"SELECT {_COLUMNS} FROM events WHERE id >= ? AND coalesce(change, id) = ? "
            "AND undone_by IS NULL ORDER BY id DESC"
        )
        return [_event(row) for row in self._database.rows(sql, [change, change])]

    def back_to(self, event: EventId) -> "list[Event]":
        """Return the events after one, latest first."""
        sql = f"SELECT {_COLUMNS} FROM events WHERE id > ? ORDER BY id DESC"
        return [_event(row) for row in self._database.rows(sql, [event])]

    def changes(self, most: int | None = None) -> "list[Change]":
        """Return the latest changes, newest first."""
        return [
            Change(
                id=EventId(last),
                first=EventId(first),
                at=made.isoformat(timespec="seconds"),
                operations=dict(operations),
                payload=load(payload),
                note=note,
                undone=undone,
                undone_by=None if undone_by is None else EventId(undone_by),
            )
            for last, first, made, operations, payload, note, undone, undone_by in self._database.rows(
                _CHANGES, [most]
            )
        ]

    def list(self, after: EventId | None = None, most: int | None = None) -> "list[Event]":
        """Return the events after one, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM events WHERE id > ? ORDER BY id LIMIT ?"
        return [_event(row) for row in self._database.rows(sql, [after or 0, most])]


def _event(row: tuple[Any, ...]) -> Event:
    id_, made, operation, payload, inverse, undone_by, change, note = row
    return Event(
        id=EventId(id_),
        at=made.isoformat(timespec="seconds"),
        operation=operation,
        payload=load(payload),
        inverse=load(inverse),
        undone_by=None if undone_by is None else EventId(undone_by),
        change=EventId(change),
        note=note,
    )
