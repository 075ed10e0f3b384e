"""Where gold labels are found or lost, for one text and over a data set, by every policy."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEmbedder

from taxonaut import InputError, Item, NotFoundError, ScriptedModel, Workspace
from taxonaut.evaluation.attribution import attribute
from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelError, ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.label_outcomes import LabelOutcome

pytestmark = pytest.mark.slow

ROOT, CLOTHES, SPORTS, SHOES, HATS, BALLS = map(NodeId, range(1, 7))
NAMES = ["Shoes", "Hats", "Balls"]


def by_words(request: ModelRequest) -> Sequence[int] | ModelError:
    """Take what the text names, in its order; a text that ends in `!` fails at Clothes."""
    if "!" in request.text and any("Hats" in choice.texts[0] for choice in request.choices):
        return ModelUnavailableError("away")
    offered = {choice.texts[0].rpartition(" > ")[2].casefold(): choice.id for choice in request.choices}
    return [offered[word] for word in request.text.split() if word in offered] or [0]


def likeness(text: str) -> list[float]:
    """Any text is like Hats (0.9) and Balls (0.5), and unlike other labels."""
    near = {"Hats": 0.9, "Balls": 0.5, "Shoes": 0.0, "Nowhere": 0.0}.get(text, 1.0)
    return [near, (1 - near**2) ** 0.5]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workspace]:
    """Clothes > Shoes, Hats; Sports > Shoes (the same), Balls."""
    model = ScriptedModel(rule=by_words)
    embedder = FakeEmbedder("known", 2, likeness)
    folder = tmp_path / "shop"
    with Workspace.init(folder) as workspace:
        workspace.index.add_labels([Label(LabelId(name), name) for name in [*NAMES, "Nowhere"]])
        nodes = [TreeNode(1, "Clothes"), TreeNode(2, "Sports")]
        nodes += [TreeNode(key, name, label_id=LabelId(name)) for key, name in enumerate(NAMES, start=3)]
        edges = ((0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 5))
        places = [(key, LabelId(name)) for key, name in enumerate(NAMES, start=3)]
        workspace.index.load_tree(Tree("drawn", tuple(nodes), edges, (*places, (0, LabelId("Nowhere")))))
    settings: dict[str, Any] = {
        "models": {"navigator": model, "general_expert": model},
        "scoring": {"mix": 0.0, "centring": 0.0},
        "walk": {"shortlist": "tree", "candidates": 0},
    }
    with Workspace.open(folder, embedder=embedder, **settings) as workspace:
        yield workspace


def fate_of(shop: Workspace, text: str, label: str, **walk: Any) -> LabelOutcome:
    shop.classify([Item(ItemId(text), text)], **walk)
    (fate,) = shop.explain(ItemId(text), [LabelId(label)]).outcomes
    assert fate.label == label
    return fate


def test_found_and_its_place(shop: Workspace) -> None:
    assert fate_of(shop, "clothes shoes hats", "Hats") == LabelOutcome(LabelId("Hats"), "found", rank=2)


def test_a_branch_that_the_navigator_passed_by(shop: Workspace) -> None:
    assert fate_of(shop, "clothes shoes", "Hats") == LabelOutcome(
        LabelId("Hats"), "not opened", None, CLOTHES, HATS, 1, None, None, 2, SHOES, 1.0
    )
    assert fate_of(shop, "clothes shoes", "Balls") == LabelOutcome(
        LabelId("Balls"), "not opened", None, ROOT, SPORTS, 2, None, None, 2, CLOTHES, 1.0
    )


def test_the_way_that_got_furthest_counts(shop: Workspace) -> None:
    """Shoes stand under both; Sports was opened, Clothes was not."""
    assert fate_of(shop, "sports", "Shoes") == LabelOutcome(
        LabelId("Shoes"), "not opened", None, SPORTS, SHOES, 1, None, None, 2
    )


@pytest.mark.parametrize(
    ("walk", "outcome"),
    [
        ({"terminals": 1}, "budget"),
        ({"beam": 1}, "beam"),
        ({"threshold": 0.6}, "threshold"),
        ({"order": "depth", "terminals": 1}, "budget"),
        ({"order": "depth", "beam": 1}, "beam"),
        ({"order": "depth", "threshold": 0.6}, "threshold"),
    ],
)
def test_what_the_policy_left_closed(shop: Workspace, walk: dict[str, Any], outcome: str) -> None:
    assert fate_of(shop, "clothes sports shoes balls", "Balls", **walk) == LabelOutcome(
        LabelId("Balls"),
        outcome,
        None,
        ROOT,
        SPORTS,
        2,
        0.5,
        2,
        2,
        CLOTHES,
        1.0,  # type: ignore[arg-type]
    )


def test_a_decision_that_failed(shop: Workspace) -> None:
    shop.classify([Item(ItemId("a"), "clothes !"), Item(ItemId("b"), "sports balls")])
    (fate,) = shop.explain(ItemId("a"), [LabelId("Hats")]).outcomes
    assert fate == LabelOutcome(LabelId("Hats"), "failed", None, CLOTHES, HATS, 1, None, None, 2)


def test_ranked_low_and_cut(shop: Workspace) -> None:
    text = "clothes shoes hats"
    assert fate_of(shop, text, "Hats", top=1) == LabelOutcome(LabelId("Hats"), "ranked low")
    assert fate_of(shop, text, "Shoes", candidates=1) == LabelOutcome(LabelId("Shoes"), "cut")
    assert fate_of(shop, "none", "Balls", shortlist="both", dense=2, candidates=1) == LabelOutcome(
        LabelId("Balls"), "cut"
    )


def test_only_dense_retrieval(shop: Workspace) -> None:
    assert fate_of(shop, "clothes", "Shoes", shortlist="dense", dense=1) == LabelOutcome(
        LabelId("Shoes"), "not reached"
    )


def test_an_anchored_walk(shop: Workspace) -> None:
    anchored = {"start": "anchored", "anchors": 1}
    assert fate_of(shop, "hats shoes", "Shoes", **anchored) == LabelOutcome(LabelId("Shoes"), "found", rank=2)
    assert fate_of(shop, "hats", "Shoes", **anchored) == LabelOutcome(
        LabelId("Shoes"), "not opened", None, CLOTHES, SHOES, 1, None, None, 2, HATS, 1.0
    )
    assert fate_of(shop, "hats shoes", "Balls", **anchored, terminals=1) == LabelOutcome(
        LabelId("Balls"), "not opened", None, ROOT, SPORTS, 2, None, None, 2, CLOTHES
    )
    (shoes,) = shop.explain(ItemId("hats shoes"), [LabelId("Shoes")]).outcomes
    assert shoes == LabelOutcome(LabelId("Shoes"), "budget", None, CLOTHES, SHOES, 1, 0.5, 2, 2, HATS, 1.0)
    assert fate_of(shop, "things", "Balls", **anchored, threshold=1.0) == LabelOutcome(
        LabelId("Balls"), "not reached"
    )


def test_a_label_that_is_none(shop: Workspace) -> None:
    shop.classify([Item(ItemId("a"), "clothes")])
    with pytest.raises(InputError, match="no label 'Gloves' in this workspace"):
        shop.explain(ItemId("a"), [LabelId("Gloves")])


def test_a_changed_index_is_explained_as_far_as_it_still_stands(shop: Workspace) -> None:
    shop.classify([Item(ItemId("a"), "clothes shoes")])
    shop.index.load_tree(Tree("other", (), (), tuple((0, LabelId(name)) for name in [*NAMES, "Nowhere"])))
    told = shop.explain(ItemId("a"), [LabelId("Shoes")])
    assert (told.index_changed, [fate.outcome for fate in told.outcomes]) == (True, ["found"])
    assert [step.name for step in told.root.steps] == [f"node {CLOTHES}", f"node {SPORTS}"]


def row(id_: str, text: str, *gold: str) -> ItemRow:
    return ItemRow(Item(ItemId(id_), text), tuple(map(LabelId, gold)), id_)


def test_the_nodes_that_lose_most(shop: Workspace) -> None:
    rows = [
        row("a", "clothes shoes", "Shoes", "Balls"),
        row("b", "clothes hats", "Shoes", "Balls"),
        row("c", "sports clothes", "Balls", "Hats"),
        row("d", "hats", "Hats"),
        row("e", "sports balls"),
        row("f", "never", "Hats"),
    ]
    shop.classify([each.item for each in rows[:5]])
    found = attribute(shop, rows)
    assert (found.items, found.not_walked, found.gold) == (4, 1, 7)
    assert found.outcomes == {"not opened": 6, "found": 1}
    seen = [
        (
            node.node_id,
            node.path,
            dict(node.branches),
            [(loss.item_id, loss.outcome.label) for loss in node.losses],
        )
        for node in found.nodes
    ]
    assert seen == [
        (ROOT, (), {SPORTS: 2, CLOTHES: 1}, [("a", "Balls"), ("b", "Balls"), ("d", "Hats")]),
        (CLOTHES, ("Clothes",), {SHOES: 1, HATS: 1}, [("b", "Shoes"), ("c", "Hats")]),
        (SPORTS, ("Sports",), {BALLS: 1}, [("c", "Balls")]),
    ]


def test_attribution_is_the_same_as_explaining_each_text(shop: Workspace) -> None:
    texts = ["clothes shoes", "sports", "clothes sports balls hats", "hats", "x"]
    rows = [row(text, text, *NAMES) for text in texts]
    policies: list[dict[str, Any]] = [
        {},
        {"order": "depth", "terminals": 1},
        {"start": "anchored", "anchors": 2, "terminals": 1},
        {"start": "anchored", "anchors": 1, "order": "depth", "beam": 1},
        {"shortlist": "both", "dense": 1, "candidates": 1},
    ]
    for walk in policies:
        shop.classify([each.item for each in rows], **walk)
        found = attribute(shop, rows)
        lost = {(loss.item_id, loss.outcome) for node in found.nodes for loss in node.losses}
        lost |= {(loss.item_id, loss.outcome) for loss in found.elsewhere}
        each = [(r.item.id, fate) for r in rows for fate in shop.explain(r.item.id, r.gold).outcomes]
        assert lost == {(item, fate) for item, fate in each if fate.outcome != "found"}
        assert found.gold == len(each)


def test_attribution_needs_a_walk(shop: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no walk of these texts is stored"):
        attribute(shop, [row("a", "clothes", "Hats")])
