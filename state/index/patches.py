"""Patches: remove and add nodes, edges and placements as one change, with its inverse.

Moving, merging, dissolving and grafting nodes and placing many labels are all patches. Their arguments are JSON lists
in which labels are import numbers.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.index.operations import Arguments, Editor, OperationCall, OperationResult, row_from_node
from taxonaut.state.index.shape import ROOT

Edges = list[list[int]]


def patch_of(
    *,
    add_nodes: Iterable[Arguments] = (),
    remove_nodes: Iterable[int] = (),
    add_edges: Iterable[Iterable[int]] = (),
    remove_edges: Iterable[Iterable[int]] = (),
    add_placements: Iterable[Iterable[int]] = (),
    remove_placements: Iterable[Iterable[int]] = (),
    may_lose: bool = False,
) -> Arguments:
    """Return the arguments of a patch.

    Added edges and placements end in their position: (parent, child, position), (node, label, position). All edges
    and placements of a removed node must be among those removed.
    """
    return {
        "add_nodes": list(add_nodes),
        "remove_nodes": list(remove_nodes),
        "add_edges": [list(edge) for edge in add_edges],
        "remove_edges": [list(edge) for edge in remove_edges],
        "add_placements": [list(row) for row in add_placements],
        "remove_placements": [list(row) for row in remove_placements],
        "may_lose": may_lose,
    }


def patch(editor: Editor, arguments: Arguments) -> OperationResult:
    """Apply a patch, unless that leaves a cycle, an orphan or (if not `may_lose`) a lost label."""
    _check_nodes(editor, arguments)
    _check_edges(editor, arguments)
    _check_placements(editor, arguments)
    homeless = any(not editor.shape.nodes_of[label] for _, label, _ in arguments["add_placements"])
    removed = editor.view.nodes.get(arguments["remove_nodes"])
    edges = editor.delete_edges([(parent, child) for parent, child in arguments["remove_edges"]])
    placements = editor.delete_placements([(node, label) for node, label in arguments["remove_placements"]])
    if removed:
        editor.delete_nodes([node.id for node in removed])
    if arguments["add_nodes"]:
        editor.insert_nodes(arguments["add_nodes"])
    if arguments["add_edges"]:
        editor.insert_edges([(parent, child, place) for parent, child, place in arguments["add_edges"]])
    if arguments["add_placements"]:
        editor.insert_placements([(node, label, place) for node, label, place in arguments["add_placements"]])
    inverse = patch_of(
        add_nodes=map(row_from_node, removed),
        remove_nodes=[node["id"] for node in arguments["add_nodes"]],
        add_edges=edges,
        remove_edges=[row[:2] for row in arguments["add_edges"]],
        add_placements=placements,
        remove_placements=[row[:2] for row in arguments["add_placements"]],
        may_lose=homeless,
    )
    return OperationResult({}, OperationCall("patch", inverse))


def _check_nodes(editor: Editor, arguments: Arguments) -> None:
    new = {node["id"] for node in arguments["add_nodes"]}
    gone = set(arguments["remove_nodes"])
    if ROOT in gone:
        raise InputError(
            f"node {ROOT} is the root, which cannot be removed; remove or move what is below it instead"
        )
    there = [*gone, *(end for edge in arguments["remove_edges"] for end in edge)]
    there += [node for node, _ in arguments["remove_placements"]]
    after = [end for parent, child, _ in arguments["add_edges"] for end in (parent, child)]
    after += [node for node, _, _ in arguments["add_placements"]]
    editor.view.check_nodes(dict.fromkeys([*there, *(id_ for id_ in after if id_ not in new)]))
    edges = {(parent, child) for parent, child in arguments["remove_edges"]}
    placements = {(node, label) for node, label in arguments["remove_placements"]}
    shape = editor.shape
    for id_ in gone:
        left = [child for child in shape.children[id_] if (id_, child) not in edges]
        left += [parent for parent in shape.parents[id_] if (parent, id_) not in edges]
        if left or any((id_, label) not in placements for label in shape.labels_at[id_]):
            raise InputError(f"node {id_!r} was changed since it was created; undo that first")


def _check_edges(editor: Editor, arguments: Arguments) -> None:
    shape, gone = editor.shape, set(arguments["remove_nodes"])
    parents: dict[int, list[int]] = {}
    for parent, child in arguments["remove_edges"]:
        above = parents.setdefault(child, list(shape.parents[child]))
        if parent not in above:
            raise InputError(f"node {child!r} is not under node {parent!r}; its parents are {above}")
        above.remove(parent)
    for parent, child, _ in arguments["add_edges"]:
        above = parents.setdefault(child, list(shape.parents[child]))
        if parent in above:
            raise InputError(f"node {child!r} is already under node {parent!r}; nothing to add")
        above.append(parent)
    orphans = [child for child, above in parents.items() if not above and child not in gone]
    if orphans:
        raise InputError(
            f"node {orphans[0]!r} would have no parent left; put it under another node first, or remove it"
        )
    if arguments["add_edges"]:
        _check_no_cycle(editor, parents, [(edge[0], edge[1]) for edge in arguments["add_edges"]])


def _check_no_cycle(editor: Editor, changed: dict[int, list[int]], added: list[tuple[int, int]]) -> None:
    """Raise CycleError if a new edge closes a cycle (depth-first search upwards over the future parents)."""
    done: set[int] = set()
    for _, start in added:
        open_, way = {start}, [(start, iter(changed[start]))]
        while way and start not in done:
            node, above = way[-1]
            parent = next(above, None)
            if parent is None:
                way.pop()
                open_.discard(node)
                done.add(node)
            elif parent in open_:
                _refuse_cycle(editor, parent, node)
            elif parent not in done:
                open_.add(parent)
                way.append((parent, iter(changed.get(parent, editor.shape.parents[parent]))))


def _refuse_cycle(editor: Editor, parent: int, child: int) -> None:
    known = [id_ for id_ in (parent, child) if editor.shape.has(id_)]
    names = {node.id: node.name for node in editor.view.nodes.get(known)}
    shown = " and ".join(f"{names.get(id_, 'a new node')!r} ({id_})" for id_ in (parent, child))  # type: ignore[call-overload]
    raise CycleError(
        f"the nodes {shown} would each be below the other; choose a node that is not below the one you move"
    )


def _check_placements(editor: Editor, arguments: Arguments) -> None:
    book, shape = editor.view.labels, editor.shape
    nodes: defaultdict[int, set[int]] = defaultdict(set)
    for rows in (arguments["remove_placements"], arguments["add_placements"]):
        for row in rows:
            if row[1] not in nodes:
                nodes[row[1]] = set(shape.nodes_of[row[1]])
    for node, label in arguments["remove_placements"]:
        if node not in nodes[label]:
            raise InputError(
                f"label {_id(book, label)!r} is no longer placed in node {node!r}; undo that first"
            )
        nodes[label].discard(node)
    if book.mappings:
        book.check_live(book.ids(label for _, label, _ in arguments["add_placements"]))
        book.check_live(node["label"] for node in arguments["add_nodes"] if node["label"] is not None)
    for node, label, _ in arguments["add_placements"]:
        if node in nodes[label]:
            raise InputError(
                f"label {_id(book, label)!r} is already placed in node {node!r}; nothing to place"
            )
        nodes[label].add(node)
    lost = [label for _, label in arguments["remove_placements"] if not nodes[label]]
    if lost and not arguments["may_lose"]:
        raise InputError(
            f"{len(lost)} labels would lose their only place, first {_id(book, lost[0])!r}; "
            "place them elsewhere first"
        )


def _id(book: Any, label: int) -> str:
    return str(book.ids([label])[0])
