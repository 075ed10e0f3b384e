"""Gold labels of items, from evaluated files."""

from collections.abc import Iterable, Sequence

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import ItemId, LabelId


class GoldLabels:
    """Gold labels by item. `unit` distinguishes texts with the same id, as `resumable.unit_key` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, rows: Iterable[tuple[ItemId, str, Sequence[LabelId]]]) -> None:
        """Store (item, unit, labels) rows, replacing those of the same items."""
        given = {item: (unit, tuple(dict.fromkeys(labels))) for item, unit, labels in rows if labels}
        if not given:
            return
        with self._database.write() as connection:
            connection.execute("DELETE FROM gold WHERE item IN (SELECT unnest($1::VARCHAR[]))", [list(given)])
            known = [(item, unit, label) for item, (unit, labels) in given.items() for label in labels]
            self._database.append("gold", ("item", "unit", "label"), known)

    def all(self) -> dict[ItemId, tuple[str, tuple[LabelId, ...]]]:
        """Return the unit and the labels of every item, in insertion order."""
        found: dict[ItemId, tuple[str, tuple[LabelId, ...]]] = {}
        for item, unit, label in self._database.rows("SELECT item, unit, label FROM gold ORDER BY rowid"):
            former = found.get(ItemId(item), (unit, ()))[1]
            found[ItemId(item)] = (unit, (*former, LabelId(label)))
        return found

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(DISTINCT item) FROM gold")[0][0])
