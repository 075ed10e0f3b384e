"""Bulk changes to the index (many labels, whole trees), each with its inverse."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from taxonaut.state.db.json_codec import canonical, pack
from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.checks import TREE_ROOT, check_nothing_lost, check_tree
from taxonaut.state.index.operations import Arguments, Editor, OperationCall, OperationResult
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.view import LABEL_COLUMNS
from taxonaut.state.label_mappings import RENAMED, LabelMapping, describe_mapping
from taxonaut.state.records import Label, Node, Tree, TreeNode

_LABEL_COLUMNS = tuple(LABEL_COLUMNS.split(", "))
_NODE_COLUMNS = ("id", "tree", "name", "description", "includes", "excludes", "label", "examples")
_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT id, previous FROM trees WHERE id = $1
    UNION ALL
    SELECT trees.id, trees.previous FROM trees JOIN chain ON trees.id = chain.previous
)
"""


def number_labels(editor: Editor, labels: Sequence[Label]) -> Arguments:
    """Number new labels and return the arguments of `add_labels`."""
    book = editor.view.labels
    seen = set(book.numbers)
    for label in labels:
        if label.id in book.mappings:
            mapping = book.mappings[label.id]
            way_out = (
                "use that" if mapping.kind == RENAMED else f"restore it (taxonaut labels restore {label.id})"
            )
            raise InputError(
                f"label id {label.id!r} {describe_mapping(mapping)}; {way_out}, or give the new label another id"
            )
        if label.id in seen:
            raise InputError(
                f"label id {label.id!r} is given twice or is already in the index; ids are unique"
            )
        if not label.name.strip():
            raise InputError(f"label {label.id!r} has no name; give each label a name")
        seen.add(label.id)
    first = editor.next_ids("label", len(labels))
    rows = [
        [
            first + place,
            label.id,
            label.name,
            label.description,
            label.batch,
            pack(label.alternatives),
            label.notation,
        ]
        for place, label in enumerate(labels)
    ]
    return {"labels": rows, "new": True}


def add_labels(editor: Editor, arguments: Arguments) -> OperationResult:
    """Add numbered labels; rows that an earlier version removed lack the last columns."""
    rows = [[*row, "", ""][: len(_LABEL_COLUMNS)] for row in arguments["labels"]]
    if not arguments.get("new"):
        known = next((row[1] for row in rows if editor.view.labels.knows(row[1])), None)
        if known is not None:
            raise InputError(f"label id {known!r} was given to another label since; undo that first")
    editor.append("labels", _LABEL_COLUMNS, rows)
    if arguments.get("new"):
        editor.view.labels.extend((row[0], row[1]) for row in rows)
    else:
        editor.view.drop_labels()
    editor.view.changed()
    batches = list(dict.fromkeys(row[4] for row in rows))
    span = {"first": rows[0][0], "last": rows[-1][0]}
    return OperationResult(
        {"count": len(rows), "batches": batches, **span}, OperationCall("drop_labels", span)
    )


def describe_labels(editor: Editor, arguments: Arguments) -> OperationResult:
    """Change the descriptions of labels, (id, description) rows."""
    rows = {editor.view.labels.number(label): (label, text) for label, text in arguments["descriptions"]}
    former = editor.view.labels.get(list(rows))
    editor.describe_labels({number: text for number, (_, text) in rows.items()})
    return OperationResult(
        {"descriptions": [list(row) for row in rows.values()]},
        OperationCall(
            "describe_labels", {"descriptions": [[label.id, label.description] for label in former]}
        ),
    )


def rename_labels(editor: Editor, arguments: Arguments) -> OperationResult:
    """Change the names of labels, (id, name) rows."""
    rows = {editor.view.labels.number(label): (label, name) for label, name in arguments["names"]}
    former = editor.view.labels.get(list(rows))
    editor.rename_labels({number: name for number, (_, name) in rows.items()})
    return OperationResult(
        {"names": [list(row) for row in rows.values()]},
        OperationCall("rename_labels", {"names": [[label.id, label.name] for label in former]}),
    )


