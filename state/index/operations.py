"""Elementary changes to the index, each of which returns its inverse."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from taxonaut.state.db.connection import Database, next_ids
from taxonaut.state.db.json_codec import pack
from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import Shape
from taxonaut.state.index.view import IndexView
from taxonaut.state.label_mappings import MAPPING_COLUMNS, LabelMapping
from taxonaut.state.records import Node

Edge = tuple[int, int]
Placement = tuple[int, int]

_NODE_COLUMNS = ("id", "tree", "name", "description", "includes", "excludes", "label", "examples")
_LISTS = frozenset({"includes", "excludes", "examples"})


class Editor:
    """Write access to the index within one transaction. It validates nothing: operations do, before they write."""

    def __init__(self, database: Database, view: IndexView, connection: DuckDBPyConnection) -> None:
        self.view = view
        self._database = database
        self._connection = connection

    @property
    def shape(self) -> Shape:
        """The shape of the current tree, including the changes so far."""
        return self.view.shape

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement inside the transaction."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def append(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Insert rows inside the transaction."""
        self._database.append(table, columns, rows)

    def next_ids(self, counter: str, count: int = 1) -> int:
        """Reserve `count` consecutive ids of a counter and return the first."""
        return next_ids(self._connection, counter, count)

    def insert_nodes(self, nodes: Sequence[dict[str, Any]]) -> None:
        """Insert the rows of nodes; the label of each is an id or None."""
        rows = []
        for node in nodes:
            label = None if node["label"] is None else self.view.labels.number(node["label"])
            packed = {name: pack(value) if name in _LISTS else value for name, value in node.items()}
            row = {**packed, "label": label, "tree": self.shape.tree}
            rows.append([row[name] for name in _NODE_COLUMNS])
        self.append("nodes", _NODE_COLUMNS, rows)
        self.view.changed()

    def delete_nodes(self, nodes: Sequence[int]) -> None:
        """Delete the rows of nodes."""
        self.execute("DELETE FROM nodes WHERE id IN (SELECT unnest($1::BIGINT[]))", [list(nodes)])
        self.view.nodes.forget(nodes)
        self.view.changed()

    def update_node(self, node: int, fields: dict[str, Any]) -> None:
        """Change some of a node's texts."""
        for name, value in fields.items():
            if name not in _NODE_COLUMNS[2:]:
                raise KeyError(name)
            text = pack(value) if name in _LISTS else value
            if name == "label" and value is not None:
                text = self.view.labels.number(value)
            self.execute(f"UPDATE nodes SET {name} = ? WHERE id = ?", [text, node])
        self.view.nodes.forget([node])
        self.view.changed()

    def describe_labels(self, descriptions: dict[int, str]) -> None:
        """Change the descriptions of labels, by number."""
        self._update_labels("description", descriptions)

    def rename_labels(self, names: dict[int, str]) -> None:
        """Change the names of labels, by number."""
        self._update_labels("name", names)

    def set_alternatives(self, alternatives: dict[int, str]) -> None:
        """Change the alternative names of labels, packed, by number."""
        self._update_labels("alternatives", alternatives)

    def map_labels(
        self, remove: Sequence[LabelId], ids: dict[int, LabelId], add: Sequence[LabelMapping]
    ) -> None:
        """Remove mappings by their former ids, change the ids of labels by number, and add mappings."""
        if remove:
            self.execute(
                "DELETE FROM label_mappings WHERE old IN (SELECT unnest($1::VARCHAR[]))", [list(remove)]
            )
        if ids:
            self._update_labels("id", dict(ids))
        rows = [(each.old, pack(each.new), *each.row()[2:]) for each in add]
        if rows:
            self.append("label_mappings", MAPPING_COLUMNS, rows)
        self.view.labels.forget_mappings()
        if ids:
            self.view.drop_labels()
        self.view.changed()

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
        """Insert (parent, child, position) edges."""
        tree = self.shape.tree
        self.append("edges", ("tree", "parent", "child", "position"), [(tree, *edge) for edge in edges])
        self.shape.touch_edges((parent, child) for parent, child, _ in edges)
        self.view.changed()

    def delete_edges(self, edges: Sequence[Edge]) -> list[tuple[int, int, int]]:
        """Delete (parent, child) edges and return them with their positions."""
        gone = self._delete("edges", "parent", "child", edges)
        self.shape.touch_edges(edges)
        self.view.changed()
        return gone

    def insert_placements(self, placements: Sequence[tuple[int, int, int]]) -> None:
        """Insert (node, label number, position) placements."""
        tree = self.shape.tree
        self.append("placements", ("tree", "node", "label", "position"), [(tree, *row) for row in placements])
        self.shape.touch_placements((node, label) for node, label, _ in placements)
        self.view.changed()

    def delete_placements(self, placements: Sequence[Placement]) -> list[tuple[int, int, int]]:
        """Delete (node, label number) placements and return them with their positions."""
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


Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OperationCall:
    """An operation by name, with JSON arguments."""

    operation: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The result of an operation: the payload of its event, and the inverse call."""

    payload: Arguments
    inverse: OperationCall


Operation = Callable[[Editor, Arguments], OperationResult]


def create_node(editor: Editor, arguments: Arguments) -> OperationResult:
    """Add a node with the given edges and placements."""
    node, parents, children = arguments["node"], arguments["parents"], arguments["children"]
    id_ = node["id"]
    editor.view.check_nodes([parent for parent, _ in parents] + [child for child, _ in children])
    for parent, _ in parents:
        for child, _ in children:
            _check_no_cycle(editor, parent, child)
    labels = [label for label, _ in arguments["placements"]]
    editor.view.labels.check_live(labels if node["label"] is None else [*labels, node["label"]])
    placements = [(id_, editor.view.labels.number(label), place) for label, place in arguments["placements"]]
    editor.insert_nodes([node])
    editor.insert_edges(
        [(parent, id_, place) for parent, place in parents]
        + [(id_, child, place) for child, place in children]
    )
    if placements:
        editor.insert_placements(placements)
    return OperationResult(arguments, OperationCall("remove_node", {"node": id_}))


def remove_node(editor: Editor, arguments: Arguments) -> OperationResult:
    """Remove a node, unless that would orphan a node or lose a label."""
    id_ = int(arguments["node"])
    editor.view.check_nodes([id_])
    node = editor.view.nodes.get([id_])[0]
    shape, book = editor.shape, editor.view.labels
    if not shape.parents[id_]:
        raise InputError(f"node {id_!r} is the root, which cannot be removed; remove what is below it")
    orphans = [child for child in shape.children[id_] if len(shape.parents[child]) == 1]
    if orphans:
        raise InputError(
            f"node {node.name!r} ({id_}) is the only parent of {len(orphans)} nodes, first {orphans[0]}; "
            "give them another parent or remove them first"
        )
    lost = [label for label in shape.labels_at[id_] if len(shape.nodes_of[label]) == 1]
    if lost:
        raise InputError(
            f"node {node.name!r} ({id_}) is the only place of {len(lost)} labels, first "
            f"{book.ids(lost)[0]!r}; place them elsewhere first"
        )
    edges = [(parent, id_) for parent in shape.parents[id_]] + [(id_, child) for child in shape.children[id_]]
    gone = editor.delete_edges(edges)
    placed = editor.delete_placements([(id_, label) for label in shape.labels_at[id_]])
    editor.delete_nodes([id_])
    restored = {
        "node": row_from_node(node),
        "parents": [[parent, place] for parent, child, place in gone if child == id_],
        "children": [[child, place] for parent, child, place in gone if parent == id_],
        "placements": [[book.ids([label])[0], place] for _, label, place in placed],
    }
    return OperationResult({"node": id_, "name": node.name}, OperationCall("create_node", restored))


def edit_node(editor: Editor, arguments: Arguments) -> OperationResult:
    """Change some of a node's texts."""
    id_, fields = int(arguments["node"]), arguments["fields"]
    editor.view.check_nodes([id_])
    if not str(fields.get("name", "-")).strip():
        raise InputError(f"node name must not be empty: {fields['name']!r} was given for node {id_!r}")
    former = row_from_node(editor.view.nodes.get([id_])[0])
    editor.update_node(id_, fields)
    return OperationResult(
        arguments,
        OperationCall("edit_node", {"node": id_, "fields": {name: former[name] for name in fields}}),
    )


