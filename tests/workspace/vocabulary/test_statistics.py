"""A vocabulary's numbers, against values worked out by hand."""

from dataclasses import asdict
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taxonaut.state.descriptors import RefinedGroup, Round, Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Node
from taxonaut.workspace.vocabulary.reading import Descriptor, Group, Vocabulary
from taxonaut.workspace.vocabulary.statistics import (
    GroupRounds,
    LevelStatistics,
    RoundCoverage,
    Step,
    VocabularyStatistics,
    count_items,
    coverage_steps,
    group_rounds,
    resolver_share,
    round_coverage,
    shared_paths,
    utilization,
    vocabulary_statistics,
    wilcoxon,
)

ROOT = NodeId(1)
DRAWN = {2: (1, "Pens"), 3: (2, "Ballpoint"), 4: (2, "Fountain"), 5: (1, "Paper"), 6: (1, "Clips")}


def vocabulary(*paths: tuple[int, ...], others: dict[int, tuple[int, ...]] | None = None) -> Vocabulary:
    """Pens (Ballpoint, Fountain), Paper, Clips: nodes 2, 3, 4, 5, 6; an item for each path."""
    descriptors: dict[int, Descriptor] = {}
    for node, (parent, name) in DRAWN.items():
        above = descriptors[parent].path if parent in descriptors else ()
        descriptors[node] = Descriptor(
            NodeId(node), NodeId(parent), len(above) + 1, (*above, name), Node(NodeId(node), name)
        )
    taggings = [
        Tagging(
            ItemId(f"i{number}"),
            tuple(map(NodeId, path)),
            tuple(map(NodeId, (others or {}).get(number, ()))),
        )
        for number, path in enumerate(paths)
    ]
    return Vocabulary(ROOT, list(descriptors.values()), taggings)


def group(level: int, *assigned: int, items: int = 100, node: int = 1) -> Group:
    """A group that was divided in as many rounds as there are numbers, each of the items that it covered."""
    return Group(NodeId(node), level, RefinedGroup(rounds=tuple(Round(items, each) for each in assigned)), ())


def test_a_small_vocabulary_counted_by_hand() -> None:
    made = vocabulary((2, 3), (2, 3), (2, 4), (2,), (5,), (), (2, 3), (5,), others={0: (5,), 2: (6,)})
    assert vocabulary_statistics(made, further=1) == VocabularyStatistics(
        items=8,
        covered=7,
        uncovered=(ItemId("i5"),),
        descriptors=5,
        leaves=4,
        depth=2,
        utilization=3 / 5,
        unused=0,
        median_items=2.0,
        most_items=5,
        levels=(
            LevelStatistics(1, 3, 7, 7 / 8, 8, 7 / 8, 2, 2.0, 5),
            LevelStatistics(2, 2, 4, 4 / 8, 5, 4 / 5, 1, 2.0, 3),
        ),
        resolvers=(3 / 8, 2 / 8),
    )
    assert count_items(made) == {2: 5, 3: 3, 4: 1, 5: 3, 6: 1}
    assert shared_paths(made.taggings, 1) == [((2, 3), 3)]
    assert shared_paths(made.taggings, 9) == [((2, 3), 3), ((5,), 2)]


def test_a_vocabulary_on_no_item_counts_as_nothing() -> None:
    found = vocabulary_statistics(vocabulary(), further=0)
    assert found.coverage == 0.0
    assert (found.utilization, found.unused, found.resolvers) == (0.0, 5, (0.0,))
    assert asdict(found.levels[1]) == {
        "level": 2,
        "descriptors": 2,
        "items": 0,
        "coverage": 0.0,
        "reachable": 0,
        "coverage_of_reachable": 0.0,
        "used": 0,
        "median_items": 0.0,
        "most_items": 0,
    }
    assert vocabulary_statistics(Vocabulary(ROOT, [], [])).levels == ()


