"""The changes of an update as a table that people edit and read back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.sources import open_source
from taxonaut.workspace.files.tables import Row, as_text, read_table
from taxonaut.workspace.labels.label_sets import Key
from taxonaut.workspace.labels.label_update import LabelUpdate
from taxonaut.workspace.labels.match_table import Cells, write_table
from taxonaut.workspace.labels.set_comparison import Change

CHANGE_COLUMNS = (
    "accept",
    "change",
    "id",
    "new_id",
    "name",
    "before",
    "after",
    "into",
    "by",
    "score",
    "note",
)
_YES = frozenset({"yes", "y", "true", "1", "x", "ok", "accept", "ja", "oui"})
_NO = frozenset({"", "no", "n", "false", "0", "-", "nein", "non"})


def write_changes(path: str | Path, update: LabelUpdate, accepted: Iterable[Change]) -> None:
    """Write the changes of an update, each with `yes` in the column `accept` if it is among the accepted."""
    taken = set(accepted)
    rows = [
        {"accept": "yes" if change in taken else "", **change_row(update, change)}
        for change in update.changes
    ]
    write_table(path, CHANGE_COLUMNS, rows)


def change_row(update: LabelUpdate, change: Change) -> dict[str, object]:
    """Return a change as JSON and tables have it."""
    former, present = update.comparison.former.entries, update.comparison.present.entries

    def id_in(entries: Mapping[Key, object], key: Key | None) -> str:
        return str(key) if isinstance(key, str) and key in entries else ""

    return {
        "change": change.kind,
        "id": id_in(former, change.former) or (str(change.present) if change.kind == "restored" else ""),
        "new_id": id_in(present, change.present),
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "into": "; ".join(id_in(present, key) for key in change.into),
        "by": change.by,
        "score": round(change.score, 3),
        "note": change.note,
    }


def read_accepted(path: str | Path, update: LabelUpdate) -> list[Change]:
    """Return the changes of an update that a table says `yes` to in its column `accept`.

    Raises InputError for another word in that column, and for a row that is no change of this update.
    """
    source = open_source(path, None)
    table = read_table(source, plain="change")
    known: defaultdict[tuple[str, ...], list[Change]] = defaultdict(list)
    for change in update.changes:
        known[_key_of(change_row(update, change))].append(change)
    found: dict[Change, None] = {}
    for row in table.rows():
        for column in ("accept", "change"):
            if column not in row.values:
                raise InputError(
                    f"{row.place}: there is no column {column!r}; give a table that was written by: taxonaut labels "
                    "update FILE --dry-run -o TABLE"
                )
        said = _text(row, "accept").casefold()
        if said in _NO:
            continue
        if said not in _YES:
            raise InputError(
                f"{row.place}: {said!r} in the column 'accept'; write 'yes' to take a change over, and nothing or "
                "'no' to leave it"
            )
        changes = known.get(_key_of({name: _text(row, name) for name in row.values}))
        if not changes:
            raise InputError(
                f"{row.place}: {_text(row, 'change')} of {_text(row, 'name')!r} is no change between the workspace "
                f"and {update.file.name}; write the table anew: taxonaut labels update FILE --dry-run -o {path}"
            )
        found.update(dict.fromkeys(changes))
    return list(found)


def _key_of(cells: Cells) -> tuple[str, ...]:
    names = ("change", "id", "new_id", "name", "into")
    return tuple(" ".join(str(cells.get(name, "")).split()).removeprefix("'") for name in names)


def _text(row: Row, column: str) -> str:
    return as_text(row.values.get(column), row, column).strip()
