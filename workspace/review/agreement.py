"""How far people agree who decided on the same items: the share of equal decisions, and Krippendorff's alpha."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taxonaut.workspace.review.review_queue import Answer


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `items` that two people or more decided on, `pairs` of decisions, `equal` of them the same.

    `alpha` is Krippendorff's for nominal data: 1 for perfect agreement, 0 for what chance gives; None where all
    decisions are one and the same, or nothing was decided twice. `disputed` are the keys of the items with different
    decisions, in the order of the queue.
    """

    items: int
    pairs: int
    equal: int
    alpha: float | None
    disputed: tuple[str, ...]


def measure_agreement(answers: Mapping[str, Sequence[Answer]]) -> Agreement:
    """Compare the decisions on each item; who could not decide is left out.

    A decision is the set of labels that it says are right, none for *none of these*. Alpha is 1 - observed / expected
    disagreement (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"), each item weighed by its pairs.
    """
    values = {
        key: [_value(each) for each in said if each.decision.kind != "undecided"]
        for key, said in answers.items()
    }
    twice = {key: said for key, said in values.items() if len(said) > 1}
    pairs = equal = 0
    observed, totals = 0.0, Counter[frozenset[str]]()
    for said in twice.values():
        counts, size = Counter(said), len(said)
        same = sum(count * (count - 1) // 2 for count in counts.values())
        pairs, equal = pairs + size * (size - 1) // 2, equal + same
        observed += (size * (size - 1) - 2 * same) / (size - 1)
        totals.update(counts)
    total = sum(totals.values())
    expected = total * total - sum(count * count for count in totals.values())
    alpha = 1 - (total - 1) * observed / expected if expected else None
    disputed = tuple(key for key, said in twice.items() if len(set(said)) > 1)
    return Agreement(len(twice), pairs, equal, alpha, disputed)


def _value(answer: Answer) -> frozenset[str]:
    decision = answer.decision
    return frozenset(answer.item.suspect.given if decision.kind == "keep" else decision.labels)
