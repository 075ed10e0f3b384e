"""Which products an expert is weighed on and which it is made of: all in their turn, or as a split says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.models.expert.features import Features
from taxonaut.models.expert.fitting import (
    FOLDS,
    Fitting,
    FittingInput,
    Products,
    Split,
    fit,
    split_into_folds,
)
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import listening

pytestmark = pytest.mark.slow

PATHS = (("food", "tea"), ("food", "ham"), ("sport", "boots"))


@given(st.lists(st.integers(0, 20).map(str), min_size=2).filter(lambda texts: len(set(texts)) > 1))
def test_every_product_is_held_out_once_and_equal_texts_together(texts: list[str]) -> None:
    split = split_into_folds([f" {text}\n" if place % 2 else text for place, text in enumerate(texts)], 0)
    assert len(split.folds) == min(FOLDS, len(set(texts)))
    assert sorted(np.concatenate(split.folds).tolist()) == split.whole.tolist() == list(range(len(texts)))
    of_fold = [{texts[place] for place in fold} for fold in split.folds]
    assert all(of_fold)
    assert sum(map(len, of_fold)) == len(set(texts))


def products(texts: list[str], columns: list[int]) -> Products:
    from scipy.sparse import csr_matrix

    vectors = np.stack([np.random.default_rng(len(text)).normal(size=8) for text in texts]).astype(np.float32)
    targets: Any = csr_matrix(np.eye(len(PATHS), dtype=np.float32)[columns])
    return Products(texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), targets)


def material(texts: list[str], columns: list[int]) -> FittingInput:
    names, path_texts = [path[-1] for path in PATHS], [" > ".join(path) for path in PATHS]
    none = products(["-"], [0])
    empty = Products([], none.vectors[:0], none.targets[:0])
    vectors = products(path_texts, [0, 1, 2]).vectors
    sources = np.zeros(0, np.int64)
    labels = tuple(map(LabelId, names))
    return FittingInput(
        labels, products(texts, columns), empty, sources, PATHS, path_texts, vectors, names, vectors
    )


def fitted(texts: list[str], columns: list[int], split: Split | None) -> Fitting:
    return fit(material(texts, columns), None, split=split)


TEXTS = [f"{word} {number}" for number in range(6) for word in ("green tea", "cooked ham", "hiking boots")]
COLUMNS = [0, 1, 2] * 6
TRAIN, DEV = np.arange(12), np.arange(12, 18)


def scores(found: Fitting, text: str) -> Any:
    vectors = products([text], [0]).vectors
    return found.head.part.scores(Features(found.head.lexicon.rows([text]), vectors))


def test_what_is_held_out_alone_says_how_much_parts_count() -> None:
    found = fitted(TEXTS, COLUMNS, Split([DEV], TRAIN))
    assert found.metrics["accuracy"] == 1.0
    assert scores(found, "black tea").argmax() == 0

    half_wrong = [*COLUMNS[:12], 0, 1, 2, 1, 2, 0]
    unsure = fitted(TEXTS, half_wrong, Split([DEV], TRAIN))
    assert unsure.metrics["accuracy"] == 0.5
    assert unsure.head.weights != found.head.weights


def test_what_is_not_of_the_whole_leaves_no_word_behind() -> None:
    more = ["matcha 1", *TEXTS[13:]]
    found = fitted([*TEXTS[:12], *more], COLUMNS, Split([DEV], TRAIN))
    every = fitted([*TEXTS[:12], *more], COLUMNS, Split([DEV], np.arange(18)))
    assert len(found.head.lexicon) < len(every.head.lexicon)
    assert found.head.ancestors.words.shape[1] == len(found.head.lexicon)


def test_by_default_all_are_held_out_in_turn() -> None:
    told: list[Any] = []
    given = material(TEXTS, COLUMNS)
    with listening(told.append):
        found = fit(given, None)
    assert {update.stage for update in told} == {"fitting"}
    assert sum(map(len, split_into_folds(TEXTS, 0).folds)) == len(TEXTS)
    assert found.metrics["accuracy"] == 1.0
