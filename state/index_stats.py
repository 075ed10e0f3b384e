"""How large the index is, and how it is shaped."""

from dataclasses import dataclass

import numpy as np

from taxonaut.state.database import Database
from taxonaut.state.shape import ROOT

_COUNTS = """
WITH
    edge AS (SELECT parent, child FROM edges WHERE tree = $1),
    placement AS (SELECT node, label FROM placements WHERE tree = $1),
    node AS (SELECT DISTINCT child AS id FROM edge UNION ALL SELECT $2),
    terminal AS (SELECT id FROM node ANTI JOIN edge ON edge.parent = node.id),
    load AS (SELECT count(label) AS labels FROM terminal LEFT JOIN placement ON node = id GROUP BY id)
SELECT
    (SELECT count(*) FROM labels),
    (SELECT count(*) - 1 FROM node),
    (SELECT count(*) FROM edge),
    (SELECT count(*) FROM placement),
    (SELECT count(*) FROM terminal),
    (SELECT count(*) FROM labels) - (SELECT count(DISTINCT label) FROM placement),
    (SELECT max(labels) FROM load),
    (SELECT avg(labels) FROM load)
"""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """What is in the index.

    `nodes` leaves the root out; `depth` is the fewest steps from the root to the farthest node;
    `largest_terminal` and `labels_per_terminal` (a mean) count the labels placed in terminal nodes.
    """

    labels: int
    nodes: int
    edges: int
    placements: int
    terminals: int
    depth: int
    labels_unplaced: int
    largest_terminal: int
    labels_per_terminal: float


def measure(database: Database, tree: int) -> IndexStats:
    """Count one tree, whatever its size, without reading a text."""
    row = database.rows(_COUNTS, [tree, ROOT])[0]
    labels, nodes, edges, placements, terminals, unplaced, largest = (int(value) for value in row[:7])
    return IndexStats(
        labels, nodes, edges, placements, terminals, _depth(database, tree), unplaced, largest, float(row[7])
    )


def _depth(database: Database, tree: int) -> int:
    columns = database.columns("SELECT parent, child FROM edges WHERE tree = ? ORDER BY parent", [tree])
    parents, children = np.asarray(columns["parent"]), np.asarray(columns["child"])
    seen, level, depth = np.array([ROOT]), np.array([ROOT]), 0
    while True:
        starts, ends = np.searchsorted(parents, level), np.searchsorted(parents, level, side="right")
        spans = [children[start:end] for start, end in zip(starts, ends, strict=True) if end > start]
        below = np.setdiff1d(np.concatenate(spans), seen) if spans else np.array([], dtype=np.int64)
        if not below.size:
            return depth
        seen, level, depth = np.union1d(seen, below), below, depth + 1
