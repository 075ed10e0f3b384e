"""Out-of-fold probabilities of training products: the likeliest categories and the given ones, in a small file."""

from pathlib import Path

import numpy as np
import pytest
from small_shop import LABELS, TRAIN, made

from taxonaut.models.expert import fitting as expert_fitting
from taxonaut.models.expert import out_of_fold
from taxonaut.models.expert.calibration import TemperatureScaling
from taxonaut.models.expert.out_of_fold import OutOfFold, collect_out_of_fold, take_scores
from taxonaut.state.ids import LabelId


def test_likeliest_and_given_categories_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(out_of_fold, "KEPT", 2)
    logits = np.array([[3, 2, 1, 0], [0, 1, 2, 4]], np.float32)
    targets = np.array([[0, 0, 0, 1], [0, 0, 0, 1]], np.float32)
    scores = take_scores(np.array([2, 0]), logits, targets)
    labels = tuple(map(LabelId, "abcd"))
    found = collect_out_of_fold(labels, 3, [scores], TemperatureScaling())
    assert [found.row(place)[0].tolist() for place in range(3)] == [[3, 2], [], [0, 1, 3]]
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert np.exp(found.row(2)[1]) == pytest.approx(shares[[0, 1, 3]], rel=1e-3)
    found.save(tmp_path)
    again = OutOfFold.load(tmp_path)
    assert again.labels == labels
    assert [again.row(place)[0].tolist() for place in range(3)] == [[3, 2], [], [0, 1, 3]]


@pytest.mark.slow
def test_every_training_product_has_its_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    fitting = made()
    found = fitting.out_of_fold
    assert len(found) == len(TRAIN)
    assert all(len(found.row(place)[0]) for place in range(len(TRAIN)))
    first = [LABELS[found.row(place)[0][0]] for place in range(len(TRAIN))]
    hits = np.mean([LABELS[column] == best for (_, column), best in zip(TRAIN, first, strict=True)])
    monkeypatch.setattr(expert_fitting, "MOST_HELD", 8)
    sampled = made().out_of_fold
    assert [len(sampled.row(place)[0]) for place in range(len(TRAIN))] == [
        len(found.row(place)[0]) for place in range(len(TRAIN))
    ]
    again = [LABELS[sampled.row(place)[0][0]] for place in range(len(TRAIN))]
    assert np.mean([LABELS[c] == best for (_, c), best in zip(TRAIN, again, strict=True)]) >= hits - 0.25
