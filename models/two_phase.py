"""The two-phase loss of a domain expert: focal first, bootstrap after the gate (Dual-Expert 3.1.2, equations 1-3)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LEAST = 1e-7
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken."""


class TwoPhaseLoss:
    """Focal loss until step `gate`, bootstrap loss from there on (equation 3).

    `alpha` (C,) are class weights. `gamma` says how little a well-classified row counts in phase 1; `beta` how
    much the given label counts in phase 2 beside the model's own opinion. Without `focal` the first phase is
    cross-entropy, without `bootstrap` the first phase never ends: without both it is cross-entropy throughout.
    """

    def __init__(
        self,
        alpha: "Tensor",
        gamma: float,
        beta: float,
        gate: int,
        *,
        focal: bool = True,
        bootstrap: bool = True,
    ) -> None:
        self.alpha = alpha
        self.gamma = gamma
        self.beta = beta
        self.gate = gate
        self.focal = focal
        self.bootstrap = bootstrap

    def __call__(self, logits: "Tensor", targets: "Tensor", step: int) -> "Tensor":
        """Return the mean loss of logits (n, C) against targets (n, C), whose rows sum to 1, as a scalar."""
        if self.bootstrap and step >= self.gate:
            return bootstrap_loss(logits, targets, self.beta)
        if self.focal:
            return focal_loss(logits, targets, self.alpha, self.gamma)
        return cross_entropy(logits, targets)


def cross_entropy(logits: "Tensor", targets: "Tensor") -> "Tensor":
    """Return the mean cross-entropy."""
    return -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()


def focal_loss(logits: "Tensor", targets: "Tensor", alpha: "Tensor", gamma: float) -> "Tensor":
    """Return equation 1, a mean over rows: what is well classified counts little, by (1 - q) to the gamma."""
    logs = logits.log_softmax(dim=1)
    weights = alpha * (1 - logs.exp()).clamp(min=LEAST) ** gamma
    return -(targets * weights * logs).sum(dim=1).mean()


def bootstrap_loss(logits: "Tensor", targets: "Tensor", beta: float) -> "Tensor":
    """Return equation 2, a mean over rows: the given label by beta, the model's own distribution by 1 - beta.

    The sum of the equation's first two terms is the binary cross-entropy of every category; the third draws the
    model to what it already believes (Reed et al. 2014, soft bootstrapping).
    """
    logs = logits.log_softmax(dim=1)
    believed = logs.exp()
    others = (1 - believed).clamp(min=LEAST).log()
    given = targets * logs + (1 - targets) * others
    return -(beta * given + (1 - beta) * believed * logs).sum(dim=1).mean()
