"""Node operations as patches: create, move, merge, dissolve and graft nodes, place many labels."""

from collections.abc import Iterable, Mapping, Sequence

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.checks import TREE_ROOT, check_tree
from taxonaut.state.index.operations import Arguments, Editor, OperationResult, node_row
from taxonaut.state.index.patches import patch, patch_of
from taxonaut.state.index.shape import ROOT
from taxonaut.state.records import Tree, TreeNode

_SHOWN = 5


def missing_placements(editor: Editor, pairs: Iterable[tuple[LabelId, NodeId]]) -> list[tuple[int, int]]:
    """Return the (node, label number) placements that do not exist yet, without repeats."""
    pairs = list(dict.fromkeys(pairs))
    editor.view.check_nodes(dict.fromkeys(node for _, node in pairs))
    numbered = [(int(node), editor.view.labels.number(label)) for label, node in pairs]
    shape = editor.shape
    return [(node, label) for node, label in numbered if node not in shape.nodes_of[label]]


def place_many(editor: Editor, placements: Sequence[tuple[int, int]]) -> OperationResult:
    """Add placements that `missing_placements` gave."""
    done = patch(editor, patch_of(add_placements=_placed(editor, placements)))
    return OperationResult({"count": len(placements)}, done.inverse)


def create_nodes(editor: Editor, pairs: Sequence[tuple[NodeId, TreeNode]]) -> OperationResult:
    """Create nodes under existing parents; their keys and labels are ignored."""
    editor.view.check_nodes(dict.fromkeys(parent for parent, _ in pairs))
    first, at = editor.next_ids("node", len(pairs)), editor.next_ids("position", len(pairs))
    rows = [
        node_row(NodeId(first + row), n.name, n.description, n.includes, n.excludes, None, n.examples)
        for row, (_, n) in enumerate(pairs)
    ]
    edges = [(parent, first + row, at + row) for row, (parent, _) in enumerate(pairs)]
    done = patch(editor, patch_of(add_nodes=rows, add_edges=edges))
    parents = list(dict.fromkeys(parent for parent, _ in pairs))
    return OperationResult({"parents": parents, "first": first, "count": len(pairs)}, done.inverse)


def move_node(editor: Editor, node: int, to: int, from_: int | None) -> OperationResult:
    """Move a node from one parent to another, as the last child."""
    editor.view.check_nodes([node, to, *([] if from_ is None else [from_])])
    parents = editor.shape.parents[node]
    if node == ROOT:
        raise InputError(f"node {ROOT} is the root, which cannot be moved; move what is below it")
    if from_ is None and len(parents) > 1:
        raise InputError(
            f"node {node!r} has {len(parents)} parents, {list(parents)}; name the one it is to leave"
        )
    leaves = parents[0] if from_ is None else from_
    if leaves == to:
        raise InputError(f"node {node!r} is under node {to!r} already; nothing to move")
    edges = [] if to in parents else [(to, node, editor.next_ids("position"))]
    done = patch(editor, patch_of(remove_edges=[(leaves, node)], add_edges=edges))
    return OperationResult({"node": node, "from": leaves, "to": to}, done.inverse)


def merge_nodes(editor: Editor, keep: int, away: int) -> OperationResult:
    """Append the children and labels of `away` to `keep`, and remove `away`.

    If `keep` is a child of `away`, it takes its position.
    """
    editor.view.check_nodes([keep, away])
    if keep == away:
        raise InputError(f"node {keep!r} was given twice; merge two different nodes")
    shape = editor.shape
    taken = [child for child in shape.children[away] if child != keep]
    edges = [(keep, child) for child in taken if child not in shape.children[keep]]
    if keep in shape.children[away]:
        edges += [(parent, keep) for parent in shape.parents[away] if parent not in shape.parents[keep]]
    return spread(editor, away, edges, [keep], {"keep": keep, "away": away})


def dissolve_node(editor: Editor, node: int) -> OperationResult:
    """Remove a node; its children and labels are appended to each of its parents."""
    editor.view.check_nodes([node])
    shape = editor.shape
    above = shape.parents[node]
    edges = [
        (parent, child)
        for parent in above
        for child in shape.children[node]
        if child not in shape.children[parent]
    ]
    return spread(editor, node, edges, above, {"node": node})


