"""Propose a routing threshold for a target accuracy, share or budget, else the cheapest as good as the best."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from taxonaut.evaluation.audits.audit_table import AuditTable
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.intervals import Interval

TOO_MANY = "give only one of --accuracy, --share and --budget: each of them sets the threshold"

Rule = Literal["accuracy", "share", "budget", "best"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold and its expected effect.

    The intervals are 95 % bootstrap intervals over the audited items at a fixed threshold; they do not cover
    the choice of the threshold. `gain` is over the domain expert alone. `reached` is False if no threshold
    reaches the target; the threshold is then that of the rule `best`. `least` is the threshold of the rule
    `best`, `helps` whether it is above 0, that is, whether the general expert improves accuracy significantly;
    both are None without gold labels.
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
    """Propose a threshold for at most one target.

    `accuracy`: the lowest threshold that reaches it. `share`: the highest that sends at most this share.
    `budget`: the highest that costs at most this much per 1,000 products, in money if the table has prices, else
    in requests. No target: the lowest threshold not significantly worse than the best, by the interval of the
    paired difference. Without gold labels `accuracy` raises InputError, and no target returns None.
    """
    wishes = [wish for wish in (accuracy, share, budget) if wish is not None]
    if len(wishes) > 1:
        raise InputError(TOO_MANY)
    known = table.measure == "accuracy"
    if accuracy is not None and not known:
        raise no_gold_error(accuracy)
    if share is not None:
        return describe_threshold(table, "share", share, highest_within_share(table, share))
    if budget is not None:
        return describe_threshold(table, "budget", budget, highest_within_budget(table, budget))
    if not known:
        return None
    if accuracy is not None:
        good = np.flatnonzero(table.accuracies >= accuracy - 1e-9)
        if len(good):
            return describe_threshold(table, "accuracy", accuracy, table.thresholds[int(good[0])])
        return describe_threshold(table, "accuracy", accuracy, lowest_equal_to_best(table), reached=False)
    return describe_threshold(table, "best", None, lowest_equal_to_best(table))


def no_gold_error(accuracy: float) -> InputError:
    """Return the error for a target accuracy without gold labels."""
    return InputError(
        f"cannot target an accuracy of {accuracy:g}: these items have no gold labels; name their column with "
        "--labels-column, or give --share or --budget"
    )


def describe_threshold(
    table: AuditTable, rule: Rule, wanted: float | None, threshold: float, *, reached: bool = True
) -> Proposal:
    """Return a proposal with the expected effect of a threshold."""
    known = table.measure == "accuracy"
    (cut,) = table.cuts([threshold])
    least = lowest_equal_to_best(table) if known else None
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


def highest_within_share(table: AuditTable, share: float) -> float:
    """Return the highest threshold that sends at most a share of the items."""
    return table.thresholds[int(np.flatnonzero(table.shares <= share + 1e-9)[-1])]


def highest_within_budget(table: AuditTable, budget: float) -> float:
    """Return the highest threshold that costs at most `budget` per 1,000 products."""
    costs = np.where(table.asked, 1.0, 0.0) if table.prices is None else table.costs()
    order = np.argsort(table.confidence, kind="stable")
    spent = np.concatenate([[0.0], np.cumsum(costs[order])]) * 1000 / table.count
    below = np.searchsorted(table.confidence[order], table.thresholds, side="left")
    return table.thresholds[int(np.flatnonzero(spent[below] <= budget + 1e-9)[-1])]


def best_threshold(table: AuditTable) -> float:
    """Return the lowest threshold of the highest accuracy."""
    return table.thresholds[int(table.accuracies.argmax())]


def lowest_equal_to_best(table: AuditTable) -> float:
    """Return the lowest threshold not significantly worse than the best.

    Searches `AuditTable.spread` for a threshold whose 95 % interval of the paired difference includes 0.
    """
    best = best_threshold(table)
    lower = [threshold for threshold in table.spread() if threshold < best]
    lost = table.gains(lower, best) if lower else ()
    for threshold, difference in zip(lower, lost, strict=True):
        if difference is not None and difference.high >= 0:
            return threshold
    return best