def set_alternatives(editor: Editor, arguments: Arguments) -> OperationResult:
    """Change the alternative names of labels, (id, names) rows."""
    rows = {editor.view.labels.number(label): (label, names) for label, names in arguments["alternatives"]}
    former = editor.view.labels.get(list(rows))
    editor.set_alternatives({number: pack(names) for number, (_, names) in rows.items()})
    return OperationResult(
        {"alternatives": [list(row) for row in rows.values()]},
        OperationCall(
            "set_alternatives", {"alternatives": [[label.id, list(label.alternatives)] for label in former]}
        ),
    )


def map_labels(editor: Editor, arguments: Arguments) -> OperationResult:
    """Remove mappings of label ids, give labels other ids, and add mappings, in this order."""
    book = editor.view.labels
    lost = [LabelId(old) for old in arguments["remove"]]
    missing = next((old for old in lost if old not in book.mappings), None)
    if missing is not None:
        raise InputError(f"the id {missing!r} is mapped to nothing any more; undo what changed that first")
    removed = [book.mappings[old] for old in lost]
    ids = [(LabelId(old), LabelId(new)) for old, new in arguments["ids"]]
    for _, new in ids:
        if book.knows(new) and new not in lost:
            raise InputError(f"label id {new!r} was given to another label since; undo that first")
    numbers = {book.number(old): new for old, new in ids}
    added = [LabelMapping.of_row(row) for row in arguments["add"]]
    editor.map_labels(lost, numbers, added)
    _check_mappings(editor, added)
    inverse = {
        "remove": [each.old for each in added],
        "ids": [[new, old] for old, new in ids],
        "add": [each.row() for each in removed],
    }
    payload = {
        "mapped": [[each.old, *each.new] for each in added],
        "restored": list(lost),
        "ids": [list(pair) for pair in ids],
    }
    return OperationResult(payload, OperationCall("map_labels", inverse))


def _check_mappings(editor: Editor, added: Sequence[LabelMapping]) -> None:
    """Raise InputError for a mapping of a label that is in the tree, to an unknown one, or back to itself."""
    book, shape = editor.view.labels, editor.shape
    retired = [each for each in added if each.kind != RENAMED]
    for each in retired:
        number = book.numbers.get(each.old)
        if number is None:
            raise InputError(f"label {each.old!r} is not in the index any more; undo its removal first")
        if shape.nodes_of[number]:
            node = shape.nodes_of[number][0]
            raise InputError(f"label {each.old!r} is placed in node {node!r}; undo that first")
    carried = editor.execute(
        "SELECT id, label FROM nodes WHERE tree = $1 AND label IN (SELECT unnest($2::BIGINT[])) LIMIT 1",
        [shape.tree, [book.numbers[each.old] for each in retired]],
    )
    if carried:
        raise InputError(
            f"node {carried[0][0]!r} is the label {book.ids([carried[0][1]])[0]!r}; undo that first"
        )
    for each in added:
        unknown = next((new for new in each.new if not book.knows(new)), None)
        if unknown is not None:
            raise InputError(
                f"label {unknown!r} is not in the index any more, so {each.old!r} cannot go there"
            )
        if each.old in _reached(book.mappings, each.new):
            raise InputError(f"the mapping of {each.old!r} would lead back to itself; choose another label")


def _reached(mappings: Mapping[LabelId, LabelMapping], start: Sequence[LabelId]) -> set[LabelId]:
    found: set[LabelId] = set()
    waiting = list(start)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(mappings[each].new if each in mappings else ())
    return found


def drop_labels(editor: Editor, arguments: Arguments) -> OperationResult:
    """Remove labels by number, unless one is in use by the current tree or by one that undo can restore."""
    first, last = arguments["first"], arguments["last"]
    used = editor.execute(
        _CHAIN + "SELECT labels.id FROM labels JOIN placements ON label = number "
        "WHERE tree IN (SELECT id FROM chain) AND number BETWEEN $2 AND $3 "
        "UNION ALL SELECT labels.id FROM labels JOIN nodes ON label = number "
        "WHERE tree IN (SELECT id FROM chain) AND number BETWEEN $2 AND $3 LIMIT 1",
        [editor.shape.tree, first, last],
    )
    if used:
        raise InputError(f"label {used[0][0]!r} is in use in the tree; undo the changes that placed it first")
    rows = editor.execute(
        f"SELECT {LABEL_COLUMNS} FROM labels WHERE number BETWEEN ? AND ? ORDER BY number", [first, last]
    )
    if not rows:
        raise InputError(
            "the labels that it added are not in the index any more; their removal can be undone"
        )
    gone = {row[1] for row in rows}
    mapped = next(
        (each for each in editor.view.labels.mappings.values() if gone & {each.old, *each.new}), None
    )
    if mapped is not None:
        raise InputError(f"label {mapped.old!r} {describe_mapping(mapped)}; undo that first")
    editor.execute("DELETE FROM labels WHERE number BETWEEN ? AND ?", [first, last])
    editor.view.drop_labels()
    editor.view.changed()
    return OperationResult(
        {"count": len(rows)}, OperationCall("add_labels", {"labels": [list(row) for row in rows]})
    )


