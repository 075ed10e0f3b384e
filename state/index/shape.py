"""The structure of the tree in memory: edges and placements as integers, paths and depths."""

import heapq
import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from taxonaut.state.db.connection import Database

ROOT = 1
MOST_PATHS = 64
"""Maximum number of paths returned, the shortest ones; in a DAG they can be exponentially many."""

_MOST_KEPT = 65_536

_Ints = NDArray[np.int64]
_Path = tuple[int, "_Path | None"]


class Links:
    """A one-to-many relation in insertion order: sorted arrays, with changed keys read again on demand."""

    def __init__(self, database: Database, tree: int, table: str, key: str, value: str) -> None:
        self._database = database
        self._some = (
            f"SELECT {key}, {value} FROM {table} WHERE tree = $1 AND {key} BETWEEN $3 AND $4 "
            f"AND {key} IN (SELECT unnest($2::BIGINT[])) ORDER BY position"
        )
        self._tree = tree
        self._touched: dict[int, tuple[int, ...]] = {}
        self._stale: set[int] = set()
        self._kept: dict[int, tuple[int, ...]] = {}
        """What was read of the arrays, as walks ask for the same nodes again and again."""
        columns = database.columns(
            f"SELECT {key} AS k, {value} AS v, position AS p FROM {table} WHERE tree = ?", [tree]
        )
        keys = np.asarray(columns["k"], dtype=np.int64)
        order = np.lexsort((columns["p"], keys))
        self._values: _Ints = np.asarray(columns["v"], dtype=np.int64)[order]
        self._keys, starts = np.unique(keys[order], return_index=True)
        self._starts: _Ints = np.append(starts, keys.size)

    def __getitem__(self, key: int) -> tuple[int, ...]:
        if key in self._stale:
            self._read_again()
        if key in self._touched:
            return self._touched[key]
        if key in self._kept:
            return self._kept[key]
        place = int(self._keys.searchsorted(key))
        there = place < self._keys.size and self._keys[place] == key
        values = self._values[self._starts[place] : self._starts[place + 1]].tolist() if there else ()
        found = tuple(values)
        if len(self._kept) < _MOST_KEPT:
            self._kept[key] = found
        return found

    def touch(self, keys: Iterable[int]) -> None:
        """Mark keys as stale; they are read from the file together on the next access to one of them."""
        self._stale.update(keys)

    def touch_all(self) -> None:
        """Mark every key that was ever touched as stale."""
        self._stale.update(self._touched)
        self._touched.clear()

    def _read_again(self) -> None:
        stale = sorted(self._stale)
        found: dict[int, list[int]] = {key: [] for key in stale}
        for key, value in self._database.rows(self._some, [self._tree, stale, stale[0], stale[-1]]):
            found[key].append(value)
        self._touched.update((key, tuple(values)) for key, values in found.items())
        self._stale.clear()


class Shape:
    """The current tree without texts. Node 1 is the root; labels are import numbers."""

    def __init__(self, database: Database) -> None:
        self.tree = int(database.rows("SELECT id FROM current_tree")[0][0])
        self.children = Links(database, self.tree, "edges", "parent", "child")
        self.parents = Links(database, self.tree, "edges", "child", "parent")
        self.labels_at = Links(database, self.tree, "placements", "node", "label")
        self.nodes_of = Links(database, self.tree, "placements", "label", "node")
        self._depths: dict[int, int] = {}
        self._only: dict[int, tuple[int, ...] | None] = {}

    def has(self, node: int) -> bool:
        """Return whether a node is in the tree: the root, or a node with a parent."""
        return node == ROOT or bool(self.parents[node])

    def touch_edges(self, edges: Iterable[tuple[int, int]]) -> None:
        """Mark (parent, child) edges as changed."""
        edges = list(edges)
        self.children.touch(parent for parent, _ in edges)
        self.parents.touch(child for _, child in edges)
        self._depths.clear()
        self._only.clear()

    def touch_placements(self, placements: Iterable[tuple[int, int]]) -> None:
        """Mark (node, label) placements as changed."""
        placements = list(placements)
        self.labels_at.touch(node for node, _ in placements)
        self.nodes_of.touch(label for _, label in placements)

    def refresh(self) -> None:
        """Mark everything touched as stale, after a rollback."""
        for links in (self.children, self.parents, self.labels_at, self.nodes_of):
            links.touch_all()
        self._depths.clear()

    def is_below(self, node: int, ancestor: int) -> bool:
        """Return whether `ancestor` is `node` or above it."""
        return any(above == ancestor for above in self.upwards(node))

    def upwards(self, node: int) -> Iterator[int]:
        """Yield a node and all nodes above it, the root included."""
        seen, waiting = {node}, [node]
        while waiting:
            current = waiting.pop()
            yield current
            for parent in self.parents[current]:
                if parent not in seen:
                    seen.add(parent)
                    waiting.append(parent)

    def depth(self, node: int) -> int:
        """Return the distance of a node from the root."""
        waiting = [node]
        depths = self._depths
        depths[ROOT] = 0
        while waiting:
            current = waiting[-1]
            missing = [parent for parent in self.parents[current] if parent not in depths]
            if current not in depths and not missing:
                depths[current] = 1 + min(depths[parent] for parent in self.parents[current])
            if missing:
                waiting.extend(missing)
            else:
                waiting.pop()
        return depths[node]

    def shortest_path(self, node: int) -> tuple[int, ...]:
        """Return the nodes of one shortest path, without the root; ties go to the first parent."""
        path: list[int] = []
        self.depth(node)
        while node != ROOT:
            path.append(node)
            node = min(self.parents[node], key=self.depth)
        return tuple(reversed(path))

    def paths(self, node: int, most: int = MOST_PATHS) -> list[tuple[int, ...]]:
        """Return up to `most` paths from the root to a node, without the root, shortest first."""
        if (only := self._only_path(node)) is not None:
            return [only][:most]
        found: list[tuple[int, ...]] = []
        # Best-first search by (total length, steps left): about depth x most partial paths, each a linked list
        # from its topmost node down.
        order = itertools.count()
        waiting: list[tuple[int, int, int, _Path]] = [(self.depth(node), self.depth(node), 0, (node, None))]
        while waiting and len(found) < most:
            length, _, _, path = heapq.heappop(waiting)
            if path[0] == ROOT:
                found.append(_steps(path[1]))
                continue
            walked = length - self.depth(path[0])
            for parent in self.parents[path[0]]:
                left = self.depth(parent)
                heapq.heappush(waiting, (walked + 1 + left, left, next(order), (parent, path)))
        return found

    def _only_path(self, node: int) -> tuple[int, ...] | None:
        """Return the path to a node if it is unique (one parent at every step), else None."""
        way: list[int] = []
        while node != ROOT and node not in self._only:
            parents = self.parents[node]
            if len(parents) != 1:
                break
            way.append(node)
            node = parents[0]
        path = () if node == ROOT else self._only.get(node)
        while way:
            step = way.pop()
            path = None if path is None else (*path, step)
            self._only[step] = path
        return path


def _steps(path: "_Path | None") -> tuple[int, ...]:
    steps: list[int] = []
    while path is not None:
        node, path = path
        steps.append(node)
    return tuple(steps)
