"""Vectors come back as they were put, whichever were asked for in whichever order."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import InputError, VectorsChangedError
from taxonaut.state.stores.embeddings import Embeddings


def vectors(count: int, dimension: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)


def test_rows_come_in_the_order_of_the_texts(database: Database) -> None:
    embeddings, matrix = Embeddings(database), vectors(3)
    embeddings.put("m", ["a", "b", "ünï \0 🍏"], matrix)
    rows, found = embeddings.get("m", ["b", "none", "ünï \0 🍏", "b"])
    assert found.tolist() == [True, False, True, True]
    assert np.array_equal(rows, np.stack([matrix[1], np.zeros(3), matrix[2], matrix[1]]).astype(np.float32))
    assert rows.dtype == np.float32


def test_an_unknown_model_has_no_dimension(database: Database) -> None:
    rows, found = Embeddings(database).get("m", ["a", "b"])
    assert (rows.shape, found.tolist()) == ((2, 0), [False, False])


def test_models_of_one_dimension_are_kept_apart(database: Database) -> None:
    embeddings, one, two, wide = Embeddings(database), vectors(1), vectors(1, seed=1), vectors(1, 5)
    embeddings.put("one", ["a"], one)
    embeddings.put("two", ["a"], two)
    embeddings.put("wide", ["a"], wide)
    assert embeddings.models() == {"one": 3, "two": 3, "wide": 5}
    got = [embeddings.get(model, ["a"])[0] for model in ("one", "two", "wide")]
    assert all(np.array_equal(here, there) for here, there in zip(got, [one, two, wide], strict=True))


def test_a_known_text_keeps_its_vector(database: Database) -> None:
    embeddings, first = Embeddings(database), vectors(2)
    embeddings.put("m", ["a", "a"], first)
    embeddings.put("m", ["a", "b"], vectors(2, seed=1))
    rows, _ = embeddings.get("m", ["a", "b"])
    assert np.array_equal(rows[0], first[1])
    assert np.array_equal(rows[1], vectors(2, seed=1)[1])
    assert database.rows("SELECT count(*) FROM embeddings_3") == [(2,)]


def test_shapes_that_do_not_fit_are_refused(database: Database) -> None:
    embeddings = Embeddings(database)
    embeddings.put("m", ["a"], vectors(1))
    embeddings.put("m", [], vectors(0))
    with pytest.raises(InputError, match=r"2 texts came with a matrix of \(1, 3\)"):
        embeddings.put("m", ["a", "b"], vectors(1))
    with pytest.raises(
        VectorsChangedError, match=r"'m' gives vectors of 4 numbers, and those stored .* have 3"
    ):
        embeddings.put("m", ["b"], vectors(1, 4))


def test_more_than_one_portion(database: Database) -> None:
    embeddings, matrix = Embeddings(database), vectors(5000, 8)
    texts = [f"text {number}" for number in range(5000)]
    embeddings.put("m", texts, matrix)
    rows, found = embeddings.get("m", texts[::-1])
    assert found.all()
    assert np.array_equal(rows, matrix[::-1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(put=st.lists(st.text(max_size=6), max_size=8), asked=st.lists(st.text(max_size=6), max_size=8))
def test_what_was_put_is_found_and_nothing_else(put: list[str], asked: list[str]) -> None:
    with Database.in_memory() as database:
        embeddings = Embeddings(database)
        known = {text: number for number, text in enumerate(put)}
        matrix = np.repeat(np.arange(len(put), dtype=np.float32)[:, None], 2, axis=1)
        embeddings.put("m", put, matrix)
        rows, found = embeddings.get("m", asked + put)
        assert found.tolist() == [text in known for text in asked + put]
        if put:
            assert rows[:, 0].tolist() == [float(known.get(text, 0)) for text in asked + put]
