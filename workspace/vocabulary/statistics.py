"""Statistics of a vocabulary: coverage, size, utilization, and coverage by round of its build."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.workspace.vocabulary.reading import Group, Vocabulary
from taxonaut.workspace.vocabulary.semantic_ids import choose_distinct

FEWEST_DELTAS = 5
"""Minimum nonzero changes for the test: with four gains the p-value is still 0.0625."""

_DIGITS = 9
"""Decimals of percentage points, so that equal changes tie."""


@dataclass(frozen=True, slots=True)
class LevelStatistics:
    """One level. `items` have a descriptor at it; `reachable` have one at the level above that has children.

    `coverage` is the share of all tagged items, `coverage_of_reachable` that of the reachable ones; both are 0
    where there are none. `used` descriptors are those of more than one item (`count_items`). `median_items`
    and `most_items` are items per descriptor of the best path alone.
    """

    level: int
    descriptors: int
    items: int
    coverage: float
    reachable: int
    coverage_of_reachable: float
    used: int
    median_items: float
    most_items: int

    @property
    def utilization(self) -> float:
        """The share of its descriptors that more than one item has."""
        return self.used / self.descriptors if self.descriptors else 0.0


@dataclass(frozen=True, slots=True)
class VocabularyStatistics:
    """A vocabulary and the items tagged with it.

    `items` were tagged, `covered` of them have a descriptor, `uncovered` none. `utilization` is the share of
    descriptors that more than one item has (AgenticTagger, B.3), `unused` those that no item has.
    `resolvers[k]` is the share of items that are not the first with the same path and the same first k
    further descriptors: those which a semantic id needs a resolver for.
    """

    items: int
    covered: int
    uncovered: tuple[ItemId, ...]
    descriptors: int
    leaves: int
    depth: int
    utilization: float
    unused: int
    median_items: float
    most_items: int
    levels: tuple[LevelStatistics, ...]
    resolvers: tuple[float, ...]

    @property
    def coverage(self) -> float:
        """The share of items with at least one descriptor: coverage at level 1."""
        return divide_or_zero(self.covered, self.items)


@dataclass(frozen=True, slots=True)
class GroupRounds:
    """How much of one group's items each round covered; `level` is that of the descriptors it got."""

    node: NodeId
    level: int
    items: int
    coverage: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """The change of coverage from one round to the next in all groups of a level that saw both.

    `step` 1 leads from round 1 to round 2. `deltas` are percentage points, one a group. `p_value` is that of
    the one-sided Wilcoxon signed-rank test (greater than zero; AgenticTagger, 6.1 and B.5), None where fewer
    than FEWEST_DELTAS changes differ from zero.
    """

    level: int
    step: int
    deltas: tuple[float, ...]
    mean: float
    p_value: float | None


@dataclass(frozen=True, slots=True)
class RoundCoverage:
    """The share of a level's items that are covered after a round, `groups` of which took part in it.

    Groups that were done earlier count with their last coverage, so that rounds compare on the same items.
    """

    level: int
    round: int
    groups: int
    coverage: float


def vocabulary_statistics(vocabulary: Vocabulary, *, further: int = 3) -> VocabularyStatistics:
    """Compute the statistics; `further` is the maximum number of further descriptors in `resolvers`."""
    taggings = vocabulary.taggings
    having = count_items(vocabulary)
    sizes = [vocabulary.items_at.get(descriptor.id, 0) for descriptor in vocabulary.descriptors]
    uncovered = tuple(tagging.item_id for tagging in taggings if not tagging.path)
    return VocabularyStatistics(
        items=len(taggings),
        covered=len(taggings) - len(uncovered),
        uncovered=uncovered,
        descriptors=len(vocabulary.descriptors),
        leaves=sum(descriptor.id not in vocabulary.children for descriptor in vocabulary.descriptors),
        depth=vocabulary.depth,
        utilization=utilization(having),
        unused=sum(not count for count in having.values()),
        median_items=float(median(sizes)) if sizes else 0.0,
        most_items=max(sizes, default=0),
        levels=tuple(level_statistics(vocabulary, level, having) for level in range(1, vocabulary.depth + 1)),
        resolvers=tuple(resolver_share(taggings, number) for number in range(further + 1)),
    )


