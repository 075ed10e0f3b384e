"""The ledger: what each source says last, whose word holds, and who contradicts whom."""

import math

import pytest

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId, RunId
from taxonaut.state.stores.ledger import Ledger, Mark, Source, Statement

ONE = ItemId("1")


def say(
    right: str = "",
    wrong: str = "",
    *,
    source: Source = "gold file",
    person: str = "",
    complete: bool = False,
    unit: str = "u1",
    withdrawn: str = "",
    disputed: str = "",
    forget: bool = False,
    weight: float = 1.0,
) -> Statement:
    """A statement about labels of one letter each."""
    return Statement(
        ONE,
        unit,
        right=[LabelId(label) for label in right],
        wrong=[LabelId(label) for label in wrong],
        disputed=[LabelId(label) for label in disputed],
        withdrawn=[LabelId(label) for label in withdrawn],
        complete=complete,
        source=source,
        person=person,
        weight=weight,
        forget=forget,
    )


def by(person: str, right: str = "", wrong: str = "", **more: object) -> Statement:
    return say(right, wrong, source="review", person=person, **more)  # type: ignore[arg-type]


def held(ledger: Ledger, unit: str = "u1") -> tuple[str, str, str] | None:
    """The right, the wrong and the contradicted labels."""
    truth = ledger.truths().get(unit)
    if truth is None:
        return None
    return "".join(truth.right), "".join(truth.wrong), "".join(each.label for each in truth.conflicts)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([say("bab", complete=True)], ("ba", "", "")),
        ([say("ab", complete=True), say("c", complete=True)], ("c", "", "")),
        ([say("a", complete=True), by("ann", "b")], ("ab", "", "")),
        ([say("a", complete=True), by("ann", "b", "a")], ("b", "a", "")),
        ([by("ann", "b", "a"), say("a", complete=True)], ("b", "a", "")),
        ([say("a", complete=True), by("ann", "b", complete=True)], ("b", "a", "")),
        ([say("c", source="expert", person="7"), say("a", complete=True)], ("a", "c", "")),
        ([say("c", source="expert", person="7"), by("ann", "", "a")], ("c", "a", "")),
        ([by("ann", "a"), by("ann", "", "a")], ("", "a", "")),
        ([by("ann", "a"), by("ann", "", "a"), by("ann", "a")], ("a", "", "")),
        ([by("ann", "a"), say("", "a", source="chat", person="ann")], ("", "a", "")),
        ([by("ann", "ab"), by("bob", "b", "a")], ("b", "", "a")),
        ([by("ann", "a", complete=True), by("bob", "b", complete=True)], ("", "", "ab")),
        ([by("ann", "a"), by("bob", "", "a"), by("ann", "", "a")], ("", "a", "")),
        ([by("ann", "a"), by("bob", "", "a"), by("bob", withdrawn="a")], ("a", "", "")),
        ([say("a", complete=True), by("ann", "", "a"), by("ann", forget=True)], ("a", "", "")),
        ([by("ann", complete=True), by("ann", forget=True), by("ann", "b")], ("b", "", "")),
        ([say("a", complete=True), by("ann", complete=True)], ("", "a", "")),
        ([say("a", disputed="bc", complete=True)], ("a", "", "bc")),
        ([say("a", disputed="bc", complete=True), by("ann", "b")], ("ab", "", "c")),
        ([by("ann", "a"), by("ann", withdrawn="a")], None),
        ([say()], None),
    ],
)
def test_whose_word_holds(
    ledger: Ledger, statements: list[Statement], expected: tuple[str, str, str] | None
) -> None:
    ledger.state(statements)
    assert held(ledger) == expected


def test_one_call_or_many_come_to_the_same(database: Database) -> None:
    statements = [say("a", complete=True), by("ann", "b", "a"), by("bob", "", "b"), by("ann", forget=True)]
    together, apart = Ledger(database), Ledger(Database.in_memory())
    together.state(statements)
    for each in statements:
        apart.state([each])
    assert [(each.label, each.verdict) for each in together.history(ONE)] == [
        ("a", "right"),
        ("b", "right"),
        ("a", "wrong"),
        ("b", "wrong"),
        ("", "withdrawn"),
    ]
    assert held(together) == held(apart) == ("a", "b", "")


def test_what_a_source_repeats_is_not_stored_again(ledger: Ledger) -> None:
    assert ledger.state([say("ab", complete=True)] * 10_000) == 1
    assert ledger.state([say("ba", complete=True), by("ann", "a"), by(" ann ", "a")]) == 1
    assert ledger.state([by("ann", "a", weight=2)]) == 1
    assert ledger.state([by("ann"), by("bob", withdrawn="a"), by("bob", forget=True)]) == 0
    assert (len(ledger.history(ONE)), len(ledger)) == (4, 1)
    assert ledger.truths()["u1"].labels[LabelId("a")].weight == 2


