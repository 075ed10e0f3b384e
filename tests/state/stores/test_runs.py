"""A run continues where it stopped, and keeps each unit with its decisions."""

from contextlib import suppress

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, NodeId, RunId
from taxonaut.state.records import Decision, Usage
from taxonaut.state.stores.decisions import Decisions, Totals
from taxonaut.state.stores.runs import Run, Runs

ODD = '\'); --\n"🍏" שלום \0'


def decision(item: str, **changes: object) -> Decision:
    values: dict[str, object] = {
        "item_id": ItemId(item),
        "node_id": NodeId(7),
        "agent": "navigator",
        "template": "navigator/choose",
        "template_hash": "abc",
        "model": "encoder/minilm",
        "tool": "expand_node",
        "options": ("1", ODD),
        "choice": (ODD,),
        "scores": (0.25, 1.0),
        "evidence": (ODD,),
        "seed": 2**60,
        "usage": Usage(100, 10, 70, 0.5, 2, False),
    }
    return Decision(**{**values, **changes})  # type: ignore[arg-type]


def test_the_same_fingerprint_continues_the_same_run(database: Database) -> None:
    runs = Runs(database)
    first = runs.open("classify", "f", {"model": "x"})
    runs.finish(first, {"a": {"labels": [ODD]}, "b": {}}, [])
    assert runs.open("classify", "f", {"model": "x"}) == first
    assert runs.open("classify", "other", {}) != first
    assert runs.open("evaluate", "f", {}) != first
    assert runs.finished(first, ["a", "b", "c"]) == {"a": {"labels": [ODD]}, "b": {}}
    assert (runs.finished(first, []), runs.finished(RunId(99), ["a"])) == ({}, {})


def test_a_unit_finished_again_is_replaced(database: Database) -> None:
    runs = Runs(database)
    run = runs.open("classify", "f", {})
    runs.finish(run, {"a": {"try": 1}}, [decision("a")])
    runs.finish(run, {"a": {"try": 2}}, [decision("a")])
    assert runs.finished(run, ["a"]) == {"a": {"try": 2}}
    assert len(Decisions(database).for_item(run, ItemId("a"))) == 2


def test_a_unit_and_its_decisions_come_together_or_not_at_all(database: Database) -> None:
    runs = Runs(database)
    run = runs.open("classify", "f", {})
    with pytest.raises(InputError, match="half a character"):
        runs.finish(run, {"a": {}}, [decision("a"), decision("a", error="\ud800")])
    assert (runs.finished(run, ["a"]), Decisions(database).totals(run)) == ({}, Totals())


def test_the_run_last_at_work_is_listed_first(database: Database) -> None:
    runs = Runs(database)
    first, second = runs.open("build", "f", {"k": 16}), runs.open("classify", "g", {})
    runs.finish(second, {"a": {}, "b": {}}, [])
    runs.close(second, "interrupted")
    listed = runs.list()
    assert [(run.id, run.kind, run.status, run.units, bool(run.ended)) for run in listed] == [
        (first, "build", "running", 0, False),
        (second, "classify", "interrupted", 2, True),
    ]
    assert runs.list("build") == [Run(first, "build", "f", {"k": 16}, "running", listed[1].started, "", 0)]
    assert len(listed[1].started) == len("2026-11-21T08:59:47")
    assert runs.open("classify", "g", {}) == second
    assert [(run.status, run.ended) for run in runs.list("classify")] == [("running", "")]


def test_a_clock_that_is_set_back_does_not_change_the_order(database: Database) -> None:
    runs = Runs(database)
    for fingerprint in ("one", "two", "three"):
        runs.close(runs.open("classify", fingerprint, {}), "finished")
        with database.write() as connection:
            connection.execute("UPDATE runs SET ended = ended - to_days(id::INTEGER) WHERE true")
    assert [run.fingerprint for run in runs.list()] == ["three", "two", "one"]
    runs.close(runs.open("classify", "one", {}), "finished")
    assert [run.fingerprint for run in runs.list()] == ["one", "three", "two"]


def test_wrong_ends_are_refused(database: Database) -> None:
    runs = Runs(database)
    with pytest.raises(InputError, match="invalid run status 'done'; give one of running, finished"):
        runs.close(runs.open("classify", "f", {}), "done")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="no run 99"):
        runs.close(RunId(99), "failed")


def test_decisions_come_back_whole_and_in_order(database: Database) -> None:
    decisions, run = Decisions(database), RunId(1)
    rows = [decision("a"), decision("b"), decision("a", node_id=None, choice=(), scores=())]
    decisions.append(run, rows)
    decisions.append(run, [])
    decisions.append(RunId(2), [decision("a")])
    assert decisions.for_item(run, ItemId("a")) == [rows[0], rows[2]]
    assert decisions.for_item(run, ItemId("none")) == []


def test_totals_add_up_one_run(database: Database) -> None:
    decisions, run = Decisions(database), RunId(1)
    decisions.append(
        run, [decision("a"), decision("b", usage=Usage(1, 2, 3, 0.25, 1, True), error="no answer")]
    )
    decisions.append(RunId(2), [decision("a")])
    assert decisions.totals(run) == Totals(
        requests=2,
        cached=1,
        prompt_tokens=101,
        completion_tokens=12,
        reused_tokens=73,
        errors=1,
        seconds=0.75,
    )
    assert decisions.totals(RunId(9)) == Totals()
    one = decisions.totals(run, [ItemId("a")])
    assert (one.requests, one.cached) == (1, 0)
    assert decisions.totals(run).since(one) == decisions.totals(run, [ItemId("b")])
    decisions.append(run, [decision("a", agent="domain_expert")])
    assert decisions.totals(run, agent="domain_expert") == one
    assert decisions.totals(run, [ItemId("b")], agent="domain_expert") == Totals()


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (None, "finished"),
        (ValueError, "failed"),
        (KeyboardInterrupt, "interrupted"),
        (GeneratorExit, "interrupted"),
    ],
)
def test_a_run_is_closed_by_how_its_work_ends(
    database: Database, raised: type[BaseException] | None, status: str
) -> None:
    runs = Runs(database)
    run = runs.open("build", "one", {})
    with suppress(ValueError, KeyboardInterrupt, GeneratorExit), runs.recording_status(run):
        if raised is not None:
            raise raised
    assert [each.status for each in runs.list()] == [status]
