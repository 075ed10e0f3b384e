"""Which threshold an audit proposes: for a wanted accuracy, share or budget, or the least that does as the best."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from taxonaut.evaluation.audits.audit_table import AuditTable
from taxonaut.evaluation.measures.intervals import Interval
from taxonaut.state.errors import InputError

TOO_MANY = "give one of --accuracy, --share and --budget: each alone decides the threshold"

Rule = Literal["accuracy", "share", "budget", "best"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold and what to expect of it.

    The intervals are 95 % bootstrap intervals over the audited items, the threshold held fixed: they say what
    another sample of the same traffic would show, and not that another sample might propose another threshold.
    `gain` is against the domain expert alone. `reached` is False where nothing gives what was wanted; the proposal
    is that of the rule `best` then. `helps`: whether at any threshold the general expert is better than none,
    beyond what chance explains, and `least` the threshold of the rule `best`; None without gold labels.
    """

    rule: Rule
    wanted: float | None
    threshold: float
    share: Interval
    accuracy: Interval | None
    gain: Interval | None
    reached: bool
    helps: bool | None
    least: float | None


def propose(
    table: AuditTable,
    *,
    accuracy: float | None = None,
    share: float | None = None,
    budget: float | None = None,
) -> Proposal | None:
    """Propose a threshold; of the three wishes at most one is given.

    `accuracy`: the smallest share that reaches it. `share`: the threshold that sends at most so much. `budget`:
    the one that costs at most so much per 1,000 products, in money if the table has prices, else in requests.
    None of them: the smallest share whose accuracy cannot be told from the best one's, by the interval of their
    paired difference. Without gold labels no accuracy is known: InputError for `accuracy`, and None without a wish.
    """
    wishes = [wish for wish in (accuracy, share, budget) if wish is not None]
    if len(wishes) > 1:
        raise InputError(TOO_MANY)
    known = table.measure == "accuracy"
    if accuracy is not None and not known:
        raise no_gold(accuracy)
    if share is not None:
        return proposal(table, "share", share, within(table, share))
    if budget is not None:
        return proposal(table, "budget", budget, affordable(table, budget))
    if not known:
        return None
    if accuracy is not None:
        good = np.flatnonzero(table.accuracies >= accuracy - 1e-9)
        if len(good):
            return proposal(table, "accuracy", accuracy, table.thresholds[int(good[0])])
        return proposal(table, "accuracy", accuracy, least_best(table), reached=False)
    return proposal(table, "best", None, least_best(table))


def no_gold(accuracy: float) -> InputError:
    """Make the error for an accuracy that is wanted where none can be known."""
    return InputError(
        f"an accuracy of {accuracy:g} cannot be aimed at: these items have no gold labels (--labels-column names "
        "their column); aim at a --share or a --budget"
    )


def proposal(
    table: AuditTable, rule: Rule, wanted: float | None, threshold: float, *, reached: bool = True
) -> Proposal:
    """Say what to expect of a threshold."""
    known = table.measure == "accuracy"
    (cut,) = table.cuts([threshold])
    least = least_best(table) if known else None
    return Proposal(
        rule,
        wanted,
        threshold,
        table.share(threshold),
        cut.value if known else None,
        cut.gain,
        reached,
        None if least is None else least > 0,
        least,
    )


def within(table: AuditTable, share: float) -> float:
    """Return the highest threshold that sends at most a share of the items."""
    return table.thresholds[int(np.flatnonzero(table.shares <= share + 1e-9)[-1])]


def affordable(table: AuditTable, budget: float) -> float:
    """Return the highest threshold that costs at most so much per 1,000 products."""
    costs = np.where(table.asked, 1.0, 0.0) if table.prices is None else table.costs()
    order = np.argsort(table.confidence, kind="stable")
    spent = np.concatenate([[0.0], np.cumsum(costs[order])]) * 1000 / table.count
    below = np.searchsorted(table.confidence[order], table.thresholds, side="left")
    return table.thresholds[int(np.flatnonzero(spent[below] <= budget + 1e-9)[-1])]


def best_threshold(table: AuditTable) -> float:
    """Return the threshold of the highest accuracy, the lowest of equal ones."""
    return table.thresholds[int(table.accuracies.argmax())]


def least_best(table: AuditTable) -> float:
    """Return the lowest threshold whose accuracy cannot be told from the best one's.

    Looked for among `AuditTable.spread`; the 95 % interval of the paired difference to the best holds 0.
    """
    best = best_threshold(table)
    lower = [threshold for threshold in table.spread() if threshold < best]
    lost = table.gains(lower, best) if lower else ()
    for threshold, difference in zip(lower, lost, strict=True):
        if difference is not None and difference.high >= 0:
            return threshold
    return best
