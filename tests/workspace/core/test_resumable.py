"""Long work as a run: what is kept, what is asked again, and when a run is given up."""

from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Any

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Decision, Item
from taxonaut.state.stores.decisions import Decisions
from taxonaut.state.stores.runs import Runs, RunUnits
from taxonaut.state.updates import Progress, Update, listening
from taxonaut.workspace.core.resumable import (
    MAX_FAILURES,
    BatchResult,
    FailureCount,
    Resumable,
    Unit,
    fingerprint,
    unit_key,
)

UNIT: Unit[Item, str] = Unit(unit_key, lambda row: str(row["text"]), lambda text: {"text": text})


class Shouting:
    """Puts texts in capitals; those of `refuse` get no answer, and an empty one is not asked about."""

    def __init__(self, *refuse: str) -> None:
        self.refuse = set(refuse)
        self.batches: list[str] = []

    async def __call__(self, _: RunUnits, items: Sequence[Item]) -> BatchResult[str]:
        self.batches.append("".join(item.text for item in items))
        return BatchResult(
            [item.text.upper() for item in items],
            [self.error(item.text) if item.text else None for item in items],
            [decided(item) for item in items],
        )

    def error(self, text: str) -> str:
        return "refused" if text in self.refuse else ""


def decided(item: Item) -> Decision:
    return Decision(item.id, None, "agent", "template", "hash", "model", "tool", (), ())


def items(texts: str) -> list[Item]:
    """Items of a letter each; `_` stands for an empty text."""
    return [Item(ItemId(f"i{place}"), text.strip("_")) for place, text in enumerate(texts)]


async def shouted(database: Database, texts: str, work: Shouting, size: int = 2, **how: Any) -> str:
    run = Resumable(Runs(database), "shout", {"loud": True})
    async with aclosing(run.results(items(texts), size, work, UNIT, stage="shouting", **how)) as results:
        return "".join([result async for _, result in results])


def status(database: Database) -> tuple[str, int]:
    (run,) = Runs(database).list("shout")
    return run.status, run.units


async def test_finished_items_are_kept_and_not_worked_on_again(database: Database) -> None:
    work, told = Shouting(), list[Update]()
    with listening(told.append):
        assert await shouted(database, "abc", work) == "ABC"
    assert told == [Progress("shouting", 2), Progress("shouting", 3)]
    assert (work.batches, status(database)) == (["ab", "c"], ("finished", 3))
    assert await shouted(database, "abxd", work) == "ABXD"
    assert (work.batches, status(database)) == (["ab", "c", "xd"], ("finished", 5))
    assert Decisions(database).totals(Runs(database).list()[0].id).comparisons == 5


async def test_an_item_that_is_never_answered_does_not_stop_those_behind_it(database: Database) -> None:
    assert await shouted(database, "abc", Shouting("b")) == "ABC"
    work = Shouting("b")
    assert await shouted(database, "abcdef", work) == "ABCDEF"
    assert (work.batches, status(database)) == (["b", "d", "ef"], ("finished", 5))
    first = Shouting("a")
    assert await shouted(database, "abcdef", first, size=1) == "ABCDEF"


async def test_an_unanswered_item_before_all_others_costs_one_item(database: Database) -> None:
    work = Shouting("a")
    assert await shouted(database, "abc", work, size=1) == "ABC"
    assert (work.batches, status(database)) == (["a", "b", "c"], ("finished", 2))


@pytest.mark.parametrize(("size", "limit"), [(1, 2), (2, 2), (3, 3), (64, MAX_FAILURES)])
async def test_a_run_is_given_up_after_a_batch_of_failures_in_a_row(
    database: Database, size: int, limit: int
) -> None:
    """Seen at the end of a batch: a large one is given up where its last MAX_FAILURES failed."""
    work = Shouting("x")
    before = "a" * (2 * size - limit if size > limit else size)
    with pytest.raises(ModelUnavailableError, match=rf"^{limit} requests in a row got no answer: refused — "):
        await shouted(database, before + "x" * limit + "b", work, size)
    assert status(database) == ("failed", len(before))
    assert "b" not in "".join(work.batches)


async def test_kept_and_empty_items_between_failures_are_no_answers(database: Database) -> None:
    await shouted(database, "abcd", Shouting("a", "d"), size=4)
    with pytest.raises(ModelUnavailableError, match=r"^2 requests in a row"):
        await shouted(database, "abcd_e", Shouting("a", "d"), size=1)


