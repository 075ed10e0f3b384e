"""`search_labels` called directly: which names are found, in which order, whatever characters are in them."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import ToolError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label
from taxonaut.tools import LabelHit, search_labels

NAMES = [
    "Running shoes",
    "Trail running shoes for women",
    "Shoes",
    "Running",
    "Horse shoes",
    "100% cotton",
    "100 cotton socks",
    "O'Reilly books",
    'The "quoted" one',
    "under_score",
    "underXscore",
    "back\\slash",
    "🧦 socks",
    "גרביים חמים",
    "Straße",
    "ИГРУШКИ",
    "semi; DROP TABLE labels; --",
]


@pytest.fixture
def named(database: Database) -> Index:
    index = Index(database)
    index.add_labels([Label(LabelId(str(at)), name) for at, name in enumerate(NAMES)])
    return index


def names(index: Index, query: str, limit: int = 10) -> list[str]:
    return [hit.name for hit in search_labels(index, query, limit)]


def test_a_hit_carries_every_path(index: Index) -> None:
    assert search_labels(index, "boots") == [
        LabelHit(LabelId("boots"), "Boots", (("Clothes", "Shoes", "Boots"), ("Sports", "Shoes", "Boots")))
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            "running shoes",
            ["Running shoes", "Trail running shoes for women", "Shoes", "Running", "Horse shoes"],
        ),
        (
            "SHOES RUNNING",
            ["Running shoes", "Trail running shoes for women", "Shoes", "Running", "Horse shoes"],
        ),
        ("100%", ["100% cotton"]),
        ("under_score", ["under_score"]),
        ("o'reilly", ["O'Reilly books"]),
        ('"quoted"', ['The "quoted" one']),
        ("back\\slash", ["back\\slash"]),
        ("🧦", ["🧦 socks"]),
        ("חמים", ["גרביים חמים"]),
        ("straße", ["Straße"]),
        ("игрушки", ["ИГРУШКИ"]),
        ("'; DROP TABLE labels; --", ["semi; DROP TABLE labels; --"]),
        ("nowhere", []),
    ],
)
def test_names_that_hold_the_words(named: Index, query: str, found: list[str]) -> None:
    assert names(named, query)[: len(found)] == found
    assert len(named.label_ids()) == len(NAMES)


def test_alternative_names_ids_and_descriptions_are_searched(database: Database) -> None:
    index = Index(database)
    index.add_labels(
        [
            Label(LabelId("q-bio.NC"), "Neurons", "Brains and behaviour"),
            Label(
                LabelId("a"),
                "heart attack",
                "of the heart muscle",
                alternatives=("MI", "myocardial infarction"),
            ),
            Label(LabelId("b"), "heart disease of a long name", alternatives=("咖啡豆",)),
            Label(LabelId("c"), "card_arrival", "mi casa"),
        ]
    )
    assert names(index, "myocardial") == ["heart attack"]
    assert names(index, "Infarctions") == ["heart attack"]
    assert names(index, "mi") == ["heart attack", "card_arrival"]
    assert names(index, "q-bio.nc")[0] == "Neurons"
    assert names(index, "brain") == ["Neurons"]
    assert names(index, "card arrivals")[0] == "card_arrival"
    assert names(index, "咖啡豆") == ["heart disease of a long name"]
    assert names(index, "heart")[0] == "heart attack"


def test_the_limit(named: Index) -> None:
    assert names(named, "shoes", 2) == ["Shoes", "Horse shoes"]


@pytest.mark.parametrize(
    ("query", "limit", "message"),
    [
        (" \t", 10, "the query is empty; give one or more words of a label"),
        ("x", 0, "limit is 0; it may be 1 to 50"),
        ("x", 51, "limit is 51; it may be 1 to 50"),
    ],
)
def test_what_a_model_must_not_ask(named: Index, query: str, limit: int, message: str) -> None:
    with pytest.raises(ToolError) as caught:
        search_labels(named, query, limit)
    assert str(caught.value) == message


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_any_text_may_be_searched(named: Index, query: str) -> None:
    if query.strip():
        assert len(names(named, query, 50)) <= len(NAMES)


def test_ten_thousand_labels_are_searched_in_a_moment(database: Database) -> None:
    index = Index(database)
    index.add_labels([Label(LabelId(str(n)), f"product number {n} of kind {n % 97}") for n in range(10_000)])
    names(index, "warm up")
    times = []
    for number in range(5):
        started = time.process_time()
        assert names(index, f"product number {4000 + number}")[
            0
        ] == f"product number {4000 + number} of kind " + str((4000 + number) % 97)
        times.append(time.process_time() - started)
    assert min(times) < 0.05
