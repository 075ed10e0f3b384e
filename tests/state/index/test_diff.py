"""What a diff says of each kind of change, and of a tree that was replaced."""

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import EventId, LabelId, NodeId
from taxonaut.state.index.diff import (
    IndexDiff,
    LabelChange,
    LabelEdit,
    NodeEdit,
    NodeMerge,
    NodeMove,
    NodeRef,
    NodeRemoval,
    NodeSplit,
    diff,
)
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

A, B, C, D = (LabelId(id_) for id_ in "abcd")
ONE, TWO, THREE = (
    NodeRef(NodeId(2), ("one",)),
    NodeRef(NodeId(3), ("two",)),
    NodeRef(NodeId(4), ("one", "three")),
)
TOP = NodeRef(NodeId(1), ())
NOTHING: dict[str, object] = dict.fromkeys(
    (
        "labels_inserted",
        "labels_gone",
        "labels_moved",
        "labels_described",
        "labels_renamed",
        "inserted",
        "removed",
        "moved",
        "edited",
        "merged",
        "split",
    ),
    (),
)


@pytest.fixture
def made(index: Index) -> Index:
    index.add_labels([Label(id_, id_.upper()) for id_ in (A, B, C, D)])
    nodes = (TreeNode(1, "one"), TreeNode(2, "two"), TreeNode(3, "three"))
    index.load_tree(Tree("made", nodes, ((0, 1), (0, 2), (1, 3)), ((3, A), (3, B), (2, C), (2, D))))
    return index


def since(index: Index, event: int = 2) -> IndexDiff:
    return diff(index.snapshot(EventId(event)), index.snapshot())


def changed(found: IndexDiff) -> dict[str, object]:
    """Return the kinds of change that there are."""
    return {kind: getattr(found, kind) for kind in NOTHING if getattr(found, kind)}


def test_nothing(made: Index) -> None:
    assert since(made) == IndexDiff(EventId(2), EventId(2), False, **NOTHING, matched={})  # type: ignore[arg-type]
    assert since(made).is_empty
    made.rename_node(ONE.id, "uno")
    made.undo()
    assert since(made).is_empty


def test_described(made: Index) -> None:
    made.describe_labels({A: "the first", B: ""})
    assert changed(since(made)) == {"labels_described": (LabelEdit(A, "A", "", "the first"),)}
    made.undo()
    assert since(made).is_empty


def test_renamed_labels(made: Index) -> None:
    made.rename_labels({A: "First", B: "B"})
    assert changed(since(made)) == {"labels_renamed": (LabelEdit(A, "First", "A", "First"),)}
    assert made.diff_since(EventId(2)) == since(made)
    made.undo()
    assert since(made).is_empty


def test_renamed_edited_and_moved(made: Index) -> None:
    made.edit_node(THREE.id, name="tres", includes=["x"])
    made.move_node(THREE.id, TWO.id)
    tres = NodeRef(THREE.id, ("two", "tres"))
    assert changed(since(made)) == {
        "moved": (NodeMove(tres, (TWO,), (ONE,)),),
        "edited": (NodeEdit(tres, THREE, {"name": ("three", "tres"), "includes": ((), ("x",))}),),
    }


def test_inserted_and_removed(made: Index) -> None:
    new = made.create_node(TWO.id, "new")
    made.add_labels([Label(LabelId("e"), "E")])
    made.place(LabelId("e"), [new])
    ref = NodeRef(new, ("two", "new"))
    assert changed(since(made)) == {
        "inserted": (ref,),
        "labels_inserted": (LabelChange(LabelId("e"), "E", (ref,)),),
    }
    back = diff(made.snapshot(), made.snapshot(EventId(2)))
    assert changed(back) == {
        "removed": (NodeRemoval(ref),),
        "labels_gone": (LabelChange(LabelId("e"), "E", (), (ref,)),),
    }


def test_a_dissolved_node_names_its_heirs(made: Index) -> None:
    made.dissolve_node(THREE.id)
    assert changed(since(made)) == {
        "removed": (NodeRemoval(THREE, (ONE,)),),
        "labels_moved": (LabelChange(A, "A", (ONE,), (THREE,)), LabelChange(B, "B", (ONE,), (THREE,))),
    }


def test_merged(made: Index) -> None:
    made.merge_nodes(TWO.id, THREE.id)
    assert changed(since(made)) == {
        "merged": (NodeMerge(THREE, TWO),),
        "labels_moved": (LabelChange(A, "A", (TWO,), (THREE,)), LabelChange(B, "B", (TWO,), (THREE,))),
    }


def test_an_undone_merge_is_no_split(made: Index) -> None:
    made.merge_nodes(TWO.id, THREE.id)
    made.undo()
    assert sorted(changed(since(made, 3))) == ["inserted", "labels_moved"]


def test_split_below(made: Index) -> None:
    nodes = (TreeNode(1, "left"), TreeNode(2, "right"))
    made.graft(THREE.id, Tree("t", nodes, ((0, 1), (0, 2)), ((1, A), (2, B))))
    left, right = (NodeRef(NodeId(id_), ("one", "three", name)) for id_, name in ((5, "left"), (6, "right")))
    assert changed(since(made)) == {
        "inserted": (left, right),
        "split": (NodeSplit(THREE, (left, right), 2),),
        "labels_moved": (LabelChange(A, "A", (left,), (THREE,)), LabelChange(B, "B", (right,), (THREE,))),
    }


def test_split_beside(made: Index) -> None:
    left, right = (made.create_node(ONE.id, name) for name in ("left", "right"))
    made.place_many([(A, left), (B, right)])
    made.remove_node(THREE.id)
    parts = tuple(NodeRef(id_, ("one", name)) for id_, name in ((left, "left"), (right, "right")))
    assert since(made).split == (NodeSplit(THREE, parts, 2, gone=True),)


def test_a_replaced_tree_is_matched_by_path_then_by_members(made: Index) -> None:
    nodes = (TreeNode(1, "one"), TreeNode(2, "zwei"), TreeNode(3, "drei"), TreeNode(4, "new"))
    places = ((3, A), (3, B), (2, C), (4, D), (2, D))
    made.load_tree(Tree("other", nodes, ((0, 1), (0, 2), (1, 3), (0, 4)), places))
    one, zwei, drei, new = (
        NodeRef(NodeId(id_), path)
        for id_, path in ((5, ("one",)), (6, ("zwei",)), (7, ("one", "drei")), (8, ("new",)))
    )
    found = since(made)
    assert (found.replaced, found.matched) == (
        True,
        {1: 1, ONE.id: one.id, TWO.id: zwei.id, THREE.id: drei.id},
    )
    assert changed(found) == {
        "inserted": (new,),
        "edited": (
            NodeEdit(zwei, TWO, {"name": ("two", "zwei")}),
            NodeEdit(drei, THREE, {"name": ("three", "drei")}),
        ),
        "labels_moved": (LabelChange(D, "D", (new,), ()),),
    }


def test_a_first_tree_is_all_new(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(A, "A")])
    index.load_tree(Tree("t", (TreeNode(1, "one"),), ((0, 1),), ((1, A),)))
    found = since(index, 1)
    one = NodeRef(NodeId(2), ("one",))
    assert (found.replaced, found.matched) == (True, {1: 1})
    assert changed(found) == {"inserted": (one,), "labels_moved": (LabelChange(A, "A", (one,), ()),)}
