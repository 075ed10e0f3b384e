"""Labels are retired, restored, merged, split and moved, get other ids, and each of it is undone exactly."""

import pytest

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.diff import diff
from taxonaut.state.index.index import Index
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode

KITCHEN, KETTLES, TOASTERS, GARDEN, HOSES = (
    LabelId(id_) for id_ in ("kitchen", "kettles", "toasters", "garden", "hoses")
)
NAMES = {KITCHEN: "Kitchen", KETTLES: "Kettles", TOASTERS: "Toasters", GARDEN: "Garden", HOSES: "Hoses"}
START = ["Garden", "Garden > Hoses", "Kitchen", "Kitchen > Kettles", "Kitchen > Toasters"]


@pytest.fixture
def shop(index: Index) -> Index:
    index.add_labels([Label(id_, name, alternatives=(f"{name} etc",)) for id_, name in NAMES.items()])
    nodes = (
        TreeNode(1, "Kitchen", label_id=KITCHEN),
        TreeNode(2, "Garden", "all outside", label_id=GARDEN),
    )
    places = ((1, KITCHEN), (1, KETTLES), (1, TOASTERS), (2, GARDEN), (2, HOSES))
    index.load_tree(Tree(NATIVE, nodes, ((0, 1), (0, 2)), places))
    return index


def paths(index: Index) -> list[str]:
    return sorted(" > ".join(path) for paths in index.paths_of(index.label_ids()).values() for path in paths)


def mapped(index: Index) -> list[tuple[str, tuple[str, ...], str, str]]:
    return [(each.old, each.new, each.kind, each.reason) for each in index.mappings()]


def undone(index: Index, start: object) -> bool:
    """Undo the last change and compare with a snapshot of the beginning."""
    index.undo()
    now = index.snapshot()
    return diff(start, now).is_empty and dict(start.mappings) == dict(now.mappings)  # type: ignore[arg-type,attr-defined]


def test_a_retired_leaf_is_answered_no_more_and_comes_back(shop: Index) -> None:
    start = shop.snapshot()
    shop.retire_labels([TOASTERS], replaced_by={TOASTERS: [KETTLES]}, reason="none sold")
    assert paths(shop) == ["Garden", "Garden > Hoses", "Kitchen", "Kitchen > Kettles"]
    assert mapped(shop) == [(TOASTERS, (KETTLES,), "retired", "none sold")]
    assert (shop.has_label(TOASTERS), shop.is_retired(TOASTERS), shop.knows_id(TOASTERS)) == (
        False,
        True,
        True,
    )
    assert shop.label(TOASTERS).name == "Toasters"
    assert (shop.search("toasters"), shop.labels_named(["Toasters"])) == ([], [])
    assert [label.id for label in shop.search("toasters", retired=True)] == [TOASTERS]
    assert (shop.stats().labels, shop.stats().labels_retired, shop.stats().labels_unplaced) == (4, 1, 0)
    shop.restore_labels([TOASTERS])
    assert (paths(shop), mapped(shop)) == (START, [])
    assert diff(start, shop.snapshot()).is_empty
    assert shop.snapshot().labels_at == start.labels_at
    shop.undo()
    assert undone(shop, start)


def test_what_is_below_a_retired_category_goes_to_its_parents_or_its_replacement(shop: Index) -> None:
    start = shop.snapshot()
    shop.retire_labels([KITCHEN])
    assert paths(shop) == ["Garden", "Garden > Hoses", "Kettles", "Toasters"]
    shop.restore_labels([KITCHEN])
    assert paths(shop) == START
    assert dict(shop.snapshot().nodes) == dict(start.nodes)
    shop.undo()
    assert undone(shop, start)
    shop.retire_labels([KITCHEN], replaced_by={KITCHEN: [GARDEN]})
    assert paths(shop) == ["Garden", "Garden > Hoses", "Garden > Kettles", "Garden > Toasters"]
    assert undone(shop, start)


def test_a_label_is_restored_where_its_place_is_gone_or_the_tree_is_another(shop: Index) -> None:
    shop.retire_labels([KETTLES, KITCHEN])
    shop.restore_labels([KETTLES])
    assert paths(shop) == ["Garden", "Garden > Hoses", "Kettles", "Toasters"]
    shop.restore_labels([KITCHEN])
    assert paths(shop) == ["Garden", "Garden > Hoses", "Kettles", "Kitchen", "Kitchen > Toasters"]
    shop.retire_labels([HOSES])
    nodes = (TreeNode(1, "Garden", label_id=GARDEN),)
    places = ((0, KETTLES), (0, KITCHEN), (0, TOASTERS), (1, GARDEN))
    shop.load_tree(Tree(NATIVE, nodes, ((0, 1),), places))
    shop.restore_labels([HOSES])
    assert paths(shop) == ["Garden", "Garden > Hoses", "Kettles", "Kitchen", "Toasters"]


