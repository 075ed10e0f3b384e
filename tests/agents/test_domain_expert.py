"""The domain expert: its first K, when it abstains, and what it writes down."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.agents.domain_expert import AGENT, ROWS, TEMPLATE, TOOL, DomainExpert, top_columns
from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Recommendation
from taxonaut.state.records import Item

LABELS = tuple(map(LabelId, ("tea", "ham", "boots", "hats")))


class Table:
    """A classifier that reads its probabilities from the text."""

    name = "expert/3"
    labels = LABELS

    def __init__(self) -> None:
        self.calls: list[int] = []

    def probabilities(self, texts: Sequence[str]) -> Matrix:
        self.calls.append(len(texts))
        return np.array([[float(each) for each in text.split()] for text in texts], np.float32).reshape(
            len(texts), 4
        )


def recommended(text: str, candidates: int = 10, abstain: float = 0.0) -> Recommendation:
    expert = DomainExpert(Table(), candidates, abstain)
    ((found, _),) = expert.recommend_now([Item(ItemId("p1"), text)])
    return found


@pytest.mark.parametrize(
    ("text", "labels", "probabilities"),
    [
        ("0.1 0.6 0.2 0.1", ("ham", "boots", "tea"), (0.6, 0.2, 0.1)),
        ("0.25 0.25 0.25 0.25", ("tea", "ham", "boots"), (0.25, 0.25, 0.25)),
        ("0 0.9 0 0.1", ("ham", "hats"), (0.9, 0.1)),
        ("0 0 0 1", ("hats",), (1.0,)),
        ("0.123456 0.876544 0 0", ("ham", "tea"), (0.8765, 0.1235)),
    ],
)
def test_the_likeliest_are_recommended(
    text: str, labels: tuple[str, ...], probabilities: tuple[float, ...]
) -> None:
    assert recommended(text, candidates=3) == Recommendation(
        ItemId("p1"), tuple(map(LabelId, labels)), probabilities
    )


@pytest.mark.parametrize(("abstain", "confidence"), [(0.0, 0.6), (0.5, 0.6), (0.61, 0.0), (1.0, 0.0)])
def test_it_abstains_where_even_the_first_is_unlikely(abstain: float, confidence: float) -> None:
    found = recommended("0.1 0.6 0.2 0.1", abstain=abstain)
    assert found.confidence == pytest.approx(confidence)
    assert bool(found.labels) == bool(found.probabilities) == (confidence > 0)


def test_where_nothing_is_likely_it_abstains() -> None:
    assert recommended("0 0 0 0") == Recommendation(ItemId("p1"), (), ())


async def test_each_item_has_its_decision() -> None:
    items = [Item(ItemId("p1"), "0.1 0.6 0.2 0.1"), Item(ItemId("p2"), "0 0 0 0")]
    (one, first), (two, second) = await DomainExpert(Table(), 2).recommend(items)
    assert (one.item_id, two.item_id) == ("p1", "p2")
    for item, decision in zip(items, (first, second), strict=True):
        assert (decision.item_id, decision.node_id) == (item.id, None)
        assert (decision.agent, decision.template, decision.template_hash) == (AGENT, TEMPLATE, "")
        assert (decision.model, decision.tool) == ("expert/3", TOOL)
        assert decision.usage.latency_s > 0
    assert (first.options, first.choice, first.scores) == (("ham", "boots"), ("ham",), (0.6, 0.2))
    assert (second.options, second.choice, second.scores) == ((), (), ())


def test_many_items_are_classified_some_at_a_time_in_their_order() -> None:
    items = [Item(ItemId(str(number)), f"{number / 3000:.4f} 0 0 0.5") for number in range(ROWS + 10)]
    classifier = Table()
    found = DomainExpert(classifier, 2).recommend_now(items)
    assert classifier.calls == [ROWS, 10]
    assert [each.item_id for each, _ in found] == [item.id for item in items]
    assert [each.confidence for each, _ in found] == [0.5] * len(items)
    assert [float(each.probabilities[-1]) for each, _ in found[1:]] == [
        pytest.approx(number / 3000, abs=1e-4) for number in range(1, len(items))
    ]
    assert DomainExpert(classifier).recommend_now([]) == []


@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), st.integers(1, 6), st.floats(0, 1))
def test_recommendations_are_the_first_in_order(row: list[float], candidates: int, abstain: float) -> None:
    found = recommended(" ".join(map(repr, row)), candidates, abstain)
    order = sorted(range(4), key=lambda at: (-row[at], at))
    wanted = [LABELS[at] for at in order if row[at] > 0][:candidates]
    if max(row) < np.float32(abstain) or not wanted:
        wanted = []
    assert found.labels == tuple(wanted)
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)


@given(st.integers(0, 6), st.integers(0, 12), st.integers(0, 8), st.integers(1, 8), st.integers(0, 99))
def test_the_first_of_each_row_are_those_of_a_full_sort(
    rows: int, columns: int, count: int, values: int, seed: int
) -> None:
    """Few different values make many equal ones; wide tables are cut first."""
    columns *= 1 + 20 * (seed % 2)
    table = (np.random.default_rng(seed).integers(0, values, (rows, columns)) / 8).astype(np.float32)
    wanted = []
    for row in table.tolist():
        order = [at for at in sorted(range(columns), key=lambda at: (-row[at], at)) if row[at] > 0][:count]
        wanted.append((order, [row[at] for at in order]))
    assert list(top_columns(table, count)) == wanted


def test_without_categories_nothing_is_recommended() -> None:
    assert list(top_columns(np.empty((2, 0), np.float32), 10)) == [([], [])] * 2
