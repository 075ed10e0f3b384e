"""Read a distribution over labels from log-probabilities of a language model.

The zero-shot methods of "Large Language Models Do Multi-Label Classification Differently" (Chochlakis et al. 2025,
section 4). A result has a probability for each label; the probabilities of an item need not add up to 1.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
"""Float64; one number for each label unless said otherwise."""

EPSILON = 0.01
"""What the method *hard* leaves to a label that was not generated, and takes from one that was."""


def sigmoid(values: Numbers) -> Numbers:
    """Return 1 / (1 + exp(-values)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(values, np.float64))))


def softmax(logs: Numbers) -> Numbers:
    """Return the probabilities of log-probabilities along the last axis, made to add up to 1."""
    logs = np.asarray(logs, np.float64)
    shifted = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def compare_to_none(logs: Numbers, none: float) -> Numbers:
    """Return sigmoid(log P(label) - log P(none)) at the first label position (*compare-to-none*)."""
    return sigmoid(np.asarray(logs, np.float64) - none)


def hard(generated: Collection[int], count: int, epsilon: float = EPSILON) -> Numbers:
    """Return 1 - `epsilon` for the positions of generated labels, `epsilon` for all others of `count` (*hard*)."""
    found = np.full(count, epsilon)
    found[list(generated)] = 1.0 - epsilon
    return found


def unary(reasonable: Numbers, unreasonable: Numbers) -> Numbers:
    """Return P(reasonable) of each label from the log-probabilities of the two answers (*unary breakdown*)."""
    return sigmoid(np.asarray(reasonable, np.float64) - np.asarray(unreasonable, np.float64))


def max_over_generations(steps: Sequence[Numbers], count: int) -> Numbers:
    """Return each label's largest probability over all steps that generated a label (*max over generations*).

    `steps`: log-probabilities (count,) of the labels at each such step, or (count + 1,) with that of *none* last;
    a step's probabilities are their softmax. Without steps every label has 0.
    """
    found = np.zeros(count)
    for logs in steps:
        found = np.maximum(found, softmax(logs)[:count])
    return found


def entropy(logs: Numbers) -> float:
    """Return the entropy of a step's softmax, in bits."""
    shares = softmax(logs)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
