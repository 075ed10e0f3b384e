"""What changed since an event is the same whether the whole index is compared or only what was touched."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_changes import change_index, kinds, make_tree, numbers

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import EventId, NodeId
from taxonaut.state.index.diff import diff
from taxonaut.state.index.index import Index

pytestmark = pytest.mark.slow


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(kinds, numbers, numbers), max_size=6), numbers)
def test_what_was_touched_tells_all(steps: list[tuple[int, int, int]], since: int) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        make_tree(index)
        for each in steps:
            change_index(index, *each)
        event = EventId(since % (index.version() + 1))
        assert index.diff_since(event) == diff(index.snapshot(event), index.snapshot())


def test_inside_a_transaction_it_tells_what_is_not_written_yet(index: Index, database: Database) -> None:
    make_tree(index)
    before = index.version()
    try:
        with database.write():
            index.rename_node(NodeId(2), "Garments")
            found = index.diff_since(before)
            raise RuntimeError
    except RuntimeError:
        assert [edit.texts for edit in found.edited] == [{"name": ("n1", "Garments")}]
    assert index.diff_since(before).is_empty
    assert index.node(NodeId(2)).name == "n1"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(kinds, numbers, numbers), max_size=4), st.integers(0, 3))
def test_a_trial_leaves_the_index_as_it_was(steps: list[tuple[int, int, int]], before: int) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        make_tree(index)
        for each in steps[:before]:
            change_index(index, *each)
        known = seen(index)
        with index.preserve_cache(), suppress(ZeroDivisionError), database.write():
            for each in steps[before:]:
                change_index(index, *each)
            raise ZeroDivisionError
        assert seen(index) == known == seen(Index(database))
        index.create_node(index.root(), "after it")
        assert seen(index) == seen(Index(database))


def seen(index: Index) -> dict[str, Any]:
    nodes = list(index.snapshot().nodes)
    labels = index.label_ids()
    return {
        "version": index.version(),
        "children": index.children_of(nodes),
        "parents": {node: index.parents(node) for node in nodes},
        "labels": index.labels(labels),
        "places": {label: index.placements_of(label) for label in labels},
        "paths": index.paths_of(labels),
        "under": index.labels_under(nodes),
    }
