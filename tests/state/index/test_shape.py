"""The shape in memory against the plain definition, on drawn graphs."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.index.index import Index
from taxonaut.state.index.shape import ROOT, Links, Shape
from taxonaut.state.records import Label, Tree, TreeNode

pytestmark = pytest.mark.slow

parents_drawn = st.lists(st.sets(st.integers(0, 20), min_size=1, max_size=3), min_size=1, max_size=9)


def loaded(parents: list[set[int]]) -> Database:
    """Return an index where node key `n` has the parents drawn for it, each of them an earlier key."""
    database = Database.in_memory()
    nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, len(parents) + 1))
    edges = dict.fromkeys((above % key, key) for key, some in enumerate(parents, start=1) for above in some)
    Index(database).load_tree(Tree("drawn", nodes, tuple(edges), ()))
    return database


def every_path(shape: Shape, node: int) -> Iterator[tuple[int, ...]]:
    if node == ROOT:
        yield ()
    for parent in shape.parents[node]:
        for path in every_path(shape, parent):
            yield (*path, node)


@settings(max_examples=25, deadline=None)
@given(parents_drawn)
def test_paths_depths_and_ancestors(parents: list[set[int]]) -> None:
    with loaded(parents) as database:
        shape = Shape(database)
        for node in range(ROOT, len(parents) + 2):
            paths = sorted(every_path(shape, node), key=len)
            assert sorted(shape.paths(node, most=10**6)) == sorted(paths)
            assert [len(path) for path in shape.paths(node, most=3)] == [len(path) for path in paths[:3]]
            assert shape.depth(node) == len(paths[0])
            assert shape.shortest_path(node) in [path for path in paths if len(path) == len(paths[0])]
            above = {step for path in paths for step in path} | {ROOT}
            assert {other for other in range(1, len(parents) + 2) if shape.is_below(node, other)} == above


def test_a_chain_of_ten_thousand_nodes() -> None:
    length = 10_000
    with Database.in_memory() as database:
        index = Index(database)
        index.add_labels([Label("x", "X")])  # type: ignore[arg-type]
        nodes = tuple(TreeNode(key, f"n{key}") for key in range(1, length + 1))
        index.load_tree(
            Tree("chain", nodes, tuple((key - 1, key) for key in range(1, length + 1)), ((length, "x"),))
        )  # type: ignore[arg-type]
        shape = Shape(database)
        assert shape.depth(length + 1) == length
        assert shape.shortest_path(length + 1) == tuple(range(2, length + 2))
        assert index.stats().depth == length
        assert len(index.paths("x")[0]) == length + 1  # type: ignore[arg-type]


def test_touched_keys_are_read_again_and_others_are_not() -> None:
    with loaded([{0}, {0}, {1}]) as database:
        links = Links(database, 1, "edges", "parent", "child")
        assert [links[key] for key in (1, 2, 3, 99)] == [(2, 3), (4,), (), ()]
        with database.write() as connection:
            connection.execute("INSERT INTO edges VALUES (1, 3, 4, 99), (1, 1, 4, 0)")
        assert [links[1], links[3]] == [(2, 3), ()]
        links.touch([3])
        assert [links[1], links[3]] == [(2, 3), (4,)]


def test_hundreds_of_children_keep_their_order(index: Index) -> None:
    names = [f"child {number * 7919 % 500}" for number in range(500)]
    nodes = tuple(TreeNode(key, name) for key, name in enumerate(names, start=1))
    index.load_tree(Tree("wide", nodes, tuple((0, key) for key in range(1, 501)), ()))
    assert [node.name for node in index.children(index.root())] == names
    assert [node.name for node in Index(index._database).children(index.root())] == names
