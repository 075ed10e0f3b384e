"""Partition labels by their centres, and find what is wrong with the partition (Validation of algorithm 1)."""

from collections.abc import Sequence
from itertools import combinations

from taxonaut.graphs.build_policy import BuildPolicy
from taxonaut.state.building import Centre, Split, Trial
from taxonaut.state.ids import LabelId
from taxonaut.tools.propose_category import folded

FEWEST_COMPARED = 3
"""Labels of a centre from which on an overlap says something."""


def partitioned(trial: Trial) -> Split:
    """Put each label with all of its centres, and with *other* if it has none."""
    members: list[list[LabelId]] = [[] for _ in trial.centres]
    other: list[LabelId] = []
    for label, centres in zip(trial.partition.labels, trial.assigned, strict=True):
        for number in centres:
            members[number].append(label)
        if not centres:
            other.append(label)
    return Split(trial.centres, tuple(map(tuple, members)), tuple(other), trial.problems)


def found_problems(split: Split, labels: int, policy: BuildPolicy) -> list[str]:
    """Say what is wrong with a split of so many labels, each in a sentence that an architect can act on."""
    problems = []
    for centre, members in zip(split.centres, split.members, strict=True):
        if not members:
            problems.append(f"no label belongs to {centre.name!r}; leave it out")
        elif len(members) > policy.swallow * labels:
            problems.append(
                f"{centre.name!r} takes {len(members):,} of {labels:,} labels; divide what is in it"
            )
    for first, second in near_duplicates(split, policy):
        problems.append(
            f"{split.centres[first].name!r} and {split.centres[second].name!r} hold the same labels; "
            "make one of them, or tell them apart"
        )
    if len(split.other) > policy.other * labels:
        problems.append(
            f"{len(split.other):,} of {labels:,} labels fit no category; add categories that hold them"
        )
    return problems


def near_duplicates(split: Split, policy: BuildPolicy) -> list[tuple[int, int]]:
    """Return pairs of centres with the same words in their names, or nearly the same labels."""
    words = [frozenset(folded(centre.name).split()) for centre in split.centres]
    sets = [set(members) for members in split.members]
    found = []
    for first, second in combinations(range(len(split.centres)), 2):
        smaller = min(len(sets[first]), len(sets[second]))
        shared = len(sets[first] & sets[second])
        alike = smaller >= FEWEST_COMPARED and shared >= policy.overlap * smaller
        if words[first] == words[second] or alike:
            found.append((first, second))
    return found


def repaired(split: Split, labels: int, policy: BuildPolicy) -> Split | None:
    """Leave out empty centres and put near-duplicates together; None if that leaves no split worth having."""
    kept = [number for number, members in enumerate(split.members) if members]
    members = {number: set(split.members[number]) for number in kept}
    for first, second in near_duplicates(split, policy):
        if first in members and second in members:
            members[first] |= members.pop(second)
    order = {
        label: place for place, label in enumerate(dict.fromkeys(label for m in split.members for label in m))
    }
    result = Split(
        tuple(split.centres[number] for number in members),
        tuple(tuple(sorted(held, key=order.__getitem__)) for held in members.values()),
        split.other,
        split.problems,
    )
    good = len(members) >= 2 and not found_problems(result, labels, policy)
    return result if good else None


def siblings_of(split: Split, number: int, examples: int) -> tuple[Centre, ...]:
    """Return a centre's siblings, each with some of its labels, to tell its own sub-centres from."""
    return tuple(
        Centre(centre.name, centre.description, spread(members, examples))
        for place, (centre, members) in enumerate(zip(split.centres, split.members, strict=True))
        if place != number
    )


def spread(labels: Sequence[LabelId], most: int) -> tuple[LabelId, ...]:
    """Take at most so many labels, evenly from first to last."""
    count = min(most, len(labels))
    return tuple(labels[place * len(labels) // count] for place in range(count))
