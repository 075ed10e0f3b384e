"""Compare methods that estimate distributions over labels with the votes of annotators."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taxonaut.evaluation.measures.alignment import (
    HALF,
    Alignment,
    Shares,
    annotators_against_each_other,
    constant,
    crowd_against_one,
    group_items,
    measure_alignment,
    prior,
)
from taxonaut.state.distributions import LabelDistribution
from taxonaut.state.errors import DiskError, InputError
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.distribute.distribution import (
    ALL_METHODS,
    COMPARE,
    Distribution,
    offered_labels,
    prepare_distribution,
)
from taxonaut.workspace.distribute.votes import read_voted
from taxonaut.workspace.files.item_files import ItemRow

PLATT = "platt"
"""compare-to-none with the Platt scaling that `distribute train --method compare-to-none` fitted."""

NAMES = (*ALL_METHODS, PLATT)


@dataclass(frozen=True, slots=True)
class Predicted:
    """What one method said: probabilities (n, L) of the items that every method answered, and its distributions."""

    method: str
    values: Shares
    thresholds: NDArray[np.float64] | float
    results: tuple[LabelDistribution, ...]


@dataclass(frozen=True, slots=True)
class DistributionReport:
    """Methods next to a constant, the prior, and annotators against each other.

    `failed` counts, for each method, items without an answer; they are left out of all measures.
    """

    items: int
    labels: int
    annotators: float
    alignments: tuple[Alignment, ...]
    predicted: tuple[Predicted, ...]
    given: Shares
    failed: dict[str, int]
    notes: tuple[str, ...] = ()


def check_methods(names: Sequence[str]) -> list[str]:
    """Return the names of methods without blanks. Raises InputError for an unknown one."""
    found = [name.strip() for name in names if name.strip()]
    for name in found:
        if name not in NAMES:
            raise InputError(f"there is no method {name!r}; there are: {', '.join(NAMES)}")
    if not found:
        raise InputError(f"no method is named; there are: {', '.join(NAMES)}")
    return found


async def compare_distributions(
    workspace: Core,
    rows: Sequence[ItemRow],
    names: Sequence[str],
    *,
    model: str | None = None,
    shots: Sequence[ItemRow] = (),
    skip_unknown: bool = False,
) -> DistributionReport:
    """Run methods on items with votes and measure them. Raises InputError where there are no votes.

    A method that was not fitted predicts a label from 0.5 on; a fitted one from the label's own threshold.
    """
    labels = offered_labels(workspace)
    voted = read_voted(workspace.index, [label.id for label in labels], rows, skip_unknown=skip_unknown)
    made = {
        name: prepare_distribution(
            workspace,
            COMPARE if name == PLATT else name,
            model=model,
            shots=shots,
            plain=name == COMPARE,
        )
        for name in check_methods(names)
    }
    if PLATT in made and made[PLATT].fitted is None:
        raise InputError(
            "platt is compare-to-none with Platt scaling, which is fitted first: taxonaut distribute train FILE "
            "--method compare-to-none"
        )
    answers = {name: [result async for _, result in each.results(voted.items)] for name, each in made.items()}
    answered = [
        all(not results[place].error for results in answers.values()) for place in range(len(voted.items))
    ]
    failed = {
        name: count
        for name, results in answers.items()
        if (count := sum(bool(each.error) for each in results))
    }
    if not any(answered):
        first = next(each.error for results in answers.values() for each in results if each.error)
        raise InputError(f"no item got an answer of every method: {first}")
    kept = np.flatnonzero(answered)
    given = voted.shares[kept]
    predicted = [
        Predicted(
            name, as_matrix([results[place] for place in kept]), thresholds_of(made[name]), tuple(results)
        )
        for name, results in answers.items()
    ]
    return DistributionReport(
        len(kept),
        len(labels),
        float(np.mean([len(each) for each in voted.votes])),
        tuple(measure_all(predicted, given, [list(voted.votes[place]) for place in kept])),
        tuple(predicted),
        given,
        failed,
        voted.notes,
    )


def as_matrix(results: Sequence[LabelDistribution]) -> Shares:
    """Return the probabilities of distributions over one label set, (n, L)."""
    return np.array([[share.probability for share in each.labels] for each in results], np.float64)


def thresholds_of(made: Distribution) -> NDArray[np.float64] | float:
    """Return from where on a method's labels count as predicted."""
    return HALF if made.fitted is None else made.fitted.calibrated.thresholds


def measure_all(
    predicted: Sequence[Predicted], given: Shares, votes: Sequence[Sequence[NDArray[np.bool_]]]
) -> list[Alignment]:
    """Measure methods, then the constant, the prior, and annotators against each other."""
    groups = group_items(given)
    found = [
        measure_alignment(each.method, each.values, given, each.thresholds, groups) for each in predicted
    ]
    found.append(measure_alignment("constant 0.1", constant(given), given, groups=groups))
    found.append(measure_alignment("prior", prior(given), given, groups=groups))
    one, others = annotators_against_each_other(votes)
    if len(one):
        found.append(measure_alignment("one annotator against the others", one, others))
        first, second = crowd_against_one(votes)
        found.append(measure_alignment("half of the annotators against the others", first, second))
    return found


def draw_reliability(report: DistributionReport, path: Path, bins: int = 10) -> None:
    """Draw a figure: mean share of annotators by predicted probability, and the entropy of each step of a list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    listing = [each for each in report.predicted if any(len(result.steps) > 1 for result in each.results)]
    figure = Figure(figsize=(11 if listing else 5.5, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if listing else 1, squeeze=False)[0]
    axes[0].plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="dotted")
    for each in report.predicted:
        place = np.minimum((each.values * bins).astype(int), bins - 1).ravel()
        there = np.unique(place)
        x = [each.values.ravel()[place == number].mean() for number in there]
        y = [report.given.ravel()[place == number].mean() for number in there]
        axes[0].plot(x, y, marker="o", label=each.method)
    axes[0].set(xlabel="predicted probability", ylabel="share of annotators", title="Reliability")
    axes[0].legend()
    for each in listing:
        steps = [result.steps for result in each.results]
        longest = max(map(len, steps))
        means = [np.mean([one[at] for one in steps if len(one) > at]) for at in range(longest)]
        axes[1].plot(range(1, longest + 1), means, marker="o", label=each.method)
    if listing:
        axes[1].axhline(np.log2(report.labels), color="grey", linewidth=1, linestyle="dotted")
        axes[1].set(xlabel="step of the list", ylabel="entropy in bits", title="Entropy of each step")
        axes[1].legend()
    try:
        figure.savefig(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from None