def add_edge(editor: Editor, arguments: Arguments) -> OperationResult:
    """Add a parent to a node."""
    parent, child = int(arguments["parent"]), int(arguments["child"])
    editor.view.check_nodes([parent, child])
    if parent in editor.shape.parents[child]:
        raise InputError(f"node {child!r} is already under node {parent!r}; nothing to add")
    _check_no_cycle(editor, parent, child)
    editor.insert_edges([(parent, child, int(arguments["position"]))])
    return OperationResult(arguments, OperationCall("remove_edge", {"parent": parent, "child": child}))


def remove_edge(editor: Editor, arguments: Arguments) -> OperationResult:
    """Remove a parent from a node, unless it is the last."""
    parent, child = int(arguments["parent"]), int(arguments["child"])
    editor.view.check_nodes([parent, child])
    parents = editor.shape.parents[child]
    if parent not in parents:
        raise InputError(f"node {child!r} is not under node {parent!r}; its parents are {list(parents)}")
    if len(parents) == 1:
        raise InputError(
            f"node {parent!r} is the only parent of node {child!r}; give it another first, or remove it"
        )
    place = editor.delete_edges([(parent, child)])[0][2]
    return OperationResult(
        arguments, OperationCall("add_edge", {"parent": parent, "child": child, "position": place})
    )


