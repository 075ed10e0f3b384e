"""The texts to label, stored once so that decisions and runs refer to them by id."""

from collections.abc import Iterable, Sequence

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.updates import TextsReplaced, tell


class Items:
    """The workspace's items, by id; none are stored without `texts`."""

    def __init__(self, database: Database, *, texts: bool = True) -> None:
        self._database = database
        self._texts = texts

    def put(self, items: Iterable[Item]) -> None:
        """Store items; of equal ids the last counts. A known id gets the new text, which `TextsReplaced` tells."""
        texts = {item.id: item.text for item in items}
        if not texts or not self._texts:
            return
        with self._database.write() as connection:
            known = dict(self._known(list(texts)))
            changed = [(id_, text) for id_, text in texts.items() if known.get(id_) != text]
            stale = [id_ for id_, _ in changed if id_ in known]
            if stale:
                connection.execute("DELETE FROM items WHERE id IN (SELECT unnest($1::VARCHAR[]))", [stale])
            self._database.append("items", ("id", "text"), changed)
        if stale:
            tell(TextsReplaced(tuple(stale)))

    def get(self, ids: Sequence[ItemId]) -> list[Item]:
        """Return the items in the order of `ids`. Raises NotFoundError for an unknown id."""
        texts = dict(self._known(list(ids)))
        for id_ in ids:
            if id_ not in texts:
                raise NotFoundError(
                    f"no item {id_!r} in this workspace; classify it first"
                    if self._texts
                    else f"the text of item {id_!r} is not kept: [records] has `texts = false`"
                )
        return [Item(id_, texts[id_]) for id_ in ids]

    def known(self, ids: Sequence[ItemId]) -> list[Item]:
        """Return the known ones of the items, in the order of `ids`."""
        texts = dict(self._known(list(ids)))
        return [Item(id_, texts[id_]) for id_ in ids if id_ in texts]

    def after(self, item: ItemId, most: int) -> list[Item]:
        """Return up to `most` items with an id above `item` ("": from the first), by id."""
        sql = "SELECT id, text FROM items WHERE id > ? ORDER BY id LIMIT ?"
        return [Item(ItemId(id_), text) for id_, text in self._database.rows(sql, [item, most])]

    def with_text(self, text: str) -> list[Item]:
        """Return the items that have a text, by id."""
        rows = self._database.rows("SELECT id, text FROM items WHERE text = $1 ORDER BY id", [text])
        return [Item(ItemId(id_), text) for id_, text in rows]

    def _known(self, ids: Sequence[ItemId]) -> list[tuple[ItemId, str]]:
        if not ids:
            return []
        sql = "SELECT id, text FROM items WHERE id IN (SELECT unnest($1::VARCHAR[]))"
        return [(ItemId(id_), text) for id_, text in self._database.rows(sql, [list(ids)])]

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM items")[0][0])