def test_merging_leaves_unites_names_and_places(shop: Index) -> None:
    start = shop.snapshot()
    shop.merge_labels(KETTLES, [TOASTERS, HOSES], reason="one shelf")
    assert paths(shop) == ["Garden", "Garden > Kettles", "Kitchen", "Kitchen > Kettles"]
    assert shop.label(KETTLES).alternatives == (
        "Kettles etc", "Toasters", "Toasters etc", "Hoses", "Hoses etc",
    )  # fmt: skip
    assert mapped(shop) == [
        (TOASTERS, (KETTLES,), "merged", "one shelf"),
        (HOSES, (KETTLES,), "merged", "one shelf"),
    ]
    found = diff(start, shop.snapshot())
    assert [each.id for each in found.labels_retired] == [TOASTERS, HOSES]
    shop.restore_labels([HOSES])
    assert shop.label(KETTLES).alternatives == ("Kettles etc", "Toasters", "Toasters etc")
    assert "Garden > Hoses" in paths(shop)
    shop.undo()
    assert undone(shop, start)


@pytest.mark.parametrize(
    ("keep", "away", "expected"),
    [
        (KITCHEN, GARDEN, ["Kitchen", "Kitchen > Hoses", "Kitchen > Kettles", "Kitchen > Toasters"]),
        (KETTLES, KITCHEN, ["Garden", "Garden > Hoses", "Kettles", "Kettles > Toasters"]),
        (KITCHEN, KETTLES, ["Garden", "Garden > Hoses", "Kitchen", "Kitchen > Kitchen", "Kitchen > Toasters"]),
        (
            HOSES,
            KITCHEN,
            ["Garden", "Garden > Hoses", "Garden > Hoses > Kettles", "Garden > Hoses > Toasters", "Hoses",
             "Hoses > Kettles", "Hoses > Toasters"],
        ),
    ],
)  # fmt: skip
def test_merging_categories_keeps_what_is_below(
    shop: Index, keep: LabelId, away: LabelId, expected: list[str]
) -> None:
    start = shop.snapshot()
    shop.merge_labels(keep, [away])
    assert paths(shop) == [path for path in expected if path != "Kitchen > Kitchen"]
    assert shop.resolve(away).labels == (keep,)
    assert undone(shop, start)


def test_a_split_label_is_ambiguous(shop: Index) -> None:
    start = shop.snapshot()
    new = [
        Label(LabelId("slot"), "Slot toasters"),
        Label(LabelId("oven"), "Toaster ovens"),
        Label(KETTLES, ""),
    ]
    shop.split_label(TOASTERS, new, reason="two kinds")
    assert paths(shop) == [
        "Garden", "Garden > Hoses", "Kitchen", "Kitchen > Kettles", "Kitchen > Slot toasters",
        "Kitchen > Toaster ovens",
    ]  # fmt: skip
    found = shop.resolve(TOASTERS)
    assert (found.labels, found.kind) == (("slot", "oven", KETTLES), "ambiguous")
    assert shop.label(KETTLES).name == "Kettles"
    assert undone(shop, start)
    with pytest.raises(InputError, match="at least two"):
        shop.split_label(TOASTERS, new[:1])


def test_another_id_maps_the_former_one_and_may_be_given_back(shop: Index) -> None:
    start = shop.snapshot()
    shop.reid_labels({TOASTERS: LabelId("t1")}, reason="codes")
    assert (paths(shop), mapped(shop)) == (START, [(TOASTERS, ("t1",), "renamed", "codes")])
    with pytest.raises(NotFoundError, match="former id of 't1'"):
        shop.label(TOASTERS)
    shop.reid_labels({LabelId("t1"): LabelId("t2")})
    assert shop.resolve(TOASTERS).labels == ("t2",)
    found = diff(start, shop.snapshot())
    assert [(each.former, each.id) for each in found.labels_reidentified] == [(TOASTERS, "t2")]
    assert not found.labels_inserted + found.labels_gone + found.labels_moved
    shop.reid_labels({LabelId("t2"): TOASTERS})
    assert [each[:2] for each in mapped(shop)] == [("t1", ("t2",)), ("t2", (TOASTERS,))]
    assert shop.resolve(LabelId("t1")).labels == (TOASTERS,)
    shop.undo()
    shop.undo()
    assert undone(shop, start)


def test_an_inner_category_gets_another_id_in_its_node_too(shop: Index) -> None:
    start = shop.snapshot()
    shop.reid_labels({KITCHEN: LabelId("k")})
    assert shop.children(shop.root())[0].label_id == "k"
    assert diff(start, shop.snapshot()).edited == ()
    assert undone(shop, start)
    assert shop.children(shop.root())[0].label_id == KITCHEN


def test_chains_of_mappings_lead_to_the_present_labels(shop: Index) -> None:
    shop.merge_labels(KETTLES, [TOASTERS])
    shop.reid_labels({KETTLES: LabelId("k2")})
    shop.split_label(LabelId("k2"), [Label(LabelId("x"), "X"), Label(HOSES, "")])
    assert shop.resolve(TOASTERS).labels == ("x", HOSES)
    assert [step.kind for step in shop.resolve(TOASTERS).steps] == ["merged", "renamed", "split"]
    shop.retire_labels([LabelId("x")])
    assert (shop.resolve(TOASTERS).labels, shop.resolve(TOASTERS).kind) == ((HOSES,), "mapped")
    shop.retire_labels([HOSES])
    assert shop.resolve(TOASTERS).kind == "gone"
    assert shop.resolve(LabelId("never")).kind == "unknown"
    assert shop.resolve(KITCHEN).kind == "live"


