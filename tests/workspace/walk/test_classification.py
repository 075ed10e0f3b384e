"""A classification as a run: units, statuses, batches, and what makes two of them the same."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut import Item
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId, RunId
from taxonaut.state.records import ItemResult, Prediction
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.runs import Runs
from taxonaut.workspace.core.resumable import Resumable, batched, unit_key
from taxonaut.workspace.walk.classification import Classification, dump_result, label_with_graph, load_result


class Graph:
    """A compiled graph's stand-in: gives every item one label, or does as `rule` says."""

    def __init__(self, rule: Any = None) -> None:
        self.rule = rule or (lambda item: ItemResult(item, (Prediction(LabelId("a"), "A", ("A",), 1.0),)))
        self.batches: list[list[ItemId]] = []

    async def ainvoke(self, state: Any, config: Any) -> Any:
        ids = [item.id for item in state["items"]]
        self.batches.append(ids)
        return {"results": {item: self.rule(item) for item in ids}, "decisions": []}


def classification(database: Database, graph: Graph, batch: int = 2, **settings: Any) -> Classification:
    run = Resumable(Runs(database), "classify", {"top": 10, **settings})
    return Classification(run, Decisions(database), Items(database), label_with_graph(graph), batch)  # type: ignore[arg-type]


def items(count: int) -> list[Item]:
    return [Item(ItemId(f"i{number}"), f"text {number}") for number in range(count)]


async def results(made: Classification, given: list[Item]) -> list[ItemResult]:
    return [result async for _, result in made.results(given)]


async def test_batches_units_and_status(database: Database) -> None:
    graph = Graph()
    made = classification(database, graph)
    found = await results(made, items(5))
    assert [result.item_id for result in found] == ["i0", "i1", "i2", "i3", "i4"]
    assert graph.batches == [["i0", "i1"], ["i2", "i3"], ["i4"]]
    (run,) = made.run.runs.list("classify")
    assert (run.status, run.units, run.fingerprint) == ("finished", 5, made.run.fingerprint)


async def test_a_later_call_continues_the_run(database: Database) -> None:
    graph = Graph()
    await results(classification(database, graph), items(3))
    await results(classification(database, graph), items(4))
    assert graph.batches == [["i0", "i1"], ["i2"], ["i3"]]
    (run,) = Runs(database).list("classify")
    assert run.units == 4


async def test_a_changed_text_is_another_unit(database: Database) -> None:
    graph = Graph()
    await results(classification(database, graph), [Item(ItemId("i"), "old")])
    await results(classification(database, graph), [Item(ItemId("i"), "new")])
    assert graph.batches == [["i"], ["i"]]
    assert Items(database).get([ItemId("i")]) == [Item(ItemId("i"), "new")]


async def test_other_settings_are_another_run(database: Database) -> None:
    graph = Graph()
    await results(classification(database, graph), items(1))
    await results(classification(database, graph, top=3), items(1))
    assert graph.batches == [["i0"], ["i0"]]
    assert len(Runs(database).list("classify")) == 2


async def test_a_failure_is_a_failed_run_that_keeps_what_was_finished(database: Database) -> None:
    def rule(item: ItemId) -> ItemResult:
        return ItemResult(item, (), "" if item in ("i0", "i1") else "away")

    made = classification(database, Graph(rule))
    with pytest.raises(ModelUnavailableError, match="2 requests in a row got no answer: away"):
        await results(made, items(4))
    (run,) = made.run.runs.list("classify")
    assert (run.status, run.units) == ("failed", 2)


async def test_an_unexpected_error_is_raised_as_it_is(database: Database) -> None:
    def rule(item: ItemId) -> ItemResult:
        raise ZeroDivisionError(item)

    made = classification(database, Graph(rule))
    with pytest.raises(ZeroDivisionError):
        await results(made, items(1))
    assert made.run.runs.list("classify")[0].status == "failed"


async def test_empty_texts_are_units_that_no_graph_sees(database: Database) -> None:
    graph = Graph()
    made = classification(database, graph)
    found = await results(made, [Item(ItemId("e"), " "), *items(1)])
    assert [(result.item_id, result.error) for result in found] == [("e", "the text is empty"), ("i0", "")]
    assert graph.batches == [["i0"]]
    assert made.run.runs.list("classify")[0].units == 2


def test_a_result_survives_its_unit() -> None:
    label = Prediction(LabelId("a"), "A", ("X", "A"), 0.5, "evidence", "reason", "both")
    result = ItemResult(ItemId("i"), (label,), "")
    assert load_result(json.loads(json.dumps(dump_result(result)))) == result


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_a_unit_is_named_by_id_and_text(one: str, text: str, other: str, words: str) -> None:
    same = unit_key(Item(ItemId(one), text)) == unit_key(Item(ItemId(other), words))
    if "\0" not in one + other:
        assert same == ((one, text) == (other, words))


def test_batches_are_cut_from_a_stream_without_reading_ahead() -> None:
    taken: list[int] = []

    def stream() -> Iterator[Any]:
        for number in range(5):
            taken.append(number)
            yield number

    cut = batched(stream(), 2)
    assert (next(cut), taken) == ([0, 1], [0, 1])
    assert list(cut) == [[2, 3], [4]]


def test_a_run_s_totals_are_nothing_before_the_first_call(database: Database) -> None:
    made = classification(database, Graph())
    assert made.totals().requests == 0
    assert made.run.runs.open("classify", made.run.fingerprint, {}) == RunId(1)
    assert made.totals().requests == 0
