"""The thresholds of a vocabulary's build."""

from dataclasses import replace

import pytest

from taxonaut.graphs.policies import VocabularyPolicy
from taxonaut.state.errors import InputError
from taxonaut.state.graph_states.build_index import Partition
from taxonaut.state.graph_states.build_vocabulary import ItemGroup
from taxonaut.state.ids import ItemId

POLICY = VocabularyPolicy()


def group(count: int, key: str = "0", *path: str) -> ItemGroup:
    return Partition(key, path, tuple(ItemId(str(number)) for number in range(count)))


def test_the_paper_s_values_are_the_defaults() -> None:
    assert (POLICY.categories, POLICY.split_threshold, POLICY.max_refinement_cycles) == (15, 30, 3)
    assert (POLICY.coverage, POLICY.branching, POLICY.depth) == (0.95, 1, 6)


@pytest.mark.parametrize(
    ("given", "divided"),
    [
        (group(29, "0", "a"), False),
        (group(30, "0", "a"), True),
        (group(30, "0.1.2.3.4", *"abcde"), True),
        (group(30, "0.1.2.3.4.5", *"abcdef"), False),
        (group(1, ""), False),
        (group(2, ""), True),
    ],
)
def test_which_groups_are_divided(given: ItemGroup, divided: bool) -> None:
    assert POLICY.divides(given) == divided


def test_fewer_descriptors_are_proposed_for_fewer_items() -> None:
    counts = (2, 20, 30, 60, 100, 120, 10_000)
    assert [POLICY.wanted(group(count)) for count in counts] == [2, 2, 4, 8, 12, 15, 15]
    single = replace(POLICY, per_descriptor=1)
    assert [single.wanted(group(count)) for count in (2, 3, 9)] == [2, 3, 9]


@pytest.mark.parametrize(
    ("items", "uncovered", "covered"),
    [
        (100, 19, True),
        (100, 20, False),
        (1000, 49, True),
        (1000, 50, False),  # 95 %: enough is more than that
        (400, 20, False),
        (401, 20, True),
        (3, 3, True),
    ],
)
def test_when_a_group_is_covered(items: int, uncovered: int, covered: bool) -> None:
    assert POLICY.is_covered(items, uncovered) == covered


def test_all_may_be_asked_to_be_covered() -> None:
    strict = VocabularyPolicy(anomaly_threshold=1, coverage=1.0)
    assert (strict.is_covered(1000, 1), strict.is_covered(1000, 0)) == (False, True)


def test_clusters_have_about_as_many_items_as_call_for_a_round() -> None:
    assert [POLICY.clusters(count) for count in (1, 20, 49, 51, 190, 5000)] == [1, 1, 2, 3, 10, 10]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("categories", 1, "categories is 1; it must be at least 2"),
        ("split_threshold", 1, "split_threshold is 1; it must be at least 2"),
        ("per_descriptor", 0, "per_descriptor is 0; it must be at least 1"),
        ("max_refinement_cycles", -1, "max_refinement_cycles is -1; it must be at least 0"),
        ("anomaly_threshold", 0, "anomaly_threshold is 0; it must be at least 1"),
        ("proposals", 0, "proposals is 0; it must be at least 1"),
        ("branching", -1, "branching is -1; it must be at least 0"),
        ("depth", 0, "depth is 0; it must be at least 1"),
        ("smallest", 0, "smallest is 0; it must be at least 1"),
        ("coverage", 0.0, "coverage is 0.0; it must be above 0 and at most 1"),
        ("coverage", 1.5, "coverage is 1.5; it must be above 0 and at most 1"),
    ],
)
def test_thresholds_that_cannot_be(name: str, value: float, message: str) -> None:
    with pytest.raises(InputError) as caught:
        VocabularyPolicy(**{name: value})  # type: ignore[arg-type]
    assert str(caught.value) == message
