"""Traces of walks: the nodes opened and dropped, one row per walk."""

from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import dump, load, pack, unpack
from taxonaut.state.graph_states.navigate import OpenedNode, Reason, Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId

_COLUMNS = ("run", "item", "opened", "dropped", "anchors", "retrieved")
_LATEST = """
SELECT item, last(opened ORDER BY rowid), last(dropped ORDER BY rowid), last(anchors ORDER BY rowid),
       last(retrieved ORDER BY rowid)
FROM trails WHERE run = $1 AND item IN (SELECT unnest($2::VARCHAR[])) GROUP BY item
"""


class Traces:
    """The trails of all runs; append-only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, run: RunId, trails: Mapping[ItemId, Trail]) -> None:
        """Store the trails of a run's items; scores are rounded to four digits."""
        if trails:
            self._database.append("trails", _COLUMNS, [_row(run, item, t) for item, t in trails.items()])

    def latest(self, run: RunId, items: Sequence[ItemId]) -> dict[ItemId, Trail]:
        """Return the last trail of each item in a run; items without one are left out."""
        rows = self._database.rows(_LATEST, [run, list(items)])
        return {ItemId(row[0]): _trail(row[1:]) for row in rows}


def _row(run: RunId, item: ItemId, trail: Trail) -> tuple[object, ...]:
    opened = [(way.node, round(way.score, 4), way.how, way.via) for way in trail.opened]
    anchors = [(label, round(score, 4)) for label, score in trail.anchors]
    return run, item, pack(opened), dump(dict(trail.dropped)), pack(anchors), pack(trail.retrieved)


def _trail(row: Sequence[Any]) -> Trail:
    opened, anchors, retrieved = (unpack(row[place]) for place in (0, 2, 3))
    dropped: dict[Reason, list[NodeId]] = load(row[1])  # type: ignore[assignment]
    return Trail(
        tuple(OpenedNode(NodeId(node), score, how, via) for node, score, how, via in opened),
        {reason: tuple(nodes) for reason, nodes in dropped.items()},
        tuple((LabelId(label), score) for label, score in anchors),
        tuple(LabelId(label) for label in retrieved),
    )
