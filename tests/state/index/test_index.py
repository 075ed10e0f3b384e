"""Reading and changing the index, by example."""

from typing import Any

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import CycleError, InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.index.reader import IndexStats
from taxonaut.state.records import Label, Node, Tree, TreeNode

FRUIT = [
    Label(LabelId("f"), "Fruit"),
    Label(LabelId("a"), "Apple", "round"),
    Label(LabelId("p"), "Pear"),
    Label(LabelId("t"), "Tomato", batch="later"),
]
TREE = Tree(
    method="native",
    nodes=(
        TreeNode(1, "Fruit", label_id=LabelId("f")),
        TreeNode(2, "Vegetables", "green things", examples=("Tomato",)),
        TreeNode(3, "Pome", examples=("Apple", "Pear")),
    ),
    edges=((0, 2), (0, 1), (1, 3)),
    placements=(
        (1, LabelId("f")), (3, LabelId("a")), (3, LabelId("p")), (2, LabelId("t")), (1, LabelId("t")),
    ),
)  # fmt: skip


@pytest.fixture
def fruit(index: Index) -> Index:
    index.add_labels(FRUIT)
    index.load_tree(TREE)
    return index


def find(index: Index, name: str) -> NodeId:
    waiting = [index.root()]
    while waiting:
        node = index.node(waiting.pop())
        if node.name == name:
            return node.id
        waiting.extend(child.id for child in index.children(node.id))
    raise AssertionError(name)


def drawn(index: Index) -> str:
    """Return the tree as text: two spaces a level, labels in brackets."""

    def lines(node: Node, depth: int) -> list[str]:
        own = ", ".join(label.id for label in index.labels_at(node.id))
        text = "  " * depth + node.name + (f" [{own}]" if own else "")
        return [text, *(line for child in index.children(node.id) for line in lines(child, depth + 1))]

    return "\n".join(lines(index.node(index.root()), 0))


def test_a_blank_index_has_a_root_and_nothing_else(index: Index) -> None:
    assert index.root() == 1
    assert index.node(index.root()) == Node(NodeId(1), "root")
    assert index.children(index.root()) == []
    assert index.is_terminal(index.root())
    assert index.version() == 0
    assert index.stats() == IndexStats(0, 0, 0, 0, 1, 0, 0, 0, 0.0)


def test_a_tree_is_read_in_the_order_it_was_given(fruit: Index) -> None:
    assert drawn(fruit) == "root\n  Vegetables [t]\n  Fruit [f, t]\n    Pome [a, p]"
    vegetables, own = fruit.children(fruit.root())
    assert vegetables == Node(vegetables.id, "Vegetables", "green things", examples=("Tomato",))
    assert own == Node(own.id, "Fruit", label_id=LabelId("f"))
    assert fruit.parents(own.id) == [fruit.node(fruit.root())]
    assert [fruit.is_terminal(node.id) for node in (vegetables, own)] == [True, False]


def test_many_nodes_at_once(fruit: Index) -> None:
    root, own, pome = fruit.root(), find(fruit, "Fruit"), find(fruit, "Pome")
    assert {
        id_: [node.name for node in nodes] for id_, nodes in fruit.children_of([pome, root, own]).items()
    } == {
        pome: [],
        root: ["Vegetables", "Fruit"],
        own: ["Pome"],
    }
    assert fruit.labels_under([own, pome, root]) == {own: ["f", "t"], pome: ["a", "p"], root: []}
    assert fruit.node_paths([root, pome]) == {root: (), pome: (own, pome)}
    assert [node.name for node in fruit.nodes([pome, own, pome])] == ["Pome", "Fruit", "Pome"]


def test_labels_come_in_import_order(fruit: Index) -> None:
    assert fruit.all_labels() == FRUIT
    assert fruit.label_ids() == ["f", "a", "p", "t"]
    assert fruit.labels([LabelId("t"), LabelId("a")]) == [FRUIT[3], FRUIT[1]]
    assert fruit.label(LabelId("a")) == FRUIT[1]


def test_paths_end_with_the_labels_own_name_once(fruit: Index) -> None:
    assert fruit.paths_of([LabelId("f"), LabelId("a"), LabelId("t")]) == {
        "f": [("Fruit",)],
        "a": [("Fruit", "Pome", "Apple")],
        "t": [("Vegetables", "Tomato"), ("Fruit", "Tomato")],
    }