def graft(editor: Editor, node: int, tree: Tree) -> OperationResult:
    """Replace the labels placed in a node by a subtree that holds them; key 0 of the tree is the node."""
    change, first, labels = _grafted(editor, node, tree)
    done = patch(editor, change)
    counts = {"count": len(change["add_nodes"]), "labels": labels}
    return OperationResult({"node": node, "method": tree.method, "first": first, **counts}, done.inverse)


def graft_many(editor: Editor, trees: Mapping[NodeId, Tree]) -> OperationResult:
    """Replace the labels of several nodes by subtrees, as one patch."""
    whole = patch_of()
    labels = 0
    for node, tree in trees.items():
        change, _, here = _grafted(editor, node, tree)
        labels += here
        for key in whole.keys() - {"may_lose"}:
            whole[key] += change[key]
    done = patch(editor, whole)
    counts = {"count": len(whole["add_nodes"]), "labels": labels}
    return OperationResult({"nodes": list(trees), **counts}, done.inverse)


def _grafted(editor: Editor, node: int, tree: Tree) -> tuple[Arguments, int, int]:
    """Return the patch of a graft, the id of its first new node, and the number of labels in the node."""
    editor.view.check_nodes([node])
    shape, book = editor.shape, editor.view.labels
    here = shape.labels_at[node]
    _check_same_labels(tree, node, book.ids(here))
    check_tree(tree, set(book.ids(here)))
    nodes = [each for each in tree.nodes if each.key != TREE_ROOT]
    first = editor.next_ids("node", len(nodes))
    ids = {TREE_ROOT: node, **{each.key: first + place for place, each in enumerate(nodes)}}
    rows = [
        node_row(
            NodeId(ids[each.key]),
            each.name,
            each.description,
            each.includes,
            each.excludes,
            each.label_id,
            each.examples,
        )
        for each in nodes
    ]
    placements = dict.fromkeys((ids[key], book.number(label)) for key, label in tree.placements)
    at = editor.next_ids("position", len(tree.edges))
    change = patch_of(
        add_nodes=rows,
        add_edges=[(ids[parent], ids[child], at + row) for row, (parent, child) in enumerate(tree.edges)],
        add_placements=_placed(editor, [place for place in placements if place[0] != node]),
        remove_placements=[(node, label) for label in here if (node, label) not in placements],
    )
    return change, first, len(here)


def spread(
    editor: Editor, gone: int, edges: Sequence[tuple[int, int]], heirs: Sequence[int], payload: Arguments
) -> OperationResult:
    """Remove a node, adding `edges` and moving its labels to `heirs`."""
    shape = editor.shape
    labels = shape.labels_at[gone]
    placements = [(heir, label) for heir in heirs for label in labels if heir not in shape.nodes_of[label]]
    place = editor.next_ids("position", len(edges))
    name = editor.view.nodes.get([gone])[0].name
    old = [(parent, gone) for parent in shape.parents[gone]] + [
        (gone, child) for child in shape.children[gone]
    ]
    done = patch(
        editor,
        patch_of(
            remove_nodes=[gone],
            remove_edges=old,
            add_edges=[(*edge, place + row) for row, edge in enumerate(edges)],
            remove_placements=[(gone, label) for label in labels],
            add_placements=_placed(editor, placements),
        ),
    )
    return OperationResult({**payload, "name": name, "labels": len(labels)}, done.inverse)


def _placed(editor: Editor, placements: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    first = editor.next_ids("position", len(placements))
    return [(node, label, first + row) for row, (node, label) in enumerate(placements)]


def _check_same_labels(tree: Tree, node: int, labels: Sequence[LabelId]) -> None:
    placed = dict.fromkeys(label for _, label in tree.placements)
    here = set(labels)
    foreign = [label for label in placed if label not in here]
    if foreign:
        raise InputError(
            f"the subtree has {len(foreign)} labels that are not placed in node {node!r}: {_some(foreign)}; "
            "place them there first, or leave them out"
        )
    lost = [label for label in labels if label not in placed]
    if lost:
        raise InputError(
            f"the subtree has no place for {len(lost)} of the labels in node {node!r}: {_some(lost)}; "
            "place each of them at least once (key 0 is the node itself)"
        )


def _some(labels: Sequence[LabelId]) -> str:
    return ", ".join(map(repr, labels[:_SHOWN])) + (", …" if len(labels) > _SHOWN else "")
