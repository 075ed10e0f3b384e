"""Labels that come later: the split, the three readings by hand, the indexes, a kill while one grows."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.evaluation import scratch
from taxonaut.evaluation.incremental import (
    IncrementalReport,
    Split,
    aincremental,
    round_titles,
    score_outcomes,
    split_labels,
)
from taxonaut.evaluation.methods.method import Outcome
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

TEN = [LabelId(letter) for letter in "abcdefghij"]


async def shelve(workspace: Workspace, labels: Sequence[Label]) -> None:
    """Add labels in a node of their own."""
    with workspace.database.write():
        workspace.index.add_labels(labels)
        node = workspace.index.create_node(workspace.index.root(), "New things")
        for label in labels:
            workspace.index.place(label.id, [node])


def of(letters: str) -> tuple[LabelId, ...]:
    return tuple(map(LabelId, letters))


def test_a_split_is_a_partition_that_the_seed_decides() -> None:
    split = split_labels(TEN, seed=4, share=0.3)
    assert (len(split.known), len(split.later), sorted(split.known + split.later)) == (3, 7, TEN)
    assert split == split_labels(TEN, seed=4, share=0.3) != split_labels(TEN, seed=5, share=0.3)


@given(st.integers(2, 40), st.integers(0, 99), st.floats(0.01, 0.99))
def test_both_parts_hold_labels_in_the_order_of_the_index(count: int, seed: int, share: float) -> None:
    labels = [LabelId(f"{number:02}") for number in range(count)]
    split = split_labels(labels, seed, share)
    assert split.known
    assert split.later
    assert sorted(split.known + split.later) == labels
    assert list(split.known) == sorted(split.known)
    assert list(split.later) == sorted(split.later)


@pytest.mark.parametrize(
    ("labels", "share", "said"),
    [
        (TEN, 1.0, "invalid share of labels known first: 1.0; give a number between 0 and 1"),
        (TEN, -1.0, "invalid share of labels known first: -1.0; give a number between 0 and 1"),
        (TEN[:1], 0.5, "splitting labels needs at least 2 of them, and there are 1; import more"),
    ],
)
def test_splits_that_cannot_be(labels: list[LabelId], share: float, said: str) -> None:
    with pytest.raises(InputError) as caught:
        split_labels(labels, 0, share)
    assert str(caught.value) == said


def test_the_three_readings_by_hand(shop: Workspace) -> None:
    """Y1 is boots and bread. The first text has one label of each part, the second one of Y0, the third of Y1."""
    ids = shop.index.label_ids()
    later = of_names("boots", "bread")
    split = Split(0, tuple(label for label in ids if label not in later), later)
    gold = {"one": ("shoes", "boots"), "two": ("apples",), "three": ("bread",)}
    found = {"one": ("shoes", "boots", "tents"), "two": ("bread", "apples"), "three": ("apples", "bread")}
    rows = [ItemRow(Item(ItemId(name), name), of_names(*labels)) for name, labels in gold.items()]
    outcome = Outcome({ItemId(name): of_names(*labels) for name, labels in found.items()})
    made = score_outcomes(shop, rows, split, "kmeans", {("navigate", "grown"): outcome}, (1, 2))
    (method,) = made.methods
    assert (made.items, made.items_later) == (3, 2)
    readings = {
        name: (quality.scores.items, quality.scores.precision, quality.scores.recall)
        for name, quality in (
            ("inc", method.inc),
            ("inc_offered", method.inc_offered),
            ("overall", method.overall),
        )
        if quality.scores is not None
    }
    assert readings == {
        "inc": (2, {1: 0.0, 2: 0.5}, {1: 0.0, 2: 1.0}),
        "inc_offered": (2, {1: 1.0, 2: 0.5}, {1: 1.0, 2: 1.0}),
        "overall": (
            3,
            {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3)},
            {1: pytest.approx(1 / 6), 2: 1.0},
        ),
    }


def of_names(*names: str) -> tuple[LabelId, ...]:
    return tuple(map(LabelId, names))


async def run(shop: Workspace, rows: Sequence[ItemRow], methods: Sequence[str]) -> IncrementalReport:
    return await aincremental(shop, rows, methods, seed=1, grow=shelve)


async def test_methods_that_walk_run_over_both_indexes(shop: Workspace, rows: list[ItemRow]) -> None:
    version, names = shop.index.version(), ["navigate", "dense", "kmeans-index:shortlist=tree", "bm25"]
    assert round_titles(names) == [
        "navigate grown", "navigate whole", "dense",
        "kmeans-index:shortlist=tree grown", "kmeans-index:shortlist=tree whole", "bm25",
    ]  # fmt: skip
    made = await run(shop, rows, names)
    assert [f"{each.method} {each.index}".rstrip() for each in made.methods] == round_titles(names)
    assert (len(made.split.known), len(made.split.later), made.build) == (4, 4, "kmeans")
    assert shop.index.version() == version
    for each in made.methods:
        for quality in (each.inc, each.inc_offered, each.overall):
            assert quality.scores is not None
            assert (each.method, quality.scores.rp[3]) == (each.method, 1.0)
    again = await run(shop, rows, names)
    assert [each.asked for each in again.methods] == [0] * len(again.methods)
    assert [each.predictions for each in again.methods] == [each.predictions for each in made.methods]


async def test_labels_keep_the_text_they_are_compared_by(shop: Workspace) -> None:
    labels = scratch.flat_labels(shop)
    assert [label.name for label in labels[:2]] == [
        "Sport > Shoes > Running shoes",
        "Sport > Shoes > Hiking boots",
    ]
    with scratch.open_workspace(shop, shop.folder / "scratch" / "test") as other:
        await scratch.build_tree(other, labels, "kmeans", {})
        assert other.wiring.label_texts() == shop.wiring.label_texts()


def kinds(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in folder.iterdir()}


async def test_an_index_that_was_killed_while_it_grew_is_grown_again(
    shop: Workspace, rows: list[ItemRow]
) -> None:
    async def killed(workspace: Workspace, labels: Sequence[Label]) -> None:
        await shelve(workspace, labels[:1])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await aincremental(shop, rows, ["navigate"], seed=1, grow=killed)
    made = await run(shop, rows, ["navigate"])
    assert kinds(shop.folder / "scratch") == {"first-kmeans", "grown-kmeans", "whole-kmeans"}
    with scratch.open_workspace(shop, next(iter((shop.folder / "scratch").glob("grown-*")))) as grown:
        assert grown.index.label_ids() == [*made.split.known, *made.split.later]
        assert grown.index.stats().labels_unplaced == 0


async def test_a_method_of_building_that_there_is_not(shop: Workspace, rows: list[ItemRow]) -> None:
    with pytest.raises(InputError, match="there is no method 'magic'"):
        await aincremental(shop, rows, ["navigate"], build="magic", grow=shelve)
