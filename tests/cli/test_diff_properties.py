"""Whatever was done in between: a diff tells all of it and nothing else, and can be drawn."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_changes import change_index, kinds, make_tree, numbers

from taxonaut.cli.index.diff_view import SideBySide, diff_row, print_diff
from taxonaut.state.db.connection import Database
from taxonaut.state.ids import LabelId
from taxonaut.state.index.diff import IndexDiff, diff
from taxonaut.state.index.index import Index

pytestmark = pytest.mark.slow


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(kinds, numbers, numbers), max_size=8))
def test_a_diff_tells_all_and_can_be_drawn(steps: list[tuple[int, int, int]]) -> None:
    with Database.in_memory() as database:
        index = Index(database)
        make_tree(index)
        before = index.snapshot()
        for each in steps:
            change_index(index, *each)
        after = index.snapshot()
        for one, other in ((before, after), (after, before)):
            found = diff(one, other)
            rows = list(SideBySide(found, one, other).rows())
            assert len(rows) > 1 or not found.inserted + found.removed
            diff_row(found)
            print_diff(found)
            there = dict(found.matched) if found.replaced else {id_: id_ for id_ in one.nodes}
            gone = {entry.node.id for entry in found.removed} | {entry.node.id for entry in found.merged}
            assert gone == set(one.nodes) - {id_ for id_ in there if there[id_] in other.nodes}
            assert all(split.into and split.labels for split in found.split)
            assert {node.id for node in found.inserted} == set(other.nodes) - set(there.values())
            assert placed(found, one.nodes_of, there) == {
                key: set(nodes) for key, nodes in other.nodes_of.items()
            }
        assert diff(after, after).is_empty


def placed(found: IndexDiff, nodes_of: Any, there: dict[Any, Any]) -> dict[LabelId, set[int]]:
    """Carry a diff's label changes out on the placements before it."""
    left = (*found.labels_moved, *found.labels_gone, *found.labels_retired)
    ids = {each.former: each.id for each in found.labels_reidentified}
    lost = {(label.id, node.id) for label in left for node in label.lost}
    now: dict[LabelId, set[int]] = {}
    for former, nodes in nodes_of.items():
        id_ = ids.get(former, former)
        now[id_] = {there[node] for node in nodes if (id_, node) not in lost and (former, node) not in lost}
    for label in (*found.labels_moved, *found.labels_inserted, *found.labels_restored):
        now.setdefault(label.id, set()).update(node.id for node in label.gained)
    return {id_: nodes for id_, nodes in now.items() if nodes}