def load_tree(editor: Editor, tree: Tree, allow_unplaced: bool) -> OperationResult:
    """Replace the current tree, which stays in the file so that undo can restore it."""
    book = editor.view.labels
    if book.mappings:
        named = chain((node.label_id for node in tree.nodes), (label for _, label in tree.placements))
        book.check_live(label for label in named if label is not None and label in book.numbers)
    live = book.live()
    check_tree(tree, set(live))
    if not allow_unplaced:
        check_nothing_lost(tree, live)
    former, root = editor.shape.tree, _root(editor)
    new = editor.next_ids("tree")
    editor.execute(
        "INSERT INTO trees (id, previous, method, settings) VALUES (?, ?, ?, ?)",
        [new, former, tree.method, canonical(tree.settings)],
    )
    _append_tree(editor, new, tree)
    _switch(editor, new)
    for node in tree.nodes:
        if node.key == TREE_ROOT:
            editor.update_node(ROOT, _texts(node))
    payload = {
        "tree": new,
        "method": tree.method,
        "nodes": len(tree.nodes),
        "edges": len(tree.edges),
        "placements": len(tree.placements),
    }
    return OperationResult(payload, OperationCall("switch_tree", {"tree": former, "root": root}))


def switch_tree(editor: Editor, arguments: Arguments) -> OperationResult:
    """Make another tree of the file the current one."""
    tree, former, root = int(arguments["tree"]), editor.shape.tree, _root(editor)
    dangling = editor.execute(
        "WITH used AS (SELECT label FROM placements WHERE tree = $1 "
        "UNION SELECT label FROM nodes WHERE tree = $1 AND label IS NOT NULL) "
        "SELECT count(*) FROM used ANTI JOIN labels ON label = number",
        [tree],
    )[0][0]
    if dangling:
        raise InputError(f"tree {tree!r} names {dangling} labels that were removed since; add them first")
    _switch(editor, tree)
    editor.update_node(ROOT, arguments["root"])
    return OperationResult({"tree": tree}, OperationCall("switch_tree", {"tree": former, "root": root}))


def _switch(editor: Editor, tree: int) -> None:
    editor.execute("UPDATE current_tree SET id = ?", [tree])
    editor.view.drop()
    editor.view.changed()


def _root(editor: Editor) -> dict[str, Any]:
    return _texts(editor.view.nodes.get([ROOT])[0])


def _texts(node: Node | TreeNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "description": node.description,
        "includes": list(node.includes),
        "excludes": list(node.excludes),
        "examples": list(node.examples),
    }


def _append_tree(editor: Editor, new: int, tree: Tree) -> None:
    nodes = [node for node in tree.nodes if node.key != TREE_ROOT]
    first = editor.next_ids("node", len(nodes))
    ids = {TREE_ROOT: ROOT, **{node.key: first + place for place, node in enumerate(nodes)}}
    numbers = editor.view.labels.numbers
    editor.append(
        "nodes",
        _NODE_COLUMNS,
        [
            (
                ids[node.key],
                new,
                node.name,
                node.description,
                pack(node.includes),
                pack(node.excludes),
                None if node.label_id is None else numbers[node.label_id],
                pack(node.examples),
            )
            for node in nodes
        ],
    )
    place = editor.next_ids("position", len(tree.edges) + len(tree.placements))
    editor.append(
        "edges",
        ("tree", "parent", "child", "position"),
        [(new, ids[parent], ids[child], place + row) for row, (parent, child) in enumerate(tree.edges)],
    )
    place += len(tree.edges)
    editor.append(
        "placements",
        ("tree", "node", "label", "position"),
        [
            (new, ids[node], numbers[label], place + row)
            for row, (node, label) in enumerate(dict.fromkeys(tree.placements))
        ],
    )