def test_labels_move_with_all_below_them(shop: Index) -> None:
    start = shop.snapshot()
    kitchen, garden = (node.id for node in shop.children(shop.root()))
    shop.move_label(KETTLES, garden)
    assert "Garden > Kettles" in paths(shop)
    assert undone(shop, start)
    shop.move_label(KITCHEN, garden)
    assert "Garden > Kitchen > Kettles" in paths(shop)
    assert undone(shop, start)
    with pytest.raises(InputError, match="nothing to move"):
        shop.move_label(KETTLES, kitchen)
    shop.place(KETTLES, [garden])
    with pytest.raises(InputError, match="is in 2 nodes"):
        shop.move_label(KETTLES, shop.root())
    shop.move_label(KETTLES, shop.root(), kitchen)
    assert "Kettles" in paths(shop)


def test_what_cannot_be_done_to_labels_is_refused(shop: Index) -> None:
    shop.retire_labels([TOASTERS])
    kitchen = shop.children(shop.root())[0].id
    before = shop.version()
    refused = [
        (lambda: shop.retire_labels([TOASTERS]), "'toasters' is retired since"),
        (lambda: shop.retire_labels([HOSES], replaced_by={HOSES: [TOASTERS]}), "'toasters' is retired"),
        (lambda: shop.retire_labels([HOSES], replaced_by={HOSES: [HOSES]}), "cannot be replaced by 'hoses'"),
        (lambda: shop.merge_labels(HOSES, [HOSES]), "into itself"),
        (lambda: shop.merge_labels(HOSES, [TOASTERS]), "is retired"),
        (lambda: shop.restore_labels([HOSES]), "is not retired"),
        (lambda: shop.reid_labels({HOSES: TOASTERS}), "which is retired"),
        (lambda: shop.reid_labels({HOSES: KETTLES}), "which is a label's"),
        (lambda: shop.reid_labels({HOSES: LabelId(" ")}), "is empty"),
        (lambda: shop.add_labels([Label(TOASTERS, "Toasters")]), "taxonaut labels restore toasters"),
        (lambda: shop.place(TOASTERS, [kitchen]), "restore it first"),
        (lambda: shop.place_many([(TOASTERS, kitchen)]), "restore it first"),
        (
            lambda: shop.load_tree(Tree("x", (), (), ((0, TOASTERS),)), allow_unplaced=True),
            "restore it first",
        ),
    ]
    for call, message in refused:
        with pytest.raises(InputError, match=message):
            call()
    with pytest.raises(NotFoundError, match="no label 'nothing'"):
        shop.retire_labels([LabelId("nothing")])
    assert shop.version() == before


def test_changes_that_others_rest_on_are_not_undone_before_them(shop: Index) -> None:
    shop.retire_labels([TOASTERS])
    first = shop.version()
    shop.restore_labels([TOASTERS])
    with pytest.raises(InputError, match="undo that first"):
        shop.undo_change(first)
    shop.reid_labels({TOASTERS: LabelId("t")})
    named = shop.version()
    shop.rename_labels({LabelId("t"): "Toasting"})
    with pytest.raises(InputError, match="undo that first"):
        shop.undo_change(named)


def test_labels_without_a_place_are_retired_too(index: Index) -> None:
    index.add_labels([Label(LabelId("a"), "A"), Label(LabelId("b"), "B")])
    index.retire_labels([LabelId("a")], replaced_by={LabelId("a"): [LabelId("b")]})
    assert index.label_ids() == ["b"]
    index.restore_labels([LabelId("a")])
    assert (index.label_ids(), index.placements_of(LabelId("a"))) == (["a", "b"], [])


def test_alternative_names_are_replaced_and_undone(shop: Index) -> None:
    start = shop.snapshot()
    shop.set_alternatives({KETTLES: ["Water  boilers", "kettles", "", "Water boilers"], HOSES: ["Hoses etc"]})
    assert shop.label(KETTLES).alternatives == ("Water boilers",)
    found = diff(start, shop.snapshot()).labels_called
    assert [(each.id, each.former, each.present) for each in found] == [
        (KETTLES, ("Kettles etc",), ("Water boilers",))
    ]
    assert undone(shop, start)


def test_a_label_in_an_inner_node_of_several_parents_returns_to_all_of_them(shop: Index) -> None:
    kitchen, garden = (node.id for node in shop.children(shop.root()))
    shop.add_edge(garden, kitchen)
    start = shop.snapshot()
    shop.retire_labels([KITCHEN])
    assert sorted(NodeId(node) for node in shop.placements_of(KETTLES)) == [shop.root(), garden]
    shop.restore_labels([KITCHEN])
    assert diff(start, shop.snapshot()).is_empty
