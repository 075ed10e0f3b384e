"""Answers that are worth a look: unsure ones, and those on which two methods disagree."""

from pathlib import Path

from serving import make_workspace

from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, ItemResult, Prediction
from taxonaut.workspace.review.doubtful_answers import find_doubts

PATHS = {"apples": ("Food", "Fruit", "Red apples"), "pears": ("Food", "Fruit", "Green pears")}


def answer(item: Item, **scores: float) -> ItemResult:
    labels = [
        Prediction(LabelId(label), PATHS[label][-1], PATHS[label], score) for label, score in scores.items()
    ]
    return ItemResult(item.id, tuple(labels))


def test_each_doubt_has_its_reason_and_sure_answers_have_none(tmp_path: Path) -> None:
    sure, low, narrow, other, empty = (Item(ItemId(name), "red apples") for name in "abcde")
    with make_workspace(tmp_path) as workspace:
        report = find_doubts(
            workspace,
            [sure, low, narrow, other, empty],
            [
                answer(sure, apples=0.9, pears=0.1),
                answer(low, apples=0.4, pears=0.1),
                answer(narrow, apples=0.6, pears=0.55),
                answer(other, pears=0.9, apples=0.05),
                ItemResult(empty.id, ()),
            ],
        )
    assert [(each.item.id, each.reasons[0].split(":")[0]) for each in report.found] == [
        ("d", "methods disagree"),
        ("b", "low confidence"),
        ("c", "a small margin"),
    ]
    assert [each.label for each in report.found[0].suggestions] == ["pears", "apples"]
    assert report.notes == ("items without any label: 1",)
