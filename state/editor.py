"""Row by row changes to the current tree, in the file and in memory at once."""

from collections.abc import Sequence
from typing import Any

from duckdb import DuckDBPyConnection

from taxonaut.state.database import Database
from taxonaut.state.index_view import IndexView
from taxonaut.state.meta import give_out
from taxonaut.state.packing import pack
from taxonaut.state.shape import Shape

Edge = tuple[int, int]
Placement = tuple[int, int]

_NODE_COLUMNS = ("id", "tree", "name", "description", "includes", "excludes", "label", "examples")
_LISTS = frozenset({"includes", "excludes", "examples"})


class Editor:
    """The writer's hands inside one transaction. It checks nothing: operations do, before they change."""

    def __init__(self, database: Database, view: IndexView, connection: DuckDBPyConnection) -> None:
        self.view = view
        self._database = database
        self._connection = connection

    @property
    def shape(self) -> Shape:
        """The current tree's shape, with what was changed so far."""
        return self.view.shape

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement inside the transaction."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert rows inside the transaction."""
        self._database.append(table, columns, rows)

    def give_out(self, counter: str, count: int = 1) -> int:
        """Return the first of `count` numbers never given out before."""
        return give_out(self._connection, counter, count)

    def insert_nodes(self, nodes: Sequence[dict[str, Any]]) -> None:
        """Add nodes' rows; the label of each is an id or None."""
        rows = []
        for node in nodes:
            label = None if node["label"] is None else self.view.labels.number(node["label"])
            packed = {name: pack(value) if name in _LISTS else value for name, value in node.items()}
            row = {**packed, "label": label, "tree": self.shape.tree}
            rows.append([row[name] for name in _NODE_COLUMNS])
        self.append("nodes", _NODE_COLUMNS, rows)
        self.view.changed()

    def delete_nodes(self, nodes: Sequence[int]) -> None:
        """Drop nodes' rows."""
        self.execute("DELETE FROM nodes WHERE id IN (SELECT unnest($1::BIGINT[]))", [list(nodes)])
        self.view.nodes.forget(nodes)
        self.view.changed()

    def update_node(self, node: int, fields: dict[str, Any]) -> None:
        """Change some of a node's texts."""
        for name, value in fields.items():
            if name not in _NODE_COLUMNS[2:]:
                raise KeyError(name)
            text = pack(value) if name in _LISTS else value
            self.execute(f"UPDATE nodes SET {name} = ? WHERE id = ?", [text, node])
        self.view.nodes.forget([node])
        self.view.changed()

    def describe_labels(self, descriptions: dict[int, str]) -> None:
        """Change the descriptions of labels, by number."""
        self._update_labels("description", descriptions)

    def rename_labels(self, names: dict[int, str]) -> None:
        """Change the names of labels, by number."""
        self._update_labels("name", names)

    def _update_labels(self, column: str, texts: dict[int, str]) -> None:
        self.execute(
            f"UPDATE labels SET {column} = given.text FROM "
            "(SELECT unnest($1::BIGINT[]) AS number, unnest($2::VARCHAR[]) AS text) AS given "
            "WHERE labels.number = given.number",
            [list(texts), list(texts.values())],
        )
        self.view.labels.forget(texts)
        self.view.changed()

    def insert_edges(self, edges: Sequence[tuple[int, int, int]]) -> None:
        """Add (parent, child, position) edges."""
        tree = self.shape.tree
        self.append("edges", ("tree", "parent", "child", "position"), [(tree, *edge) for edge in edges])
        self.shape.touch_edges((parent, child) for parent, child, _ in edges)
        self.view.changed()

    def delete_edges(self, edges: Sequence[Edge]) -> list[tuple[int, int, int]]:
        """Drop (parent, child) edges and return them with their positions."""
        gone = self._delete("edges", "parent", "child", edges)
        self.shape.touch_edges(edges)
        self.view.changed()
        return gone

    def insert_placements(self, placements: Sequence[tuple[int, int, int]]) -> None:
        """Add (node, label number, position) placements."""
        tree = self.shape.tree
        self.append("placements", ("tree", "node", "label", "position"), [(tree, *row) for row in placements])
        self.shape.touch_placements((node, label) for node, label, _ in placements)
        self.view.changed()

    def delete_placements(self, placements: Sequence[Placement]) -> list[tuple[int, int, int]]:
        """Drop (node, label number) placements and return them with their positions."""
        gone = self._delete("placements", "node", "label", placements)
        self.shape.touch_placements(placements)
        self.view.changed()
        return gone

    def _delete(
        self, table: str, one: str, other: str, pairs: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int, int]]:
        if not pairs:
            return []
        rows = self.execute(
            f"DELETE FROM {table} WHERE tree = $1 AND {one} BETWEEN $4 AND $5 AND ({one}, {other}) IN "
            f"(SELECT unnest($2::BIGINT[]), unnest($3::BIGINT[])) RETURNING {one}, {other}, position",
            [
                self.shape.tree,
                [pair[0] for pair in pairs],
                [pair[1] for pair in pairs],
                min(pairs)[0],
                max(pairs)[0],
            ],
        )
        return sorted(((row[0], row[1], row[2]) for row in rows), key=lambda row: row[2])
