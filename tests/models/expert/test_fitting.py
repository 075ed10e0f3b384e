"""A whole expert for a small shop: how good it is, that it is the same each time, and its measures."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_shop import DEV, LABELS, TRAIN, embed, made, material

from taxonaut.models.expert import fitting as expert_fitting
from taxonaut.models.expert.calibration import expected_calibration_error
from taxonaut.models.expert.fitting import Fitting, featurize, held_out_metrics, text_hash
from taxonaut.models.expert.trained_expert import TrainedExpert
from taxonaut.state.updates import Progress, Update, listening

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fitting() -> Fitting:
    return made()


def chosen(fitting: Fitting, *texts: str) -> list[str]:
    found = TrainedExpert("expert/1", fitting.head, embed).probabilities(texts)
    return [LABELS[place] for place in found.argmax(axis=1)]


def test_an_expert_knows_its_shop(fitting: Fitting) -> None:
    wanted = [LABELS[column] for _, column in DEV]
    assert chosen(fitting, *(text for text, _ in DEV)) == wanted
    assert fitting.head.labels == LABELS
    assert {name: fitting.metrics[name] for name in ("accuracy", "macro_f1")} == {
        "accuracy": 1.0,
        "macro_f1": 1.0,
    }
    assert sorted(fitting.metrics) == [
        "accuracy",
        "before_scaling",
        "calibration_error",
        "macro_f1",
    ]


def test_a_head_trained_by_gradient_knows_its_shop_too() -> None:
    pytest.importorskip("torch")
    fitting = made(gradient=True)
    assert fitting.metrics["accuracy"] == 1.0
    assert 1 <= fitting.metrics["epochs"] <= 4
    assert chosen(fitting, "Folding umbrellas") == ["umbrellas"]


def test_a_category_without_products_is_found_by_its_name(fitting: Fitting) -> None:
    assert chosen(fitting, "Folding umbrellas", "Clothing > Umbrellas") == ["umbrellas"] * 2


def test_the_same_material_makes_the_same_expert(fitting: Fitting) -> None:
    again = made()
    assert again.metrics == fitting.metrics
    assert again.head.weights == fitting.head.weights
    assert again.head.tempering == fitting.head.tempering
    for name in ("words", "vectors", "bias"):
        assert np.array_equal(getattr(again.head.part, name), getattr(fitting.head.part, name))
    assert made(seed=1).head.weights != fitting.head.weights


def test_without_dev_measures_are_of_products_held_out() -> None:
    heard: list[Update] = []
    with listening(heard.append):
        fitting = made(dev=False)
    told = [(update.stage, update.done, update.total) for update in heard if isinstance(update, Progress)]
    assert told == [("fitting", done, 36) for done in (0, 6, 11, 16, 21, 22, 24, 25, 26, 36)]
    assert fitting.metrics["accuracy"] > 0.9


@pytest.mark.parametrize("how", [{"lexical": False}, {"augment": 0.0}, {"lexical": False, "augment": 0.0}])
@pytest.mark.parametrize("gradient", [False, True])
def test_what_can_be_left_out(how: dict[str, Any], gradient: bool) -> None:
    if gradient:
        pytest.importorskip("torch")
    fitting = made(**how, gradient=gradient)
    assert fitting.metrics["accuracy"] > 0.8
    assert (len(fitting.head.lexicon) == 0) == (how.get("lexical") is False)


@pytest.mark.parametrize("rows", [TRAIN[:2], [TRAIN[0], TRAIN[20]], TRAIN[:3] + TRAIN[9:12]])
def test_few_products(rows: list[tuple[str, int]]) -> None:
    fitting = made(rows, dev=False)
    assert all(np.isfinite(list(fitting.head.weights.values())))
    assert chosen(fitting, rows[0][0]) == ["tea"]


def test_many_categories_keep_to_their_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expert_fitting, "MOST_CELLS", 200 * len(LABELS))
    monkeypatch.setattr(expert_fitting, "AT_ONCE", 3)
    fitting = made()
    assert len(fitting.head.lexicon) == 200
    assert fitting.metrics["accuracy"] > 0.8


def test_scored_a_few_at_a_time_is_scored_the_same(monkeypatch: pytest.MonkeyPatch, fitting: Fitting) -> None:
    monkeypatch.setattr(expert_fitting, "AT_ONCE", 2)
    again = made()
    assert again.head.weights == pytest.approx(fitting.head.weights, rel=2e-2, abs=2e-3)


@settings(max_examples=50)
@given(st.integers(2, 8), st.integers(1, 30), st.integers(0, 99))
def test_measures_are_those_of_scikit_learn(classes: int, rows: int, seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.ones(classes), rows).astype(np.float32)
    truth = chance.integers(classes, size=rows)
    best = probabilities.argmax(axis=1)
    found = held_out_metrics(probabilities, np.eye(classes, dtype=np.float32)[truth])
    assert found == {
        "accuracy": pytest.approx(accuracy_score(truth, best), abs=1e-4),
        "macro_f1": pytest.approx(f1_score(truth, best, average="macro", zero_division=0), abs=1e-4),
        "calibration_error": pytest.approx(
            expected_calibration_error(probabilities.max(axis=1), best == truth), abs=1e-4
        ),
    }


def test_any_of_several_categories_is_right() -> None:
    right = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0]], np.float32)
    found = held_out_metrics(np.array([[0.1, 0.9, 0], [0, 0, 1]], np.float32), right)
    assert (found["accuracy"], found["macro_f1"]) == (0.5, 0.3333)


def test_later_categories_are_scored_by_what_others_have_above_them(fitting: Fitting) -> None:
    """Ancestors hold what the parts from above are made of."""
    source, head = material(), fitting.head
    everything = np.arange(len(source.products.texts))
    known = featurize(source, head.lexicon)
    found, above = known.parts(everything).found, known.categories.above
    assert head.ancestors.paths == (("Food",), ("Clothing",), ("Clothing", "Shoes"), ("Books",))
    words = np.asarray((above @ head.ancestors.words).toarray()).T
    wanted = sum(found[f"above {kind}"].words.toarray() for kind in head.lexicon.blocks)
    assert words == pytest.approx(wanted, abs=1e-6)
    assert pytest.approx(found["above vectors"].vectors, abs=1e-6) == (above @ head.ancestors.vectors).T


def test_texts_are_hashed_the_same_in_every_process() -> None:
    assert text_hash("tea") == text_hash(" tea\n") == 13431290729846850704
    assert text_hash("\ud800") != text_hash("tea")
