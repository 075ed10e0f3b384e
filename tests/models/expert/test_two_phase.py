"""The two-phase loss against the paper's equations, written out in NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")

from taxonaut.models.expert.heads import TwoPhaseLoss, bootstrap_loss, cross_entropy, focal_loss  # noqa: E402

Array = NDArray[np.float64]
ALPHA = np.array([0.5, 1.0, 2.0])
LOGITS = np.array([[2.0, 0.0, -1.0], [0.5, 0.25, 0.0], [-3.0, 1.0, 1.0]])
ONE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
TWO = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [0.0, 0.5, 0.5]])


def softmax(logits: Array) -> Array:
    odds = np.exp(logits)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def equation_1(p: Array, q: Array, alpha: Array, gamma: float) -> float:
    """The paper has one true label; a row with several counts each by its share."""
    total = 0.0
    for row in range(len(p)):
        for k in range(p.shape[1]):
            total -= p[row, k] * alpha[k] * (1 - q[row, k]) ** gamma * np.log(q[row, k])
    return total / len(p)


def equation_2(p: Array, q: Array, beta: float) -> float:
    total = 0.0
    for row in range(len(p)):
        for k in range(p.shape[1]):
            total -= beta * p[row, k] * np.log(q[row, k]) + beta * (1 - p[row, k]) * np.log(1 - q[row, k])
            total -= (1 - beta) * q[row, k] * np.log(q[row, k])
    return total / len(p)


def tensors(*arrays: Array) -> Any:
    return [torch.tensor(each) for each in arrays]


@pytest.mark.parametrize("targets", [ONE, TWO])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_is_equation_1(targets: Array, gamma: float) -> None:
    logits, p, alpha = tensors(LOGITS, targets, ALPHA)
    wanted = equation_1(targets, softmax(LOGITS), ALPHA, gamma)
    assert float(focal_loss(logits, p, alpha, gamma)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("targets", [ONE, TWO])
@pytest.mark.parametrize("beta", [0.5, 0.8, 0.95, 1.0])
def test_bootstrap_loss_is_equation_2(targets: Array, beta: float) -> None:
    logits, p = tensors(LOGITS, targets)
    wanted = equation_2(targets, softmax(LOGITS), beta)
    assert float(bootstrap_loss(logits, p, beta)) == pytest.approx(wanted, abs=1e-9)


def test_focal_loss_without_weights_or_gamma_is_cross_entropy() -> None:
    logits, p, ones = tensors(LOGITS, TWO, np.ones(3))
    found = float(cross_entropy(logits, p))
    assert found == pytest.approx(float(focal_loss(logits, p, ones, 0.0)), abs=1e-12)
    assert found == pytest.approx(float(torch.nn.functional.cross_entropy(logits, p)), abs=1e-12)


@pytest.mark.parametrize(
    ("focal", "bootstrap", "before", "after"),
    [
        (True, True, "focal", "bootstrap"),
        (True, False, "focal", "focal"),
        (False, True, "cross", "bootstrap"),
        (False, False, "cross", "cross"),
    ],
)
def test_the_gate_opens_at_its_step(focal: bool, bootstrap: bool, before: str, after: str) -> None:
    logits, p, alpha = tensors(LOGITS, ONE, ALPHA)
    loss = TwoPhaseLoss(alpha, 2.0, 0.9, 5, focal=focal, bootstrap=bootstrap)
    values = {
        "focal": float(focal_loss(logits, p, alpha, 2.0)),
        "bootstrap": float(bootstrap_loss(logits, p, 0.9)),
        "cross": float(cross_entropy(logits, p)),
    }
    assert [float(loss(logits, p, step)) for step in (0, 4, 5, 99)] == [
        values[each] for each in (before, before, after, after)
    ]


@given(
    st.lists(st.sampled_from([-1000.0, -50.0, 0.0, 1e-3, 30.0, 1000.0]), min_size=3, max_size=3),
    st.sampled_from([ONE[0], TWO[0], TWO[1]]),
    st.sampled_from([0, 9]),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
def test_gradients_stay_finite(row: list[float], target: Array, step: int, gamma: float) -> None:
    logits = torch.tensor([row], dtype=torch.float32, requires_grad=True)
    alpha, p = torch.ones(3), torch.tensor(target[None], dtype=torch.float32)
    value = TwoPhaseLoss(alpha, gamma, 0.9, 5)(logits, p, step)
    (slope,) = torch.autograd.grad(value, logits)
    assert torch.isfinite(value)
    assert torch.isfinite(slope).all()


def test_a_confident_model_is_drawn_to_its_own_opinion() -> None:
    """Phase 2 relabels: a wrong label that the model is sure of pulls less than under cross-entropy."""
    logits, p = tensors(np.array([[6.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]]))
    logits.requires_grad_()
    (all_given,) = torch.autograd.grad(bootstrap_loss(logits, p, 1.0), logits)
    (half,) = torch.autograd.grad(bootstrap_loss(logits, p, 0.5), logits)
    assert 0 < float(half[0, 0]) < float(all_given[0, 0])
