"""Build the tree that the user's labels already describe with paths and parents."""

from collections.abc import Mapping, Sequence

from taxonaut.state.ids import LabelId
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode
from taxonaut.workspace.files.index_formats.index_table import UNPLACED
from taxonaut.workspace.files.label_graph import ROOT, Key, LabelGraph, LabelRow, label_graph

MOST_EXAMPLES = 8


def build_native_tree(rows: Sequence[LabelRow], graph: LabelGraph | None = None) -> Tree:
    """Convert rows with paths or parents into a tree.

    Each inner step of a path is a node, each label with something below it a node that carries the label and
    holds it; every other label is placed in the node of each of its parents, at the top in the root (key 0).
    Nodes with no label below them are left out. Nodes come before their children, siblings in the order of
    the file. `graph` is that of the rows, if it is known. Raises `InputError` and `CycleError` as `label_graph` does.
    """
    graph = graph or label_graph(rows)
    below = _labelled_children(graph)
    leaves = {key for key in below if not below[key] and _label(graph, key)}
    inner = [key for key in graph.order if key != ROOT and key in below and below[key]]
    numbers: dict[Key, int] = {ROOT: 0, **{key: number for number, key in enumerate(inner, start=1)}}
    examples = _examples(graph, below)
    unplaced = {row.label.id for row in rows if row.kind == UNPLACED}
    edges: list[tuple[int, int]] = []
    placements: list[tuple[int, LabelId]] = []
    for key in (ROOT, *inner):
        own = _label(graph, key)
        if own is not None:
            placements.append((numbers[key], own.id))
        for child in below[key]:
            if child in leaves:
                placements.append((numbers[key], graph.rows[child].label.id))
            else:
                edges.append((numbers[key], numbers[child]))
    return Tree(
        method=NATIVE,
        nodes=tuple(_node(graph, key, numbers[key], examples[key]) for key in inner),
        edges=tuple(edges),
        placements=tuple(pair for pair in placements if pair[1] not in unplaced),
    )


def node_rows(rows: Sequence[LabelRow]) -> dict[int, LabelRow]:
    """Return the row of each node of `build_native_tree`'s tree, by the node's key; steps of paths have none."""
    graph = label_graph(rows)
    below = _labelled_children(graph)
    inner = [key for key in graph.order if key != ROOT and key in below and below[key]]
    return {number: graph.rows[key] for number, key in enumerate(inner, start=1) if key in graph.rows}


def _label(graph: LabelGraph, key: Key) -> Label | None:
    row = graph.rows.get(key)
    return None if row is None or row.is_node else row.label


def _labelled_children(graph: LabelGraph) -> dict[Key, list[Key]]:
    """Return the children of each node, without those that neither are labels nor have any below."""
    kept: dict[Key, list[Key]] = {ROOT: []}
    for key in reversed(graph.order):
        children = [child for child in graph.children[key] if child in kept]
        if children or _label(graph, key) is not None:
            kept[key] = children
    return kept


def _node(graph: LabelGraph, key: Key, number: int, examples: Sequence[str]) -> TreeNode:
    row = graph.rows.get(key)
    return TreeNode(
        key=number,
        name=key[-1] if row is None else row.label.name,
        description="" if row is None else row.label.description,
        label_id=None if row is None or row.is_node else row.label.id,
        examples=tuple(examples) if row is None else row.examples or tuple(examples),
        includes=() if row is None else row.includes,
        excludes=() if row is None else row.excludes,
    )


def _examples(graph: LabelGraph, below: Mapping[Key, Sequence[Key]]) -> dict[Key, list[str]]:
    """Choose example labels for each node, round-robin over its children."""
    examples: dict[Key, list[str]] = {}
    for key in reversed(graph.order):
        if key not in below:
            continue
        offers = []
        for child in _evenly_spaced(below[key], MOST_EXAMPLES):
            own = _label(graph, child)
            offers.append([*([own.name] if own else []), *examples[child]])
        chosen: dict[str, None] = {}
        for turn in range(MOST_EXAMPLES):
            for offer in offers:
                if turn < len(offer) and len(chosen) < MOST_EXAMPLES:
                    chosen[offer[turn]] = None
        examples[key] = list(chosen)
    return examples


def _evenly_spaced(children: Sequence[Key], most: int) -> list[Key]:
    """Return at most `most` children, evenly spaced."""
    count = min(most, len(children))
    return [children[place * len(children) // count] for place in range(count)]