def level_statistics(vocabulary: Vocabulary, level: int, having: Mapping[NodeId, int]) -> LevelStatistics:
    """Compute the statistics of one level, from 1; `having` is the result of `count_items`."""
    here = [descriptor.id for descriptor in vocabulary.descriptors if descriptor.level == level]
    sizes = [vocabulary.items_at.get(node, 0) for node in here]
    items = sum(len(tagging.path) >= level for tagging in vocabulary.taggings)
    reachable = sum(
        len(tagging.path) >= level - 1 and (level == 1 or tagging.path[level - 2] in vocabulary.children)
        for tagging in vocabulary.taggings
    )
    return LevelStatistics(
        level=level,
        descriptors=len(here),
        items=items,
        coverage=divide_or_zero(items, len(vocabulary.taggings)),
        reachable=reachable,
        coverage_of_reachable=divide_or_zero(items, reachable),
        used=sum(having[node] > 1 for node in here),
        median_items=float(median(sizes)) if sizes else 0.0,
        most_items=max(sizes, default=0),
    )


def count_items(vocabulary: Vocabulary) -> dict[NodeId, int]:
    """Count the items of each descriptor, on the best path or among the further ones."""
    found = Counter(node for tagging in vocabulary.taggings for node in {*tagging.path, *tagging.others})
    return {descriptor.id: found[descriptor.id] for descriptor in vocabulary.descriptors}


def utilization(counts: Mapping[Any, int]) -> float:
    """Return the share of descriptors, or of free-form keywords, that more than one item has.

    `counts` are items per descriptor or keyword; those with 0 count as not used. 0 for an empty mapping.
    """
    return divide_or_zero(sum(count > 1 for count in counts.values()), len(counts))


def resolver_share(taggings: Sequence[Tagging], further: int = 0) -> float:
    """Return the share of items with the same path and `further` others (`choose_distinct`) as an earlier item.

    Items without descriptors share the empty path.
    """
    others = choose_distinct(taggings, further)
    different = {(tagging.path, others[tagging.item_id]) for tagging in taggings}
    return divide_or_zero(len(taggings) - len(different), len(taggings))


def shared_paths(taggings: Sequence[Tagging], most: int) -> list[tuple[tuple[NodeId, ...], int]]:
    """Return the best paths of more than one item, with their number of items, most frequent first."""
    found = Counter(tagging.path for tagging in taggings if tagging.path)
    return [(path, count) for path, count in found.most_common(most) if count > 1]


def group_rounds(groups: Sequence[Group]) -> list[GroupRounds]:
    """Return the coverage of every group's rounds, in the groups' order; groups without a round are left out."""
    return [
        GroupRounds(
            group.node,
            group.level,
            group.refined.rounds[0].items,
            tuple(each.coverage for each in group.refined.rounds),
        )
        for group in groups
        if group.refined.rounds
    ]


def round_coverage(groups: Sequence[Group]) -> list[RoundCoverage]:
    """Return the share of each level's items covered after every round, over all groups of the level."""
    rows = []
    rounds = group_rounds(groups)
    for level in sorted({each.level for each in rounds}):
        here = [each for each in rounds if each.level == level]
        for number in range(1, max(len(each.coverage) for each in here) + 1):
            covered = sum(each.items * each.coverage[min(number, len(each.coverage)) - 1] for each in here)
            taking_part = sum(len(each.coverage) >= number for each in here)
            items = sum(each.items for each in here)
            rows.append(RoundCoverage(level, number, taking_part, covered / items if items else 1.0))
    return rows


def coverage_steps(groups: Sequence[Group]) -> list[Step]:
    """Return how coverage changed between consecutive rounds, by level and step (figures 4 and 5)."""
    deltas: dict[tuple[int, int], list[float]] = {}
    for each in group_rounds(groups):
        for step, (before, after) in enumerate(zip(each.coverage, each.coverage[1:], strict=False), start=1):
            deltas.setdefault((each.level, step), []).append(round(100 * (after - before), _DIGITS))
    return [
        Step(level, step, tuple(changes), fmean(changes), wilcoxon(changes))
        for (level, step), changes in sorted(deltas.items())
    ]


def wilcoxon(deltas: Sequence[float]) -> float | None:
    """Return the p-value of the Wilcoxon signed-rank test that deltas are greater than zero.

    Zeros are left out, as Wilcoxon did; None where fewer than FEWEST_DELTAS remain.
    """
    from scipy import stats

    changed = [delta for delta in deltas if delta]
    if len(changed) < FEWEST_DELTAS:
        return None
    return float(stats.wilcoxon(changed, alternative="greater").pvalue)


def divide_or_zero(part: int, whole: int) -> float:
    """Return part / whole, 0 if whole is 0."""
    return part / whole if whole else 0.0
