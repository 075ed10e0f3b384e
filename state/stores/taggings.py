"""The descriptors of items, by the latest assignment."""

from collections.abc import Iterator, Sequence
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import pack, unpack
from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId, RunId

_COLUMNS = ("tree", "item", "run", "path", "others")
_TREE = "(SELECT id FROM current_tree)"
_READ = f"SELECT item, path, others FROM tags WHERE tree = {_TREE}"


class Taggings:
    """Taggings of items by the current vocabulary; each tree has its own, so that `undo` restores them.

    Rows may name nodes that were removed since; `Vocabulary` skips these.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: RunId, taggings: Sequence[Tagging]) -> None:
        """Store taggings, replacing former ones of the same items; of two for one item the last counts."""
        if not taggings:
            return
        latest = {tagging.item_id: tagging for tagging in taggings}
        with self._database.write() as connection:
            tree = self._database.rows(f"SELECT {_TREE}")[0][0]
            connection.execute(
                "DELETE FROM tags WHERE tree = $1 AND item IN (SELECT unnest($2::VARCHAR[]))",
                [tree, list(latest)],
            )
            rows = [(tree, t.item_id, run, pack(t.path), pack(t.others)) for t in latest.values()]
            self._database.append("tags", _COLUMNS, rows)

    def get(self, items: Sequence[ItemId]) -> dict[ItemId, Tagging]:
        """Return the taggings of some items; items never assigned are left out."""
        sql = f"{_READ} AND item IN (SELECT unnest($1::VARCHAR[]))"
        return {
            tagging.item_id: tagging for tagging in map(_tagging, self._database.rows(sql, [list(items)]))
        }

    def all(self) -> Iterator[Tagging]:
        """Iterate over all taggings, in the order of assignment."""
        return map(_tagging, self._database.rows(f"{_READ} ORDER BY rowid"))

    def __len__(self) -> int:
        return int(self._database.rows(f"SELECT count(*) FROM tags WHERE tree = {_TREE}")[0][0])


def _tagging(row: Sequence[Any]) -> Tagging:
    item, path, others = row
    return Tagging(ItemId(item), tuple(map(NodeId, unpack(path))), tuple(map(NodeId, unpack(others))))