def test_utilization_of_keywords_is_the_share_that_several_items_have() -> None:
    assert utilization({"pen": 3, "red pen": 1, "paper": 2, "nothing": 0}) == 0.5
    assert utilization({}) == 0.0


def test_items_without_a_descriptor_need_resolvers_as_well() -> None:
    taggings = vocabulary((), (), (2,)).taggings
    assert resolver_share(taggings) == 1 / 3
    assert resolver_share([]) == 0.0


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([(), (2,), (2, 3), (2, 4), (5,), (6,)]), max_size=30))
def test_levels_only_lose_items_and_more_descriptors_tell_more_apart(paths: list[tuple[int, ...]]) -> None:
    others = dict.fromkeys(range(0, len(paths), 2), (5,))
    found = vocabulary_statistics(vocabulary(*paths, others=others))
    first, second = found.levels
    assert found.items >= first.items >= second.reachable >= second.items
    assert first.items == found.covered == found.items - len(found.uncovered)
    assert list(found.resolvers) == sorted(found.resolvers, reverse=True)
    assert 0 <= found.utilization <= 1
    assert found.utilization * found.descriptors + found.unused <= found.descriptors


def test_rounds_of_a_level_compare_on_the_same_items() -> None:
    groups = [group(1, 50, 80, 95), group(2, 90, node=2), group(2, 10, 30, items=50, node=5), group(2)]
    assert group_rounds(groups) == [
        GroupRounds(NodeId(1), 1, 100, (0.5, 0.8, 0.95)),
        GroupRounds(NodeId(2), 2, 100, (0.9,)),
        GroupRounds(NodeId(5), 2, 50, (0.2, 0.6)),
    ]
    assert round_coverage(groups) == [
        RoundCoverage(1, 1, 1, 0.5),
        RoundCoverage(1, 2, 1, 0.8),
        RoundCoverage(1, 3, 1, 0.95),
        RoundCoverage(2, 1, 2, 100 / 150),
        RoundCoverage(2, 2, 1, 120 / 150),
    ]
    assert coverage_steps(groups) == [
        Step(1, 1, (30.0,), 30.0, None),
        Step(1, 2, (15.0,), 15.0, None),
        Step(2, 1, (40.0,), 40.0, None),
    ]


def exact(deltas: list[float]) -> float:
    """The test by its definition: of all ways to sign the ranks, the share with a sum as high as this."""
    ranks = {delta: rank for rank, delta in enumerate(sorted(deltas, key=abs), start=1)}
    seen = sum(rank for delta, rank in ranks.items() if delta > 0)
    signs = list(product((0, 1), repeat=len(deltas)))
    sums = [sum(sign * rank for sign, rank in zip(each, ranks.values(), strict=True)) for each in signs]
    return sum(value >= seen for value in sums) / len(signs)


def test_the_signed_rank_test_is_the_one_of_the_definition() -> None:
    deltas = [4.0, -1.0, 3.0, 7.5, 2.0, -0.5, 6.0, 9.0]
    assert wilcoxon(deltas) == pytest.approx(exact(deltas))
    assert wilcoxon([1.0, 2.0, 3.0, 4.0, 5.0]) == 1 / 32
    assert wilcoxon([0.0, 1.0, 0.0, 2.0, 3.0, 4.0, 5.0]) == 1 / 32
    assert wilcoxon([-1.0, -2.0, -3.0, -4.0, -5.0]) == 1.0


def test_too_few_changes_are_not_tested() -> None:
    assert wilcoxon([1.0, 2.0, 3.0, 4.0]) is None
    assert wilcoxon([0.0] * 40) is None
    assert wilcoxon([]) is None


def test_equal_changes_tie() -> None:
    found = wilcoxon([5.0] * 12)
    assert found is not None
    assert found < 0.001
    (step,) = coverage_steps([group(1, 10, 40), *(group(1, each, each + 30) for each in range(1, 8))])
    assert step.deltas == (30.0,) * 8
