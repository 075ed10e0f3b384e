"""The words of labels in memory find what a scan of the table finds, in the same order, after any changes."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import TaxonautError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label

TEXTS = (
    "red",
    "Red Apples",
    "apples red",
    "shoe",
    "Running  shoes",
    "ÄPFEL rot",
    "林檎",
    "a\x00b",
    '"x" [y]',
    "snowshoe",
)
QUERIES = ("red", "red apples", "running shoes", "a", "林檎", "äpfel", "A1.2", '"x"')
LABELS = [
    Label(LabelId("red"), "Red apples", "sweet and red", alternatives=("Apples", "ÄPFEL")),
    Label(LabelId("shoes 1"), "Running shoes", "for the road", notation="A1.2"),
    Label(LabelId("shoes/2"), "Snowshoes", alternatives=("Running shoes", "shoe")),
    Label(LabelId("é"), "Red", notation="red"),
    Label(LabelId("x"), "林檎 red", 'says "x"'),
]


@pytest.fixture
def index() -> Iterator[Index]:
    with Database.in_memory() as database:
        made = Index(database)
        made.add_labels(LABELS)
        yield made


def ids(labels: list[Label]) -> list[str]:
    return [label.id for label in labels]


def assert_equal(kept: Index, scanned: Index) -> None:
    for query in QUERIES:
        for limit in (1, 10):
            assert ids(kept.search(query, limit)) == ids(scanned.search(query, limit)), query


def test_a_name_an_id_and_a_code_like_the_query_come_first(index: Index) -> None:
    index.keep_words()
    assert ids(index.search("a1.2", 1)) == ["shoes 1"], "its code"
    assert ids(index.search("running shoes", 2)) == ["shoes 1", "shoes/2"]
    assert ids(index.search("runn")) == ["shoes 1", "shoes/2"], "the beginning of a word"
    assert ids(index.search("red", 1)) == ["é"]
    assert index.search("nothing of this") == []
    assert index.search("red", 0) == []


def test_an_index_without_labels(index: Index) -> None:
    with Database.in_memory() as database:
        empty = Index(database)
        empty.keep_words()
        assert empty.search("red") == []
        empty.add_labels(LABELS)
        assert_equal(empty, index)


CHANGES: dict[str, Callable[[Index, LabelId, str], object]] = {
    "add": lambda index, _, text: index.add_labels(
        [Label(LabelId(f"new {index.version()}"), text, text, alternatives=(text,))]
    ),
    "rename": lambda index, label, text: index.rename_labels({label: text}),
    "describe": lambda index, label, text: index.describe_labels({label: text}),
    "alternatives": lambda index, label, text: index.set_alternatives({label: (text,)}),
    "undo": lambda index, _, text: index.undo(),
}


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 4), st.sampled_from(TEXTS), st.booleans()),
        max_size=6,
    )
)
def test_what_is_kept_is_kept_up(steps: list[tuple[str, int, str, bool]]) -> None:
    with Database.in_memory() as database:
        kept, scanned = Index(database), Index(database)
        kept.add_labels(LABELS)
        kept.keep_words()
        for change, place, text, by_another in steps:
            try:
                CHANGES[change](scanned if by_another else kept, LABELS[place].id, text)
            except TaxonautError:
                continue
            assert_equal(kept, scanned)


def test_a_change_that_is_rolled_back_is_forgotten() -> None:
    with Database.in_memory() as database:
        index, seen = Index(database), list[str]()
        index.add_labels(LABELS)
        index.keep_words()

        def change() -> None:
            with database.write():
                index.rename_labels({LabelId("x"): "unheard"})
                seen.extend(ids(index.search("unheard")))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            change()
        assert seen == ["x"]
        assert index.search("unheard") == []
        assert ids(index.search("林檎")) == ["x"]