async def test_a_call_that_brings_nothing_gives_nothing_and_says_why(database: Database) -> None:
    results = Resumable(Runs(database), "shout", {}).results(items("a"), 64, Shouting("a"), UNIT)
    with pytest.raises(ModelUnavailableError, match=r"^1 request got no answer: refused — "):
        await anext(results)
    assert status(database) == ("failed", 0)


async def test_empty_items_are_no_answers_and_wait_for_nothing(database: Database) -> None:
    with pytest.raises(ModelUnavailableError, match=r"^1 request got no answer: refused — "):
        await shouted(database, "_a", Shouting("a"))
    assert status(database) == ("failed", 1)
    results = Resumable(Runs(database), "shout", {"loud": True}).results(items("__a"), 1, Shouting("a"), UNIT)
    assert [(await anext(results))[0].id for _ in range(2)] == ["i0", "i1"]
    await results.aclose()


async def test_who_says_how_many_may_fail_gets_all_other_results(database: Database) -> None:
    assert await shouted(database, "ab", Shouting("a", "b"), failures=3) == "AB"
    with pytest.raises(ModelUnavailableError, match=r"^3 requests in a row"):
        await shouted(database, "abc", Shouting("a", "b", "c"), failures=3)


async def test_an_id_stands_for_one_item(database: Database) -> None:
    work = Shouting()
    twice = [*items("ab"), *items("ab")]
    run = Resumable(Runs(database), "shout", {})
    assert [text async for _, text in run.results(twice, 4, work, UNIT)] == ["A", "B", "A", "B"]
    assert work.batches == ["ab"]
    with pytest.raises(InputError, match="two items have the id 'i0'"):
        [pair async for pair in run.results([*items("a"), *items("b")], 4, work, UNIT)]


async def test_settle_sees_kept_results_and_no_failed_ones_and_stands_or_falls_with_the_units(
    database: Database,
) -> None:
    settled: list[list[str]] = []

    def settle(_: RunUnits, results: Sequence[str]) -> None:
        settled.append(list(results))
        if "D" in results:
            raise ZeroDivisionError

    await shouted(database, "abc", Shouting("b"), size=3, on_batch=settle)
    with pytest.raises(ZeroDivisionError):
        await shouted(database, "abcd", Shouting("b"), size=3, on_batch=settle)
    assert settled == [["A", "C"], ["A", "C"], ["D"]]
    assert status(database) == ("failed", 2)


async def test_a_run_that_is_left_is_interrupted(database: Database) -> None:
    run = Resumable(Runs(database), "shout", {"loud": True})
    async with aclosing(run.results(items("abc"), 1, Shouting(), UNIT)) as results:
        assert (await anext(results))[1] == "A"
    assert status(database) == ("interrupted", 1)
    assert await shouted(database, "abc", Shouting()) == "ABC"
    assert run.known is not None
    assert run.known.status == "finished"


async def test_work_without_a_unit_sees_all_items_again(database: Database) -> None:
    work, run = Shouting(), Resumable(Runs(database), "shout", {})
    for _ in range(2):
        assert [text async for _, text in run.results(items("abc"), 2, work)] == ["A", "B", "C"]
    assert work.batches == ["ab", "c", "ab", "c"]
    assert status(database) == ("finished", 0)


async def test_a_result_that_is_not_to_be_kept_is_asked_for_again(database: Database) -> None:
    choosy: Unit[Item, str] = Unit(unit_key, str, lambda text: None if text == "B" else {"text": text})
    run = Resumable(Runs(database), "shout", {})
    assert len([text async for _, text in run.results(items("abc"), 3, Shouting(), choosy)]) == 3
    assert status(database) == ("finished", 2)


def test_what_makes_two_runs_the_same(database: Database) -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint({}, ["a", "bc"]) != fingerprint({}, ["ab", "c"])
    assert len(fingerprint({"path": ItemId("x")}, ["\ud800"])) == 32
    first = Resumable(Runs(database), "shout", {"a": 1}, ["x"])
    assert first.known is None
    with suppress(KeyError), first.recording() as run:
        run.finish({"one": {"text": "A"}}, [])
        raise KeyError
    again = Resumable(Runs(database), "shout", {"a": 1}, ["x"])
    assert again.known is not None
    assert (again.known.status, again.open().finished(["one", "two"])) == ("failed", {"one": {"text": "A"}})


def test_failures_in_a_row() -> None:
    count = FailureCount(2)
    count.add(["no", "", "no"])
    count.add([None, ""])
    count.add(["no"])
    with pytest.raises(ModelUnavailableError, match=r"^2 requests in a row got no answer: away — "):
        count.add([None, "away"])