def test_paths_of_a_graph_come_shortest_first(fruit: Index) -> None:
    pome = find(fruit, "Pome")
    fruit.add_edge(fruit.root(), pome)
    assert fruit.paths(LabelId("a")) == [("Pome", "Apple"), ("Fruit", "Pome", "Apple")]
    assert fruit.node_paths([pome]) == {pome: (pome,)}


def test_paths_are_counted_out_before_they_explode(index: Index) -> None:
    index.add_labels([Label(LabelId("x"), "X")])
    levels = 30
    nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, 2 * levels + 1))
    edges = [(0, 1), (0, 2)]
    for level in range(1, levels):
        above, here = (2 * level - 1, 2 * level), (2 * level + 1, 2 * level + 2)
        edges += [(parent, child) for parent in above for child in here]
    index.load_tree(Tree("ladder", nodes, tuple(edges), ((2 * levels, LabelId("x")),)))
    paths = index.paths(LabelId("x"))
    assert (len(paths), {len(path) for path in paths}) == (64, {levels + 1})


def test_stats(fruit: Index) -> None:
    fruit.add_labels([Label(LabelId("z"), "Zucchini")])
    assert fruit.stats() == IndexStats(
        labels=5,
        nodes=3,
        edges=3,
        placements=5,
        terminals=2,
        depth=2,
        labels_unplaced=1,
        largest_terminal=2,
        labels_per_terminal=1.5,
    )


def test_an_index_with_one_label_in_the_root(index: Index) -> None:
    index.add_labels([Label(LabelId("only"), "Only")])
    index.load_tree(Tree("flat", (), (), ((0, LabelId("only")),)))
    assert drawn(index) == "root [only]"
    assert index.paths(LabelId("only")) == [("Only",)]
    assert index.stats() == IndexStats(1, 0, 0, 1, 1, 0, 0, 1, 1.0)


def test_search_finds_most_words_then_shortest(index: Index) -> None:
    names = ["Green apple", "Apple", "Apple pie with green cream", "Pear"]
    index.add_labels([Label(LabelId(name), name) for name in names])
    assert [label.name for label in index.search("GREEN apple")] == [names[0], names[2], names[1]]
    assert [label.name for label in index.search("apple", limit=1)] == ["Apple"]
    assert index.search("  ") == []
    assert index.search("quince") == []


@pytest.mark.parametrize(
    "text",
    [
        "a, b",
        'say "x"',
        "it's'); DROP TABLE labels; --",
        "two\nlines\r\n",
        "🍎🏽‍🌾",
        "שלום עולם",
        "nul\0byte",
        "\\N",
    ],
)
def test_texts_come_back_as_they_were(index: Index, text: str) -> None:
    label = Label(LabelId(text), text, text, text)
    index.add_labels([label])
    node = TreeNode(1, text, text, LabelId(text), (text,))
    index.load_tree(Tree(text, (node,), ((0, 1),), ((1, LabelId(text)),), {text: text}))
    made = index.create_node(index.root(), text, text, [text], [text])
    assert index.all_labels() == [label]
    assert index.children(index.root()) == [
        Node(NodeId(2), text, text, label_id=LabelId(text), examples=(text,)),
        Node(made, text, text, (text,), (text,)),
    ]
    assert index.paths(LabelId(text)) == [(text,)]


def test_small_changes(fruit: Index) -> None:
    own, pome = find(fruit, "Fruit"), find(fruit, "Pome")
    berries = fruit.create_node(own, "Berries", "small", ["raspberry"], ["tomato"], examples=["Grape"])
    fruit.place(LabelId("t"), [berries, own, berries])
    fruit.unplace(LabelId("t"), own)
    fruit.add_edge(find(fruit, "Vegetables"), pome)
    fruit.remove_edge(own, pome)
    fruit.rename_node(own, "Real fruit")
    fruit.edit_node(pome, description="with a core", includes=["quince"])
    assert drawn(fruit) == ("root\n  Vegetables [t]\n    Pome [a, p]\n  Real fruit [f]\n    Berries [t]")
    assert fruit.nodes([pome, berries]) == [
        Node(pome, "Pome", "with a core", ("quince",), (), None, ("Apple", "Pear")),
        Node(berries, "Berries", "small", ("raspberry",), ("tomato",), None, ("Grape",)),
    ]
    assert fruit.placements_of(LabelId("t")) == [find(fruit, "Vegetables"), berries]
    fruit.unplace(LabelId("t"), berries)
    fruit.remove_node(berries)
    assert drawn(fruit) == "root\n  Vegetables [t]\n    Pome [a, p]\n  Real fruit [f]"


