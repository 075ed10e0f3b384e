"""Calls that were made are kept with what they came to, in the transaction of their change or not at all."""

from contextlib import suppress

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.stores.conversations import AppliedCalls


def test_a_call_is_kept_with_what_it_came_to(database: Database) -> None:
    applied = AppliedCalls(database)
    assert applied.outcome("c1") is None
    applied.keep("c1", {"text": "done: “x”", "focus": {"nodes": [1]}})
    assert applied.outcome("c1") == {"text": "done: “x”", "focus": {"nodes": [1]}}
    assert applied.outcome("c2") is None


def test_a_call_and_its_change_are_there_together_or_not_at_all(database: Database) -> None:
    index, applied = Index(database), AppliedCalls(database)
    with suppress(ZeroDivisionError), database.write():
        index.create_node(NodeId(1), "new")
        applied.keep("c1", {})
        raise ZeroDivisionError
    assert applied.outcome("c1") is None
    assert index.children(NodeId(1)) == []