def place(editor: Editor, arguments: Arguments) -> OperationResult:
    """Place a label in nodes that do not have it yet."""
    label, nodes = LabelId(arguments["label"]), arguments["nodes"]
    number = editor.view.labels.number(label)
    editor.view.labels.check_live([label])
    editor.view.check_nodes([node for node, _ in nodes])
    there = [node for node, _ in nodes if node in editor.shape.nodes_of[number]]
    if there:
        raise InputError(f"label {label!r} is already placed in node {there[0]!r}; nothing to place")
    editor.insert_placements([(node, number, position) for node, position in nodes])
    return OperationResult(
        arguments, OperationCall("unplace", {"label": label, "nodes": [node for node, _ in nodes]})
    )


def unplace(editor: Editor, arguments: Arguments) -> OperationResult:
    """Remove a label from nodes; `may_lose` allows it to lose its last place."""
    label, nodes = LabelId(arguments["label"]), [int(node) for node in arguments["nodes"]]
    number = editor.view.labels.number(label)
    placed = editor.shape.nodes_of[number]
    missing = [node for node in nodes if node not in placed]
    if missing:
        raise InputError(
            f"label {label!r} is not placed in node {missing[0]!r}; it is placed in {list(placed)}"
        )
    if not arguments.get("may_lose", True) and len(placed) == len(nodes):
        raise InputError(f"node {nodes[0]!r} is the only place of label {label!r}; place it elsewhere first")
    gone = editor.delete_placements([(node, number) for node in nodes])
    return OperationResult(
        {"label": label, "nodes": nodes},
        OperationCall("place", {"label": label, "nodes": [[node, position] for node, _, position in gone]}),
    )


def _check_no_cycle(editor: Editor, parent: int, child: int) -> None:
    if editor.shape.is_below(parent, child):
        names = [node.name for node in editor.view.nodes.get([parent, child])]
        raise CycleError(
            f"node {names[0]!r} ({parent}) is node {names[1]!r} ({child}) or below it, so it cannot be its "
            "parent; choose a parent that is not below the node"
        )


def row_from_node(node: Node) -> Arguments:
    """Return the row of an existing node, as `create_node` takes it."""
    return node_row(
        node.id, node.name, node.description, node.includes, node.excludes, node.label_id, node.examples
    )


def node_row(
    id_: NodeId,
    name: str,
    description: str,
    includes: tuple[str, ...],
    excludes: tuple[str, ...],
    label: LabelId | None,
    examples: tuple[str, ...],
) -> Arguments:
    """Return the row of a node, as `create_node` takes it."""
    return {
        "id": id_,
        "name": name,
        "description": description,
        "includes": list(includes),
        "excludes": list(excludes),
        "label": label,
        "examples": list(examples),
    }
