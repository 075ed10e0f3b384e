"""Trails survive the file, and the latest of an item counts."""

from taxonaut.state.db.connection import Database
from taxonaut.state.graph_states.navigate import OpenedNode, Trail
from taxonaut.state.ids import ItemId, LabelId, NodeId, RunId
from taxonaut.state.stores.traces import Traces

TRAIL = Trail(
    (OpenedNode(NodeId(1), 0.0, "start"), OpenedNode(NodeId(4), 0.25, "branch", NodeId(1))),
    {"budget": (NodeId(5), NodeId(6)), "beam": (NodeId(7),)},
    ((LabelId("it's \U0001f34f"), 0.5),),
    (LabelId("a"), LabelId("b")),
)


def test_a_trail_comes_back_as_it_was(database: Database) -> None:
    trails = Traces(database)
    trails.append(RunId(1), {ItemId("a"): TRAIL, ItemId("b"): Trail()})
    wanted = [ItemId("a"), ItemId("b"), ItemId("never")]
    assert trails.latest(RunId(1), wanted) == {"a": TRAIL, "b": Trail()}
    assert trails.latest(RunId(2), wanted) == {}
    trails.append(RunId(1), {})


def test_the_latest_counts(database: Database) -> None:
    trails = Traces(database)
    trails.append(RunId(1), {ItemId("a"): TRAIL})
    trails.append(RunId(1), {ItemId("a"): Trail()})
    assert trails.latest(RunId(1), [ItemId("a")]) == {"a": Trail()}


def test_scores_are_kept_to_four_places(database: Database) -> None:
    trails = Traces(database)
    trails.append(RunId(1), {ItemId("a"): Trail((OpenedNode(NodeId(1), 1 / 3, "start"),))})
    assert trails.latest(RunId(1), [ItemId("a")])[ItemId("a")].opened[0].score == 0.3333
