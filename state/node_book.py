"""The nodes' texts, read when asked for and kept up to a limit."""

from collections.abc import Iterable, Sequence
from typing import Any

from taxonaut.state.database import Database
from taxonaut.state.ids import NodeId
from taxonaut.state.label_book import LabelBook
from taxonaut.state.lookup import fetch_by_number
from taxonaut.state.packing import unpack
from taxonaut.state.records import Node

_MOST_KEPT = 32_768
_COLUMNS = "id, name, description, includes, excludes, label, examples"


class NodeBook:
    """Nodes by id. Whether a node is in the tree is for the shape to say."""

    def __init__(self, database: Database, labels: LabelBook) -> None:
        self._database = database
        self._labels = labels
        self._kept: dict[int, Node] = {}

    def get(self, ids: Sequence[int]) -> list[Node]:
        """Return nodes in the order of `ids`, each of which must exist."""
        missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._kept]
        if not missing:
            return [self._kept[id_] for id_ in ids]
        rows = fetch_by_number(self._database, _COLUMNS, "nodes", "id", missing)
        fresh = {row[0]: self._node(row) for row in rows}
        fresh.update((id_, self._kept[id_]) for id_ in ids if id_ in self._kept)
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        if len(fresh) <= _MOST_KEPT:
            self._kept.update(fresh)
        return [fresh[id_] for id_ in ids]

    def forget(self, ids: Iterable[int]) -> None:
        """Read these nodes again when they are next asked for."""
        for id_ in ids:
            self._kept.pop(id_, None)

    def forget_all(self) -> None:
        """Read all nodes again."""
        self._kept.clear()

    def _node(self, row: tuple[Any, ...]) -> Node:
        id_, name, description, includes, excludes, label, examples = row
        label_id = None if label is None else self._labels.ids([label])[0]
        return Node(
            NodeId(id_), name, description, unpack(includes), unpack(excludes), label_id, unpack(examples)
        )
