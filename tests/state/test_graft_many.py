"""Several nodes divided as one event; and what an addition asks the index."""

import pytest

from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

SHOES, BALLS = NodeId(2), NodeId(3)
NAMES = {"shoes": "Shoes", "boots": "Boots", "ball": "Footballs", "puck": "Pucks"}


@pytest.fixture
def index(index: Index) -> Index:
    """Root > Shoes (shoes, boots), Balls (ball, puck)."""
    index.add_labels([Label(LabelId(id_), name) for id_, name in NAMES.items()])
    places = ((1, "shoes"), (1, "boots"), (2, "ball"), (2, "puck"))
    index.load_tree(
        Tree(
            "drawn",
            (TreeNode(1, "Shoes", label_id=LabelId("shoes")), TreeNode(2, "Balls")),
            ((0, 1), (0, 2)),
            tuple((node, LabelId(label)) for node, label in places),
        )
    )
    return index


def tree(*labels: str, own: str = "") -> Tree:
    nodes = tuple(TreeNode(place, f"only {label}") for place, label in enumerate(labels, start=1))
    places = [(node.key, LabelId(label)) for node, label in zip(nodes, labels, strict=True)]
    return Tree(
        "made",
        nodes,
        tuple((0, node.key) for node in nodes),
        (*([(0, LabelId(own))] if own else []), *places),
    )


def test_nodes_are_divided_at_once_and_undone_at_once(index: Index) -> None:
    before, version = index.snapshot(), index.version()
    index.graft_many({SHOES: tree("boots", own="shoes"), BALLS: tree("puck", "ball")})
    assert index.version() == version + 1
    assert [node.name for node in index.children(SHOES)] == ["only boots"]
    assert [node.name for node in index.children(BALLS)] == ["only puck", "only ball"]
    assert index.labels_under([SHOES, BALLS]) == {SHOES: ["shoes"], BALLS: []}
    assert index.paths(LabelId("ball")) == [("Balls", "only ball", "Footballs")]
    payload = index.events.list(version)[0].payload
    assert payload == {"nodes": [2, 3], "count": 3, "labels": 4}
    assert index.snapshot(version).placements == before.placements
    index.undo()
    after = index.snapshot()
    assert (after.nodes, after.edges, after.placements) == (before.nodes, before.edges, before.placements)


def test_nothing_to_divide_is_no_event(index: Index) -> None:
    version = index.version()
    index.graft_many({})
    assert index.version() == version


def test_labels_by_name_and_by_id(index: Index) -> None:
    assert index.has_label(LabelId("boots"))
    assert not index.has_label(LabelId("Boots"))
    assert [label.id for label in index.labels_named(["BOOTS", "pucks", "x' OR 1=1 --"])] == ["boots", "puck"]
    assert index.labels_named([]) == []


def test_what_the_builder_was_told_is_kept(index: Index) -> None:
    assert index.tree_settings() == {}
    index.load_tree(Tree("kmeans", (), (), tuple((0, label) for label in index.label_ids()), {"k": 4}))
    assert index.tree_settings() == {"k": 4}
