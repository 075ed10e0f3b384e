"""`explain`: an item's walk as a tree, drawn here as text and compared whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut import Item, ScriptedModel, Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelError, ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.walk.explanation import Step

TEXT = "clothes sports shoes balls"


def by_words(request: ModelRequest) -> Sequence[int] | ModelError:
    wanted = request.text.casefold()
    return [c.id for c in request.choices if c.texts[0].rpartition(" > ")[2].casefold() in wanted] or [0]


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(rule=by_words)


@pytest.fixture
def shop(tmp_path: Path, model: ScriptedModel) -> Iterator[Workspace]:
    """Clothes > Shoes, Hats; Sports > Shoes (the same), Balls."""
    folder = tmp_path / "shop"
    with Workspace.init(folder) as workspace:
        names = ["Shoes", "Hats", "Balls"]
        workspace.index.add_labels([Label(LabelId(name), name) for name in names])
        nodes = [TreeNode(1, "Clothes"), TreeNode(2, "Sports")]
        nodes += [TreeNode(key, name, label_id=LabelId(name)) for key, name in enumerate(names, start=3)]
        edges = ((0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 5))
        places = tuple((key, LabelId(name)) for key, name in enumerate(names, start=3))
        workspace.index.load_tree(Tree("drawn", tuple(nodes), edges, places))
    settings: dict[str, Any] = {
        "models": {"navigator": model, "general_expert": model},
        "walk": {"shortlist": "tree", "candidates": 0},
    }
    with Workspace.open(folder, **settings) as workspace:
        yield workspace


def drawn(step: Step, depth: int = 0) -> list[str]:
    """A walk as lines: + opened, - passed by; the labels a node holds in brackets."""
    held = f" [{', '.join(step.labels)}]" if step.labels else ""
    error = f" !{step.error}" if step.error else ""
    lines = [f"{'  ' * depth}{'+' if step.opened else '-'} {step.name or 'root'}{held}{error}"]
    for child in sorted(step.steps, key=lambda child: (not child.opened, child.name)):
        lines += drawn(child, depth + 1)
    return lines


def explained(shop: Workspace, text: str) -> list[str]:
    return drawn(shop.explain(ItemId(text)).root)


def classify(shop: Workspace, *texts: str, **walk: Any) -> None:
    shop.classify([Item(ItemId(text), text) for text in texts], **walk)


def test_a_walk_is_drawn_as_the_tree_it_took(shop: Workspace) -> None:
    classify(shop, "clothes shoes", "sports")
    assert explained(shop, "clothes shoes") == [
        "+ root",
        "  + Clothes",
        "    + Shoes [Shoes]",
        "    - Hats",
        "  - Sports",
    ]
    assert explained(shop, "sports") == ["+ root", "  + Sports", "    - Balls", "    - Shoes", "  - Clothes"]


def test_a_node_with_two_parents_stands_under_both(shop: Workspace) -> None:
    classify(shop, TEXT)
    assert explained(shop, TEXT) == [
        "+ root",
        "  + Clothes",
        "    + Shoes [Shoes]",
        "    - Hats",
        "  + Sports",
        "    + Balls [Balls]",
        "    + Shoes [Shoes]",
    ]


def test_what_stands_beside_the_walk(shop: Workspace) -> None:
    classify(shop, TEXT)
    told = shop.explain(ItemId(TEXT))
    (result,) = shop.classify([Item(ItemId(TEXT), TEXT)])
    assert told.item == Item(ItemId(TEXT), TEXT)
    assert (told.requests, told.candidates) == (4, 2)
    assert told.ranking == result.labels
    assert {label.label_id for label in told.ranking} == {"Shoes", "Balls"}


def test_what_the_budget_dropped_is_not_drawn_as_opened(shop: Workspace) -> None:
    classify(shop, TEXT, terminals=1)
    lines = explained(shop, TEXT)
    assert sum(line.lstrip().startswith("+") for line in lines) == 3
    dropped = [step.name for step in shop.explain(ItemId(TEXT)).root.steps if step.dropped]
    assert len(dropped) == 1


def test_an_abstention_passes_everything_by(shop: Workspace) -> None:
    classify(shop, "x")
    assert explained(shop, "x") == ["+ root", "  - Clothes", "  - Sports"]
    assert shop.explain(ItemId("x")).ranking == ()


def test_an_error_is_drawn_where_it_happened_and_gone_once_mended(
    shop: Workspace, model: ScriptedModel
) -> None:
    def rule(request: ModelRequest) -> Sequence[int] | ModelError:
        if request.text == "clothes hats" and "Hats" in request.context:
            return ModelUnavailableError("away")
        return by_words(request)

    model.rule = rule
    classify(shop, "clothes hats", "sports")
    assert explained(shop, "clothes hats") == [
        "+ root",
        "  + Clothes !away",
        "    - Hats",
        "    - Shoes",
        "  - Sports",
    ]
    model.rule = by_words
    classify(shop, "clothes hats")
    assert explained(shop, "clothes hats") == [
        "+ root",
        "  + Clothes",
        "    + Hats [Hats]",
        "    - Shoes",
        "  - Sports",
    ]


def test_the_latest_walk_is_told(shop: Workspace) -> None:
    classify(shop, TEXT)
    classify(shop, TEXT, terminals=1)
    assert sum(line.lstrip().startswith("+") for line in explained(shop, TEXT)) == 3
    shop.classify([Item(ItemId(TEXT), "sports balls")])
    assert explained(shop, TEXT) == [
        "+ root",
        "  + Sports",
        "    + Balls [Balls]",
        "    - Shoes",
        "  - Clothes",
    ]
