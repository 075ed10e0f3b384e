"""Hit, error and miss: of labels and of the nodes on their paths, over the real walk of a small index."""

import pytest

from taxonaut import Item, ItemRow, Workspace
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Tree, TreeNode
from taxonaut.workspace.learn.feedback import read_feedback
from taxonaut.workspace.learn.marking import mark_walks
from taxonaut.workspace.walk.classification import KIND
from taxonaut.workspace.walk.labelled_items import store_gold


def walk(shop: Workspace, text: str, *gold: str, **settings: object) -> None:
    """Label a text, which is its own id, and store its gold labels."""
    item = Item(ItemId(text), text)
    shop.classify([item], **settings)  # type: ignore[arg-type]
    store_gold(shop, [ItemRow(item, tuple(map(LabelId, gold)))])


def marks(shop: Workspace) -> tuple[dict[str, str], dict[str, str]]:
    """The marks of labels, with places, and of nodes by name; + for an opened one."""
    mark_walks(shop)
    labels, nodes = {}, {}
    for mark in shop.ledger.marks():
        if mark.label is not None:
            labels[str(mark.label)] = f"{mark.mark} {mark.place or '-'}"
        elif mark.node is not None:
            nodes[shop.index.node(mark.node).name] = f"{mark.mark}{' +' if mark.opened else ''}"
    return labels, nodes


@pytest.mark.parametrize(
    ("text", "gold", "labels", "nodes"),
    [
        ("clothes hats", ["hats"], {"hats": "hit 1"}, {"Clothes": "hit +", "Hats": "hit +"}),
        (
            "clothes hats",
            ["balls"],
            {"hats": "error 1", "balls": "miss -"},
            {"Clothes": "error +", "Hats": "error +", "Sports": "miss", "Balls": "miss"},
        ),
        (
            "clothes hats",
            ["shoes"],
            {"hats": "error 1", "shoes": "miss -"},
            {"Clothes": "miss +", "Hats": "error +", "Sports": "miss", "Shoes": "miss"},
        ),
        (
            "sports balls shoes",
            ["balls"],
            {"balls": "hit 1", "shoes": "error 2"},
            {"Sports": "hit +", "Balls": "hit +", "Shoes": "error +"},
        ),
        ("nothing", ["hats"], {"hats": "miss -"}, {"Clothes": "miss", "Hats": "miss"}),
    ],
)
def test_labels_and_the_nodes_on_their_paths(
    shop: Workspace, text: str, gold: list[str], labels: dict[str, str], nodes: dict[str, str]
) -> None:
    walk(shop, text, *gold)
    assert marks(shop) == (labels, nodes)
    before = shop.ledger.marks()
    assert {(each.index_version, each.models) for each in before} == {(shop.index.version(), "scripted")}
    mark_walks(shop)
    assert shop.ledger.marks() == before


def test_later_gold_changes_the_marks_and_nothing_is_counted_twice(shop: Workspace) -> None:
    walk(shop, "clothes hats", "balls")
    assert marks(shop)[0] == {"hats": "error 1", "balls": "miss -"}
    walk(shop, "clothes hats", "hats")
    assert marks(shop) == ({"hats": "hit 1"}, {"Clothes": "hit +", "Hats": "hit +"})
    assert len(shop.ledger.marks()) == 3


def test_a_person_who_says_little_marks_little(shop: Workspace) -> None:
    shop.classify([Item(ItemId("1"), "sports balls shoes")])
    shop.correct("1", right="Balls", person="ann")
    assert marks(shop)[0] == {"balls": "hit 1", "shoes": "unknown 2"}
    shop.correct("1", right="Balls", person="ann", complete=True)
    assert marks(shop)[0] == {"balls": "hit 1", "shoes": "error 2"}


def test_each_run_keeps_its_marks_and_the_latest_walk_counts(shop: Workspace) -> None:
    walk(shop, "sports balls shoes", "shoes")
    assert marks(shop)[0] == {"balls": "error 1", "shoes": "hit 2"}
    walk(shop, "sports balls shoes", "shoes", top=1)
    mark_walks(shop)
    by_run = [(each.run, each.label, each.mark) for each in shop.ledger.marks() if each.label]
    assert by_run == [(1, "balls", "error"), (1, "shoes", "hit"), (2, "balls", "error"), (2, "shoes", "miss")]
    (item,) = shop.feedback().items
    assert (item.run, item.missed) == (2, ("shoes",))
    first = shop.runs.list(KIND)[-1]
    (item,) = read_feedback(shop, run=first).items
    assert (item.run, item.missed, item.hits) == (1, (), ("shoes",))


def test_the_tree_that_was_walked_is_marked_after_the_index_changed(shop: Workspace) -> None:
    walk(shop, "clothes hats", "balls")
    version, before = shop.index.version(), marks(shop)
    names = {node.id: node.name for node in shop.index.snapshot().nodes.values()}
    shop.index.merge_labels(LabelId("hats"), [LabelId("balls")])
    assert marks(shop)[0] == {"hats": "hit 1"}
    shop.index.undo()
    flat = [
        TreeNode(key, label.name, label_id=label.id) for key, label in enumerate(shop.index.all_labels(), 1)
    ]
    places = tuple((node.key, node.label_id) for node in flat if node.label_id)
    shop.index.load_tree(Tree("flat", tuple(flat), tuple((0, node.key) for node in flat), places))
    mark_walks(shop)
    rows = shop.ledger.marks()
    found = {
        names[row.node]: f"{row.mark}{' +' if row.opened else ''}" for row in rows if row.node is not None
    }
    assert ({str(row.label): row.mark for row in rows if row.label}, found) == (
        {"hats": "error", "balls": "miss"},
        before[1],
    )
    assert {row.index_version for row in rows} == {version}