def refusals(index: Index) -> list[tuple[Any, type[Exception], str]]:
    root, own, pome = index.root(), find(index, "Fruit"), find(index, "Pome")
    return [
        (lambda: index.node(NodeId(99)), NotFoundError, "no node 99 in the index; the root is 1"),
        (lambda: index.children_of([root, NodeId(99)]), NotFoundError, "no node 99"),
        (lambda: index.label(LabelId("?")), NotFoundError, "no label '?' in the index"),
        (lambda: index.paths(LabelId("?")), NotFoundError, "no label '?'"),
        (lambda: index.create_node(NodeId(99), "x"), NotFoundError, "no node 99"),
        (lambda: index.create_node(root, " "), InputError, "node name must not be empty: ' ' was given"),
        (lambda: index.rename_node(own, ""), InputError, "node name must not be empty: '' was given"),
        (lambda: index.add_edge(pome, own), CycleError, "node 'Pome' (4) is node 'Fruit' (2) or below it"),
        (lambda: index.add_edge(own, own), CycleError, "is node 'Fruit' (2) or below it"),
        (lambda: index.add_edge(own, pome), InputError, "node 4 is already under node 2"),
        (lambda: index.remove_edge(own, pome), InputError, "node 2 is the only parent of node 4"),
        (lambda: index.remove_edge(root, pome), InputError, "node 4 is not under node 1"),
        (lambda: index.remove_node(root), InputError, "is the root, which cannot be removed"),
        (lambda: index.remove_node(own), InputError, "is the only parent of 1 nodes, first 4"),
        (lambda: index.remove_node(pome), InputError, "is the only place of 2 labels, first 'a'"),
        (lambda: index.unplace(LabelId("a"), pome), InputError, "is the only place of label 'a'"),
        (lambda: index.unplace(LabelId("a"), own), InputError, "label 'a' is not placed in node 2"),
        (lambda: index.place(LabelId("?"), [root]), NotFoundError, "no label '?'"),
        (lambda: index.place(LabelId("a"), [NodeId(99)]), NotFoundError, "no node 99"),
        (lambda: index.add_labels([FRUIT[1]]), InputError, "label id 'a' is given twice or is already"),
        (
            lambda: index.add_labels([Label(LabelId("n"), "N"), Label(LabelId("n"), "M")]),
            InputError,
            "label id 'n' is given twice",
        ),
        (lambda: index.add_labels([Label(LabelId("n"), "\n")]), InputError, "label 'n' has no name"),
    ]


def test_refusals_say_why_and_change_nothing(fruit: Index) -> None:
    before, version = drawn(fruit), fruit.version()
    for call, kind, message in refusals(fruit):
        with pytest.raises(kind) as caught:
            call()
        assert message in str(caught.value)
    assert (drawn(fruit), fruit.version(), fruit.all_labels()) == (before, version, FRUIT)


def test_a_rolled_back_change_is_forgotten_in_memory_too(fruit: Index, database: Database) -> None:
    before = drawn(fruit)

    def fail_half_way() -> None:
        with database.write():
            fruit.create_node(fruit.root(), "New")
            fruit.add_labels([Label(LabelId("n"), "N")])
            assert drawn(fruit) == before + "\n  New"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert drawn(fruit) == before
    assert fruit.all_labels() == FRUIT


def test_another_index_on_the_database_sees_each_change(fruit: Index, database: Database) -> None:
    other = Index(database)
    assert drawn(other) == drawn(fruit)
    other.create_node(other.root(), "New")
    assert drawn(fruit) == drawn(other)
    fruit.undo()
    assert drawn(other) == drawn(fruit)
