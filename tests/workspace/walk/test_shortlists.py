"""Shortlists without ranking, models opened once, and walks of every policy that go on after a failure."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from taxonaut import InputError, Item, ScriptedModel, Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.state.errors import ModelError, ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.updates import OnUpdate, Progress
from taxonaut.workspace.walk.shortlists import ShortlistResult

pytestmark = pytest.mark.slow

ROLE = {"model": "hosted_vllm/test"}


def counting(done: list[int]) -> OnUpdate:
    """Note how much is done each time that progress is told."""
    return lambda update: done.append(update.done) if isinstance(update, Progress) else None


def by_words(request: ModelRequest) -> Sequence[int] | ModelError:
    offered = {choice.texts[0].rpartition(" > ")[2].casefold(): choice.id for choice in request.choices}
    return [offered[word] for word in request.text.split() if word in offered] or [0]


@pytest.fixture
def model() -> ScriptedModel:
    """Answers by the text's words."""
    return ScriptedModel(rule=by_words)


@pytest.fixture
def shop(tmp_path: Path, model: ScriptedModel) -> Iterator[Workspace]:
    """Clothes > Hats, Shoes; Sports > Balls; nodes 2 to 6."""
    names = ["Hats", "Shoes", "Balls"]
    with Workspace.init(tmp_path / "shop") as workspace:
        workspace.index.add_labels([Label(LabelId(name), name) for name in names])
        nodes = [TreeNode(1, "Clothes"), TreeNode(2, "Sports")]
        nodes += [TreeNode(key, name, label_id=LabelId(name)) for key, name in enumerate(names, start=3)]
        places = tuple((key, LabelId(name)) for key, name in enumerate(names, start=3))
        edges = ((0, 1), (0, 2), (1, 3), (1, 4), (2, 5))
        workspace.index.load_tree(Tree("drawn", tuple(nodes), edges, places))
    settings: dict[str, Any] = {
        "models": {"navigator": model, "general_expert": model},
        "walk": {"shortlist": "tree", "candidates": 0},
    }
    with Workspace.open(tmp_path / "shop", **settings) as workspace:
        yield workspace


def test_what_a_walk_hands_on(shop: Workspace) -> None:
    done: list[int] = []
    items = [
        Item(ItemId("a"), "clothes shoes hats"),
        Item(ItemId("b"), " "),
        Item(ItemId("c"), "sports balls"),
    ]
    found = shop.shortlists(items, on_update=counting(done))
    assert found == [
        ShortlistResult(ItemId("a"), (LabelId("Shoes"), LabelId("Hats")), (1, 2, 5, 4), 2),  # type: ignore[arg-type]
        ShortlistResult(ItemId("b"), (), (), 0),
        ShortlistResult(ItemId("c"), (LabelId("Balls"),), (1, 3, 6), 2),  # type: ignore[arg-type]
    ]
    assert done == [2]
    assert shop.runs.list() == []
    (deep,) = shop.shortlists(["clothes sports shoes balls"], order="depth", terminals=1)
    assert (deep.labels, deep.opened) == ((LabelId("Shoes"),), (1, 2, 5))


def test_an_error_of_one_item_is_told(shop: Workspace, model: ScriptedModel) -> None:
    shop.shortlists(["clothes"])
    model.rule = lambda request: ModelUnavailableError("away") if request.text == "x" else by_words(request)
    good, bad = shop.shortlists(["clothes hats", "x"])
    assert (good.error, bad.error, bad.labels) == ("", "away", ())


def test_a_workspace_without_labels_is_refused(tmp_path: Path) -> None:
    with (
        Workspace.init(tmp_path / "empty") as workspace,
        pytest.raises(InputError, match="has no labels yet"),
    ):
        workspace.shortlists(["x"])


def test_a_model_is_opened_once_for_equal_settings(shop: Workspace) -> None:
    served = shop.with_models({"navigator": ROLE, "general_expert": ROLE})
    models = served.config.models
    opened = served.wiring.opened(models.navigator)
    assert opened is served.wiring.opened(models.general_expert)
    assert opened is served.with_walk(terminals=3).wiring.opened(models.navigator)


@pytest.mark.parametrize(
    "walk", [{"order": "depth"}, {"beam": 1}, {"threshold": 0.1}, {"ancestors": True}, {"terminals": 2}]
)
def test_a_walk_of_any_policy_goes_on_where_it_failed(
    shop: Workspace, model: ScriptedModel, walk: dict[str, Any]
) -> None:
    texts = [f"clothes hats {number}" for number in range(4)]
    expected = Workspace.classify(shop, ["clothes hats x"], **walk)[0].labels

    def rule(request: ModelRequest) -> Sequence[int] | ModelError:
        return ModelUnavailableError("away") if request.text.endswith(("2", "3")) else by_words(request)

    model.rule = rule
    with pytest.raises(ModelUnavailableError):
        shop.classify(texts, batch=2, **walk)
    model.rule = by_words
    model.history.clear()
    results = shop.classify(texts, batch=4, **walk)
    assert [result.labels for result in results] == [expected] * 4
    assert {request.text for request in model.history} == set(texts[2:])
    assert len(shop.runs.list("classify")) == 1
