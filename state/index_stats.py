"""How large the index is, and how it is shaped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.database import Database
from taxonaut.state.shape import ROOT

_Ints = NDArray[np.int64]


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
    labels = int(database.rows("SELECT count(*) FROM labels")[0][0])
    edges = database.columns("SELECT parent, child FROM edges WHERE tree = ? ORDER BY parent", [tree])
    placements = database.columns("SELECT node, label FROM placements WHERE tree = ?", [tree])
    parents, children = np.asarray(edges["parent"]), np.asarray(edges["child"])
    nodes = np.union1d(children, [ROOT])
    terminals = np.setdiff1d(nodes, parents)
    holders, loads = np.unique(np.asarray(placements["node"]), return_counts=True)
    terminal_loads = loads[np.isin(holders, terminals)]
    return IndexStats(
        labels=labels,
        nodes=nodes.size - 1,
        edges=children.size,
        placements=int(loads.sum()),
        terminals=terminals.size,
        depth=_depth(parents, children),
        labels_unplaced=labels - np.unique(np.asarray(placements["label"])).size,
        largest_terminal=int(terminal_loads.max(initial=0)),
        labels_per_terminal=float(terminal_loads.sum() / terminals.size),
    )


def _depth(parents: _Ints, children: _Ints) -> int:
    ids = np.union1d(children, [ROOT])
    below = np.searchsorted(ids, children)
    starts = np.searchsorted(parents, ids)
    counts = np.searchsorted(parents, ids, side="right") - starts
    seen = np.zeros(ids.size, dtype=np.bool_)
    level, depth = np.searchsorted(ids, [ROOT]), 0
    while True:
        seen[level] = True
        many = counts[level]
        firsts = np.repeat(starts[level] - many.cumsum() + many, many)
        reached = np.unique(below[firsts + np.arange(firsts.size)])
        level = reached[~seen[reached]]
        if not level.size:
            return depth
        depth += 1
