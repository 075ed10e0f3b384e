"""Weight and exponent of an expert among similarities, and how many labels to give."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.encoder.probabilities import Calibration, RankedItem
from taxonaut.models.expert.cut_off import CutOff, CutOffs, measure_cut_offs
from taxonaut.models.expert.fusion import FILE, Fusion, HeldOut, fit_fusion
from taxonaut.state.errors import InputError


def held_out(similar: float, sure: float, count: int = 200) -> HeldOut:
    """Products with ten candidates, of which similarity and expert know the right one so well."""
    chance = np.random.default_rng(0)
    right = np.zeros((count, 10), bool)
    right[np.arange(count), chance.integers(0, 10, count)] = True
    similarities = chance.normal(0.3, 0.1, right.shape) + similar * right
    logits = chance.normal(0, 1, right.shape) + sure * right
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return HeldOut(similarities.astype(np.float32), likely.astype(np.float32), right)


@pytest.mark.parametrize(("similar", "sure"), [(0.1, 4.0), (0.2, 1.0), (0.15, 2.0), (0.0, 3.0)])
def test_both_together_rank_at_least_as_well_as_the_expert(similar: float, sure: float) -> None:
    held = held_out(similar, sure)
    found = fit_fusion(held, [1] * len(held.right))
    assert found.metrics["both"] >= found.metrics["expert"] - (0.01 if not similar else 0), (
        "noise at any weight"
    )
    assert found.metrics["both"] >= found.metrics["similarity"] - 0.02


def test_the_better_source_counts_more() -> None:
    good, poor = (fit_fusion(held_out(0.15, sure), [1] * 200) for sure in (4.0, 0.5))
    top = 0.3
    assert good.weight * top**good.exponent > 2 * poor.weight * top**poor.exponent


def test_the_calibration_is_of_the_sums() -> None:
    held = held_out(0.15, 2.0, 600)
    found = fit_fusion(held, [1] * 600)
    scores = np.sort(held.sums(found.weight, found.exponent), axis=1)[:, ::-1].tolist()
    shown = [found.calibration.probabilities(row[:1], row)[0] for row in scores]
    assert np.mean(shown) == pytest.approx(found.metrics["both"], abs=0.05)


def test_few_products_leave_the_defaults() -> None:
    assert fit_fusion(held_out(0.2, 2.0, 10), [1] * 10) == Fusion()


def test_a_fusion_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = fit_fusion(held_out(0.2, 2.0), [1] * 200)
    made.save(tmp_path)
    assert Fusion.load(tmp_path) == made
    (tmp_path / FILE).unlink()
    assert Fusion.load(tmp_path) == Fusion()


RIGHT = [
    RankedItem([0.9, 0.5], [True, True]),
    RankedItem([0.8, 0.2], [True, False]),
    RankedItem([0.4], [False]),
]


def test_cut_offs_are_chosen_for_f1_or_precision() -> None:
    """Probabilities are the scores: 0.9 and 0.8 and 0.5 are right, 0.4 and 0.2 wrong; four labels are right."""

    class Plain(Calibration):
        def probabilities(self, scores: Sequence[float], ranked: Sequence[float]) -> list[float]:
            return list(scores)

    found = measure_cut_offs(RIGHT, [2, 1, 1], Plain())
    assert (found.items, found.right) == (3, 4)
    assert 0.4 < found.best() <= 0.5
    assert found.f1[49] == pytest.approx(6 / 7, abs=1e-4)
    assert found.precise(1.0) == pytest.approx(0.41)
    assert found.precise(0.6) == 0.01
    assert CutOffs.of({name: getattr(found, name) for name in CutOffs.__slots__}) == found


def test_no_cut_off_reaches_a_precision_where_nothing_is_right() -> None:
    assert measure_cut_offs([RankedItem([0.5], [False])], [1], Calibration()).precise(0.5) is None


@pytest.mark.parametrize(
    "given", ["", "f2", "f1=3", "precision", "precision=2", "labels=0", "labels=x", "labels=1.5"]
)
def test_an_unknown_wish_is_refused(given: str) -> None:
    with pytest.raises(InputError, match=r"give 'f1', 'precision=0.9' or 'labels=5'"):
        CutOff.parse(given)


def test_wishes_are_read() -> None:
    assert CutOff.parse(" F1 ") == CutOff("f1")
    assert CutOff.parse("precision = 0.9") == CutOff("precision", 0.9)
    assert CutOff.parse("labels=5") == CutOff("labels", 5)