def test_a_gold_file_that_was_evaluated_and_then_given_to_learn_from(ledger: Ledger) -> None:
    def only_evaluated() -> bool:
        return ledger.truths()["u1"].only_evaluated

    ledger.state([say("a", complete=True)])
    assert only_evaluated()
    assert ledger.state([say("a", complete=True, person="train.csv")] * 2) == 1
    assert not only_evaluated()
    assert ledger.state([say("a", complete=True)]) == 0
    assert ledger.state([say("b", complete=True)]) == 1
    assert only_evaluated()
    ledger.state([by("ann", "a")])
    assert not only_evaluated()


def test_another_text_under_the_same_id_has_truths_of_its_own(ledger: Ledger) -> None:
    ledger.state([say("a", complete=True), say("b", complete=True, unit="u2")])
    assert (held(ledger), held(ledger, "u2"), len(ledger)) == (("a", "", ""), ("b", "", ""), 2)
    assert list(ledger.truths(["u2", "u3"])) == ["u2"]
    assert ledger.truths([]) == {}


def test_labels_are_those_of_today(database: Database) -> None:
    today = {"a": "z", "b": "z", "c": "c"}
    ledger = Ledger(database, lambda labels: {each: LabelId(today[each]) for each in labels if each in today})
    ledger.state([say("ac", complete=True), by("ann", "", "b")])
    assert (held(ledger), ledger.truths()["u1"].complete) == (("c", "z", ""), True)
    ledger.state([say("ad", complete=True)])
    truth = ledger.truths()["u1"]
    assert (held(ledger), truth.complete) == (
        ("", "z", ""),
        False,
    )  # d is gone: what replaced it may be right
    assert (truth.is_right(LabelId("z")), truth.is_right(LabelId("c"))) == (False, None)
    assert Ledger(database).count([LabelId("a"), LabelId("c")]) == 1


def test_what_is_not_said_is_wrong_only_where_the_list_is_complete(ledger: Ledger) -> None:
    ledger.state([by("ann", "a"), by("bob", "", "a"), say("b", complete=True, unit="u2")])
    partial, complete = ledger.truths().values()
    assert [partial.is_right(LabelId(label)) for label in "ab"] == [None, None]
    assert [complete.is_right(LabelId(label)) for label in "ab"] == [False, True]
    (conflict,) = partial.conflicts
    assert [(each.person, each.verdict) for each in conflict.statements] == [
        ("ann", "right"),
        ("bob", "wrong"),
    ]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (by(" ", "a"), "a correction of item '1' was given by nobody: person=' '"),
        (by("ann", "a", weight=0), "item '1' has the weight 0;"),
        (by("ann", "a", weight=math.nan), "item '1' has the weight nan;"),
        (by("ann", "a", "a"), "label 'a' of item '1' is said to be right and wrong;"),
    ],
)
def test_what_cannot_be_stored(ledger: Ledger, statement: Statement, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ledger.state([say("b"), statement])
    assert str(caught.value).startswith(message)
    assert len(ledger) == 0


def test_marks_of_a_walk_replace_those_of_the_same_walk(ledger: Ledger) -> None:
    def mark(
        run: int, kind: str, label: str | None = None, node: int | None = None, unit: str = "u1"
    ) -> Mark:
        return Mark(
            ONE, unit, label and LabelId(label), node and NodeId(node), kind,  # type: ignore[arg-type]
            1 if label else None, None if label else True, RunId(run), EventId(4), "m",
        )  # fmt: skip

    first = [mark(1, "hit", "a"), mark(1, "hit", node=7)]
    ledger.mark(RunId(1), ["u1"], first)
    ledger.mark(RunId(1), ["u1"], first)
    ledger.mark(RunId(1), ["u2"], [mark(1, "miss", "b", unit="u2")])
    ledger.mark(RunId(2), ["u1"], [mark(2, "error", "a")])
    assert ledger.marks(RunId(1), ["u1"]) == first
    assert len(ledger.marks()) == 4
    ledger.mark(RunId(1), ["u1", "u3"], [mark(1, "error", "a")])
    assert ledger.marks(RunId(1)) == [mark(1, "miss", "b", unit="u2"), mark(1, "error", "a")]
    assert ledger.marks(units=["u1"]) == [mark(2, "error", "a"), mark(1, "error", "a")]
