"""What an audit computes, against counting by hand, and which thresholds it proposes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.evaluation.audits.audit_table import AuditTable, shortest_number_between
from taxonaut.evaluation.audits.proposal import propose
from taxonaut.models.llm.prices import Prices
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.categorize import JudgedItem
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Recommendation, Verdict
from taxonaut.state.records import Item
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.expert.audit_file import Audited

A, B, C = LabelId("a"), LabelId("b"), LabelId("c")


def row(
    confidence: float,
    gold: LabelId | None = A,
    general: LabelId | None = A,
    *,
    domain: LabelId = A,
    verdict: Verdict | None = None,
    tokens: tuple[int, int] = (0, 0),
) -> Audited:
    """One item: the domain expert says `domain`, the general expert `general`, or nothing with another verdict."""
    item = Item(ItemId("i"), "text")
    said = JudgedItem(
        item.id, (general,) if general else (), verdict or ("general" if general else "none"), "", "", *tokens
    )
    recommended = Recommendation(item.id, (domain, B if domain == A else A), (confidence, 0.0))
    return Audited(item, (gold,) if gold else (), recommended, said)


def abstained(gold: LabelId = A) -> Audited:
    return Audited(Item(ItemId("i"), "text"), (gold,), Recommendation(ItemId("i"), (), ()), None)


def helpful(count: int = 100) -> list[Audited]:
    """The domain expert is right above 0.4 only, the general expert below 0.6 only."""
    return [
        row(each / count, domain=A if each >= 0.4 * count else C, general=A if each < 0.6 * count else C)
        for each in range(1, count + 1)
    ]


def test_a_table_by_hand() -> None:
    rows = [
        row(0.2, domain=B, general=A, tokens=(100, 10)),
        row(0.3, domain=B, general=None, tokens=(100, 10)),
        row(0.3, domain=A, general=A, tokens=(100, 10)),
        row(0.8, domain=A, general=B, tokens=(200, 0)),
        abstained(),
    ]
    table = AuditTable(rows, Prices(10, 100))
    assert table.measure == "accuracy"
    assert table.thresholds == [0.0, 0.3, 0.4, 0.9]
    assert table.accuracies.tolist() == [0.4, 0.6, 0.6, 0.4]
    assert table.shares.tolist() == [0.0, 0.2, 0.6, 0.8]
    assert table.ceiling is not None
    assert table.ceiling.value == 0.8
    cuts = table.cuts([0.0, 0.4, None])
    assert [(cut.threshold, cut.share, cut.sent, cut.unanswered) for cut in cuts] == [
        (0.0, 0.0, 0, 0),
        (0.4, 0.6, 3, 1),
        (None, 0.8, 4, 1),
    ]
    assert [round(cut.value.value, 6) for cut in cuts if cut.value] == [0.4, 0.6, 0.4]
    assert [round(cut.gain.value, 6) for cut in cuts if cut.gain] == [0.0, 0.2, 0.0]
    assert [(cut.requests, cut.tokens, cut.cost) for cut in cuts] == [
        (0, 0, 0),
        (pytest.approx(600), pytest.approx(66_000), pytest.approx(1.2)),
        (pytest.approx(800), pytest.approx(106_000), pytest.approx(1.6)),
    ]


confidences = st.integers(1, 10_000).map(lambda each: each / 10_000)
rows_of = st.lists(
    st.tuples(confidences, st.sampled_from([A, B]), st.sampled_from([A, B, None])), min_size=1, max_size=40
)


@given(rows_of)
def test_the_curve_is_what_counting_gives(found: list[tuple[float, LabelId, LabelId | None]]) -> None:
    rows = [row(confidence, domain=domain, general=general) for confidence, domain, general in found]
    table = AuditTable(rows)
    counted = [
        np.mean(
            [(general if confidence < threshold else domain) == A for confidence, domain, general in found]
        )
        for threshold in table.thresholds
    ]
    assert table.accuracies.tolist() == pytest.approx(counted)
    shares = [np.mean([each[0] < threshold for each in found]) for threshold in table.thresholds]
    assert table.shares.tolist() == pytest.approx(shares)
    assert table.thresholds == sorted(set(table.thresholds))
    levels = {each[0] for each in found}
    assert len(table.thresholds) == len(levels) + (max(levels) < 1)


@given(st.tuples(confidences, confidences).filter(lambda pair: pair[0] < pair[1]))
def test_a_neat_number_lies_between(pair: tuple[float, float]) -> None:
    low, high = pair
    found = shortest_number_between(low, high)
    assert low < found <= high
    assert found == round(found, 4)


def test_neat_numbers() -> None:
    assert [
        shortest_number_between(0.6132, 0.6201),
        shortest_number_between(0.61, 0.62),
        shortest_number_between(0.6132, 0.9),
        shortest_number_between(0.6132, 0.6133),
        shortest_number_between(0.95, 1),
    ] == [
        0.62,
        0.62,
        0.7,
        0.6133,
        1.0,
    ]


def test_the_smallest_share_that_is_as_good_as_the_best() -> None:
    found = propose(AuditTable(helpful()))
    assert found is not None
    assert (found.rule, found.wanted, found.reached, found.helps) == ("best", None, True, True)
    assert 0.3 <= found.threshold <= 0.4
    assert found.least == found.threshold
    assert found.accuracy is not None
    assert found.accuracy.value >= 0.94
    assert found.share.low < found.share.value < found.share.high


def test_the_smallest_share_that_reaches_an_accuracy() -> None:
    table = AuditTable(helpful())
    found = propose(table, accuracy=0.8)
    assert found is not None
    assert (found.threshold, found.share.value) == (0.2, pytest.approx(0.19))
    assert found.accuracy == table.cuts([0.2])[0].value
    assert found.accuracy.value == pytest.approx(0.8)
    below = propose(table, accuracy=0.1)
    assert below is not None
    assert (below.threshold, below.share) == (0.0, Interval(0.0, 0.0, 0.0))


def test_an_accuracy_that_nothing_reaches() -> None:
    rows = [*helpful(), *(row(1.0, general=C, domain=C) for _ in range(100))]
    table = AuditTable(rows)
    found, best = propose(table, accuracy=0.9), propose(table)
    assert found is not None
    assert best is not None
    assert (found.reached, found.threshold) == (False, best.threshold)


def test_a_share_and_a_budget() -> None:
    rows = [row(each / 100, tokens=(1000, 100)) for each in range(1, 101)]
    by_share = propose(AuditTable(rows), share=0.25)
    by_requests = propose(AuditTable(rows), budget=250)
    by_money = propose(AuditTable(rows, Prices(1, 10)), budget=0.5)
    for found, rule in ((by_share, "share"), (by_requests, "budget"), (by_money, "budget")):
        assert found is not None
        assert (found.rule, found.threshold, found.share.value) == (rule, 0.26, 0.25)
    nothing = propose(AuditTable(rows), budget=0)
    assert nothing is not None
    assert nothing.threshold == 0.0


def test_a_general_expert_that_never_helps() -> None:
    rows = [row(each / 100, general=C if each % 2 else A) for each in range(1, 101)]
    found = propose(AuditTable(rows))
    assert found is not None
    assert (found.threshold, found.helps, found.gain) == (0.0, False, Interval(0.0, 0.0, 0.0))


def test_a_gain_that_chance_explains_is_none() -> None:
    rows = [row(each / 100, domain=C if each == 1 else A, general=A) for each in range(1, 101)]
    found = propose(AuditTable(rows))
    assert found is not None
    assert (found.threshold, found.helps) == (0.0, False)


def test_without_gold_labels_agreement_is_all_there_is() -> None:
    rows = [row(each / 10, gold=None, general=A if each > 5 else B) for each in range(1, 11)]
    table = AuditTable(rows)
    assert (table.measure, table.ceiling) == ("agreement", None)
    cuts = table.cuts([0.0, 0.6, None])
    assert [cut.value.value if cut.value else None for cut in cuts] == [0.5, 1.0, None]
    assert [cut.gain for cut in cuts] == [None] * 3
    assert propose(table) is None
    by_share = propose(table, share=0.5)
    assert by_share is not None
    assert (by_share.threshold, by_share.accuracy, by_share.helps) == (0.6, None, None)
    with pytest.raises(
        InputError, match=r"cannot target an accuracy of 0\.9: these items have no gold labels"
    ):
        propose(table, accuracy=0.9)


def test_two_wishes_are_refused() -> None:
    with pytest.raises(InputError, match="give only one of --accuracy, --share and --budget"):
        propose(AuditTable(helpful()), share=0.2, accuracy=0.9)


def test_the_shares_of_a_table_and_the_points_of_a_curve() -> None:
    table = AuditTable(helpful(1000))
    assert [round(cut.share, 3) for cut in table.table()] == [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0]
    assert [cut.threshold for cut in table.table(0.123)][3] == 0.123
    curve = table.curve()
    assert (curve[0].share, curve[-1].share) == (0.0, 1.0)
    assert 90 <= len(curve) <= 103
    one = AuditTable([row(1.0)])
    assert [(cut.threshold, cut.share) for cut in one.table()] == [(0.0, 0.0), (None, 1.0)]
