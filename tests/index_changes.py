"""Random changes of a small index, and all that an index says: for properties that hold whatever was done."""

from typing import Any

from hypothesis import strategies as st

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import Label, Tree, TreeNode

LABELS = [LabelId(id_) for id_ in "abcdef"]
PARENTS = [0, 0, 1, 1, 2]
numbers = st.integers(0, 10**6)
kinds = st.integers(0, 21)


def make_tree(index: Index) -> None:
    """Five labels in a tree of five nodes."""
    index.add_labels([Label(id_, id_) for id_ in LABELS[:5]])
    nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, 6))
    edges = tuple((parent, key) for key, parent in enumerate(PARENTS, start=1))
    index.load_tree(Tree("made", nodes, edges, tuple((key, id_) for key, id_ in enumerate(LABELS[:5]))))


def change_index(index: Index, kind: int, one: int, other: int) -> None:
    """Change something, the kind and the nodes drawn; what the index refuses is left out."""
    nodes = list(index.snapshot().nodes)
    here, there = nodes[one % len(nodes)], nodes[other % len(nodes)]
    labels = index.labels_under([here])[here]
    parts = (TreeNode(1, "x"), TreeNode(2, "y"))
    subtree = Tree("t", parts, ((0, 1), (1, 2)), tuple((at % 3, id_) for at, id_ in enumerate(labels)))
    calls: list[Any] = [
        lambda: index.create_node(here, "new"),
        lambda: index.rename_node(here, f"called {other % 5}"),
        lambda: index.move_node(here, there),
        lambda: index.merge_nodes(here, there),
        lambda: index.dissolve_node(here),
        lambda: index.graft(here, subtree),
        lambda: index.place(LABELS[other % 5], [here]),
        lambda: index.unplace(LABELS[other % 5], here),
        lambda: index.add_edge(here, there),
        lambda: index.remove_edge(here, there),
        lambda: index.add_labels([Label(LABELS[5], "f")]),
        lambda: index.describe_labels({LABELS[other % 5]: f"text {one % 3}"}),
        lambda: index.rename_labels({LABELS[other % 5]: f"called {one % 3}"}),
        lambda: index.undo(),
        lambda: index.undo(EventId(1 + other % index.version())),
        lambda: index.load_tree(
            Tree("flat", parts, ((0, 1), (0, 2)), tuple((1, id_) for id_ in index.label_ids()))
        ),
    ]
    calls += label_changes(index, one, other, here)
    try:
        calls[kind]()
    except (InputError, NotFoundError):
        return


def label_changes(index: Index, one: int, other: int, node: NodeId) -> list[Any]:
    """Return calls that retire, restore, merge, split and move labels and change their ids, the labels drawn."""
    ids = index.label_ids(retired=True) or LABELS[:1]
    this, that = ids[one % len(ids)], ids[other % len(ids)]
    parts = [Label(LabelId(f"{this}-{place}"), f"part {place}") for place in (1, 2)]
    return [
        lambda: index.retire_labels([this], replaced_by={this: [that]} if other % 2 else {}, reason="why"),
        lambda: index.restore_labels([this]),
        lambda: index.merge_labels(this, [that], reason="one"),
        lambda: index.split_label(this, parts if other % 2 else [*parts, Label(that, "")]),
        lambda: index.reid_labels({this: LabelId(f"{this[:1]}{other % 3}")}),
        lambda: index.move_label(this, node),
    ]


def dump(index: Index) -> dict[str, Any]:
    """Return everything the index says about itself, orders included."""
    nodes: dict[NodeId, Any] = {}
    waiting = [index.root()]
    while waiting:
        id_ = waiting.pop()
        if id_ in nodes:
            continue
        children = [node.id for node in index.children(id_)]
        nodes[id_] = (
            index.node(id_),
            children,
            [node.id for node in index.parents(id_)],
            index.labels_at(id_),
        )
        waiting.extend(children)
    labels = index.all_labels()
    ids = [label.id for label in labels]
    return {
        "nodes": nodes,
        "labels": labels,
        "placements": {id_: index.placements_of(id_) for id_ in ids},
        "paths": index.paths_of(ids),
        "node_paths": index.node_paths(list(nodes)),
        "stats": index.stats(),
        "retired": [label for label in index.all_labels(retired=True) if index.is_retired(label.id)],
        "mappings": {each.old: each for each in index.mappings()},
    }


def without_ids(snapshot: Snapshot) -> Any:
    """Return a snapshot with its nodes numbered as they stand."""
    number = {id_: place for place, id_ in enumerate(snapshot.nodes)}
    nodes = [
        (number[id_], node.name, node.description, node.includes, node.excludes, node.label_id, node.examples)
        for id_, node in snapshot.nodes.items()
    ]
    edges = [(number[parent], number[child]) for parent, child in snapshot.edges]
    placements = [(number[node], label) for node, label in snapshot.placements]
    return nodes, edges, placements, list(snapshot.labels.values()), snapshot.method
