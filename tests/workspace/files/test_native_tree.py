"""The tree of labels with paths or parents."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.files.native_tree import build_native_tree


def by_path(*paths):
    return [
        LabelRow(Label(" > ".join(path), path[-1]), path)
        for path in (tuple(text.split(" > ")) for text in paths)
    ]


def by_parents(**parents):
    return [LabelRow(Label(id, id.upper()), parents=tuple(above.split())) for id, above in parents.items()]


def drawn(tree: Tree) -> str:
    """Draw a tree: nodes end in `/`, those that are labels in `/*`, placed labels are indented below."""
    names = {node.key: node.name + ("/" if node.label_id is None else "/*") for node in tree.nodes}

    def lines(key: int, depth: int):
        yield from ("  " * depth + label for node, label in tree.placements if node == key)
        for parent, child in tree.edges:
            if parent == key:
                yield "  " * depth + names[child]
                yield from lines(child, depth + 1)

    return "\n".join(lines(0, 0))


def test_paths_become_a_tree():
    rows = by_path("Misc", "Animals > Birds", "Animals", "Animals > Pets > Cats", "Tools > Saws")
    assert drawn(build_native_tree(rows)) == (
        "Misc\n"
        "Animals/*\n"
        "  Animals\n"
        "  Animals > Birds\n"
        "  Pets/\n"
        "    Animals > Pets > Cats\n"
        "Tools/\n"
        "  Tools > Saws"
    )


def test_a_whole_tree():
    rows = [
        LabelRow(Label("a", "Animals", "that move"), ("Animals",)),
        LabelRow(Label("b", "Birds"), ("Animals", "Birds")),
        LabelRow(Label("c", "Cats"), ("Animals", "Pets", "Cats")),
    ]
    assert build_native_tree(rows) == Tree(
        method="native",
        nodes=(
            TreeNode(1, "Animals", "that move", "a", ("Birds", "Cats")),
            TreeNode(2, "Pets", examples=("Cats",)),
        ),
        edges=((0, 1), (1, 2)),
        placements=((1, "a"), (1, "b"), (2, "c")),
    )


def test_parents_become_a_graph_with_labels_under_each_parent():
    tree = build_native_tree(
        by_parents(animals="", pets="", cats="animals pets", siamese="cats", dogs="pets animals")
    )
    assert drawn(tree) == (
        "ANIMALS/*\n"
        "  animals\n"
        "  dogs\n"
        "  CATS/*\n"
        "    cats\n"
        "    siamese\n"
        "PETS/*\n"
        "  pets\n"
        "  dogs\n"
        "  CATS/*\n"
        "    cats\n"
        "    siamese"
    )
    assert [node.name for node in tree.nodes] == ["ANIMALS", "PETS", "CATS"]


def test_a_path_and_more_parents():
    rows = [
        LabelRow(Label("a", "Animals"), ("Animals",)),
        LabelRow(Label("p", "Pets"), ("Pets",)),
        LabelRow(Label("c", "Cats"), ("Animals", "Cats"), ("p", "a")),
    ]
    assert drawn(build_native_tree(rows)) == "Animals/*\n  a\n  c\nPets/*\n  p\n  c"


def test_groups_are_nodes_only_and_empty_ones_go():
    rows = [
        LabelRow(Label("g", "skills"), is_node=True),
        LabelRow(Label("h", "nothing here"), is_node=True),
        LabelRow(Label("i", "nor here"), parents=("h",), is_node=True),
        LabelRow(Label("s", "juggle"), parents=("g",)),
        LabelRow(Label("t", "juggle clubs"), parents=("g",)),
        LabelRow(Label("j", "below a label"), parents=("t",), is_node=True),
    ]
    assert drawn(build_native_tree(rows)) == "skills/\n  s\n  t"


def test_flat_labels_are_all_placed_in_the_root():
    assert drawn(build_native_tree(by_path("A", "B"))) == "A\nB"


def test_examples_come_from_every_child_in_turn():
    rows = by_path(*(f"Top > {kind} > {kind}{number}" for kind in "ABC" for number in range(5)), "Top > D")
    examples = {node.name: node.examples for node in build_native_tree(rows).nodes}
    assert examples == {
        "Top": ("A0", "B0", "C0", "D", "A1", "B1", "C1", "A2"),
        "A": ("A0", "A1", "A2", "A3", "A4"),
        "B": ("B0", "B1", "B2", "B3", "B4"),
        "C": ("C0", "C1", "C2", "C3", "C4"),
    }


def test_examples_of_many_children_are_spread():
    rows = by_path(*(f"Top > {number:02}" for number in range(24)))
    assert build_native_tree(rows).nodes[0].examples == ("00", "03", "06", "09", "12", "15", "18", "21")


def test_a_very_deep_path():
    tree = build_native_tree(by_path(" > ".join(f"step {depth}" for depth in range(3000))))
    assert (len(tree.nodes), len(tree.edges), len(tree.placements)) == (2999, 2999, 1)


@st.composite
def acyclic_rows(draw):
    """Rows by parents, each of which may stand under any of the rows before it, in any order."""
    count = draw(st.integers(1, 25))
    rows = []
    for number in range(count):
        above = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        label = Label(str(number), f"label {number}")
        rows.append(LabelRow(label, (), tuple(map(str, sorted(above))), draw(st.booleans())))
    return draw(st.permutations(rows))


@settings(deadline=None)
@given(acyclic_rows())
def test_whatever_the_graph_every_label_is_placed_and_every_node_reached(rows):
    tree = build_native_tree(rows)
    keys = {node.key for node in tree.nodes}
    assert {label for _, label in tree.placements} == {row.label.id for row in rows if not row.is_node}
    assert {child for _, child in tree.edges} == keys
    assert {node for node, _ in tree.placements} <= keys | {0}
    assert all(parent < child for parent, child in tree.edges), "parents come first, so there is no cycle"
    assert {node.key for node in tree.nodes if node.label_id} == {
        node.key for node in tree.nodes if (node.key, node.label_id) in tree.placements
    }
    assert all(len(node.examples) <= 8 for node in tree.nodes)


@settings(deadline=None)
@given(st.sets(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map(tuple), min_size=1))
def test_whatever_the_paths_each_label_stands_at_its_own(paths):
    rows = [LabelRow(Label("/".join(path), path[-1]), path) for path in paths]
    tree = build_native_tree(rows)
    names = {node.key: node for node in tree.nodes}
    above = {child: parent for parent, child in tree.edges}
    found = set()
    for key, label in tree.placements:
        path = [] if key and names[key].label_id == label else [label.split("/")[-1]]
        while key:
            path.insert(0, names[key].name)
            key = above[key]
        found.add(tuple(path))
    assert found == paths
