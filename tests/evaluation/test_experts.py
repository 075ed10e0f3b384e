"""The domain expert alone, with the general expert behind it, and the general expert on everything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import shop_expert
from shop_expert import product

from taxonaut.evaluation.harness import MethodReport, Report, evaluate
from taxonaut.evaluation.measures.classes import Band
from taxonaut.evaluation.methods.dual_expert import ranking_of
from taxonaut.evaluation.methods.method import MethodSettings
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, ModelReplyError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ROWS = [
    product("sure", "red apples", "apples"),
    product("fair", "pears in a bag", "apples"),
    product("tie", "boots for tents", "tents"),
    product("lost", "a wonderful thing", "shoes"),
    product("blank", " ", "shoes"),
]
NAMES = ("expert", "dual:threshold=0.5", "general")


def last_word(request: ModelRequest) -> list[int]:
    """Take the option whose name has the last word of the text, or none."""
    word = request.text.split()[-1].casefold()
    return [choice.id for choice in request.choices if word in choice.texts[0].casefold()] or [0]


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(rule=last_word)


@pytest.fixture
def workspace(tmp_path: Path, model: ScriptedModel) -> Iterator[Workspace]:
    with shop_expert.make(tmp_path / "w", model) as made:
        yield made


def by_name(report: Report) -> dict[str, MethodReport]:
    return {each.method: each for each in report.methods}


def first(method: MethodReport) -> dict[str, str | None]:
    return {item: next(iter(labels), None) for item, labels in method.predictions.items()}


def test_who_decides_and_what_it_costs(workspace: Workspace, model: ScriptedModel) -> None:
    found = by_name(evaluate(workspace, ROWS, NAMES, (1, 3)))
    assert first(found["expert"]) == {
        "sure": "apples", "fair": "pears", "tie": "boots", "lost": "shoes", "blank": None,
    }  # fmt: skip
    assert first(found["dual:threshold=0.5"]) == {
        "sure": "apples", "fair": "pears", "tie": "tents", "lost": None, "blank": None,
    }  # fmt: skip
    assert first(found["general"]) == {
        "sure": "apples", "fair": None, "tie": "tents", "lost": None, "blank": None,
    }  # fmt: skip
    assert [
        (each.requests, each.comparisons, each.asked, dict(each.verdicts)) for each in found.values()
    ] == [
        (0, 4, 0, {}),
        (2, 0, 2, {"domain": 2, "general": 1, "none": 1, "blank": 1}),
        (4, 0, 2, {"general": 2, "none": 2, "blank": 1}),
    ]
    assert len(model.history) == 4
    assert found["general"].seconds > 0
    again = by_name(evaluate(workspace, ROWS, NAMES, (1, 3)))
    assert [each.asked for each in again.values()] == [0, 0, 0]
    assert {name: each.predictions for name, each in again.items()} == {
        name: each.predictions for name, each in found.items()
    }
    assert [each.classes for each in again.values()] == [each.classes for each in found.values()]
    assert len(model.history) == 4


def test_classes_are_banded_by_what_the_expert_learnt_from(workspace: Workspace) -> None:
    (method,) = evaluate(workspace, ROWS, ["expert"]).methods
    assert method.classes is not None
    scores = method.classes.scores
    assert (scores.items, scores.none_given, scores.accuracy) == (5, 1, 0.4)
    assert {name: band.items for name, band in scores.bands.items()} == {
        "head": 0, "middle": 0, "tail": 5, "zero-shot": 0,
    }  # fmt: skip
    assert scores.ece == pytest.approx(
        (abs(shop_expert.SURE - 1) + shop_expert.FAIR + shop_expert.TIE + abs(shop_expert.LOST - 1) + 0) / 5,
        abs=0.01,
    )
    settings = MethodSettings(examples=[ROWS[0], *(replace(ROWS[3], place=str(at)) for at in range(5))])
    (method,) = evaluate(workspace, ROWS, ["expert"], settings=settings).methods
    assert method.classes is not None
    assert method.classes.scores.bands == {
        "head": Band(0, 0, 0.0, 0.0),
        "middle": Band(2, 1, 0.5, pytest.approx(2 / 3)),
        "tail": Band(2, 1, 0.5, pytest.approx(2 / 3)),
        "zero-shot": Band(1, 1, 0.0, 0.0),
    }


def test_another_expert_of_the_workspace(workspace: Workspace) -> None:
    shop_expert.train(workspace)
    report = by_name(evaluate(workspace, ROWS, ["expert", "expert:expert=1", "dual:expert=1:threshold=0"]))
    assert report["expert"].predictions == report["expert:expert=1"].predictions
    assert (report["expert:expert=1"].asked, report["expert:expert=1"].comparisons) == (0, 4)
    assert report["dual:expert=1:threshold=0"].requests == 0
    with pytest.raises(NotFoundError, match="there is no expert 3; there are: 1, 2"):
        evaluate(workspace, ROWS, ["expert:expert=3"])


def test_a_failed_request_leaves_its_item_without_a_class(workspace: Workspace, model: ScriptedModel) -> None:
    model.rule = lambda request: ModelReplyError("no tool call")
    (method,) = evaluate(workspace, ROWS[2:4], ["dual:threshold=0.5"]).methods
    assert (method.failed, dict(method.verdicts), method.predictions["tie"]) == (2, {"failed": 2}, ())


def test_the_general_expert_s_order_comes_before_what_else_was_recommended() -> None:
    one, two, three = map(LabelId, "123")
    recommended = Recommendation(ItemId("x"), (one, two, three), (0.4, 0.3, 0.2))
    made = Categorized(ItemId("x"), two, (), "general", recommended, (two, three))
    assert ranking_of(made) == (two, three, one)
    assert ranking_of(replace(made, label_id=None, verdict="none")) == ()
    assert ranking_of(replace(made, label_id=one, verdict="domain", ranking=())) == (one, two, three)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dual:threshold=2", "invalid [categorize] settings: threshold: "),
        ("dual:ask=guess", "invalid [categorize] settings: ask: Input should be"),
        (
            "general:threshold=0.5",
            "invalid option 'threshold=0.5' of method 'general': write general:KEY=VALUE",
        ),
        ("expert:expert=last", "invalid expert='last'; give a whole number from 1"),
    ],
)
def test_settings_that_are_refused(workspace: Workspace, name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        evaluate(workspace, ROWS, [name])
    assert str(caught.value).startswith(said)


def test_without_an_expert(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "none") as workspace:
        workspace.index.add_labels([])
        rows = [replace(row, gold=()) for row in ROWS]
        for name in NAMES:
            with pytest.raises(
                NotFoundError, match=r"no expert was trained in .* taxonaut expert train ITEMS"
            ):
                evaluate(workspace, rows, [name])
