"""Scores of classified items: probabilities, what is left out, and a calibration that is kept."""

import csv
from pathlib import Path

import pytest
from fakes import word_embedder

from taxonaut import Item, Workspace, read_labels
from taxonaut.evaluation.harness import evaluate
from taxonaut.models.encoder.probabilities import Calibration
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import as_item
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.walk.classification import load_result

LABELS = (
    *(("1", "Complaints > Delivery late"), ("2", "Complaints > Damaged goods"), ("3", "Complaints > Other")),
    *(("4", "Billing > Refund"), ("5", "Billing > Invoice copy"), ("6", "Billing > Other"), ("7", "Other")),
)
TEXTS = [
    "my delivery is late",
    "damaged goods",
    "send an invoice copy",
    "refund",
    "asdfgh qwerty",
    "late, damaged, refund",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with the labels of a help desk."""
    with (tmp_path / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "path"), *LABELS])
    with Workspace.init(tmp_path / "w", embedder=word_embedder()) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.csv"))
    return tmp_path / "w"


def rows(wrong: int) -> list[ItemRow]:
    """Return 40 items with a right label, `wrong` of them with another."""
    return [
        ItemRow(Item(ItemId(str(at)), f"refund number {at}"), (LabelId("2" if at < wrong else "4"),))
        for at in range(40)
    ]


def test_scores_are_probabilities_that_fall_and_the_similarities_stay_stored(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        results = workspace.classify(TEXTS)
        run = workspace.runs.list("classify")[0]
        keys = [unit_key(as_item(text)) for text in TEXTS]
        kept = [load_result(row) for row in workspace.runs.finished(run.id, keys).values()]
        explained = workspace.explain(results[3].item_id)
    for result in results:
        scores = [label.score for label in result.labels]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert result.ranked == ()
    assert results[3].labels[0].name == "Refund"
    assert results[3].labels[0].score > 0.9
    assert explained.ranking == results[3].labels
    assert [result.labels[0].score for result in kept if result.labels] != [
        result.labels[0].score for result in results if result.labels
    ]
    assert {len(result.ranked) for result in kept} == {7}


def test_a_least_score_leaves_out_and_asks_nothing_again(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        everything = workspace.classify(TEXTS, min_score=0.0)
        before = workspace.cost().requests
        half = workspace.classify(TEXTS, min_score=0.5)
        none = workspace.classify(TEXTS, min_score=1.0)
        assert workspace.cost().requests == before
    for whole, part in zip(everything, half, strict=True):
        assert part.labels == tuple(label for label in whole.labels if label.score >= 0.5)
    assert 0 < sum(len(result.labels) for result in half) < sum(len(result.labels) for result in everything)
    assert [result.labels for result in none] == [()] * 6


def test_no_label_where_even_the_best_is_unlikely(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        workspace.calibrate(rows(wrong=40))
        by_default = workspace.classify(["refund"])
        everything = workspace.classify(["refund"], min_score=0.0)
    assert everything[0].labels[0].score < 0.1
    assert by_default[0].labels == ()


def test_a_threshold_holds_for_labels_of_dense_retrieval_too(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        found = workspace.classify(TEXTS, threshold=0.7)
    assert [[label.name for label in result.labels] for result in found][3:] == [["Refund"], [], []]


def test_a_calibration_is_kept_and_forgotten(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        prior = workspace.classify(["refund"])[0].labels[0].score
        card = workspace.calibrate(rows(wrong=20))
        assert (card.items, card.right, card.labels) == (40, 20, 7)
        assert card.after < card.before
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        fitted = workspace.classify(["refund"])[0].labels[0].score
        assert fitted < prior - 0.1
        assert workspace.with_models({"general_expert": "encoder/onnx/all-mpnet-base-v2"}) is not None
        assert workspace.forget_calibration()
        assert not workspace.forget_calibration()
        assert workspace.classify(["refund"])[0].labels[0].score == prior


def test_the_items_of_an_evaluation_are_the_default(folder: Path) -> None:
    with Workspace.open(folder, embedder=word_embedder()) as workspace:
        with pytest.raises(InputError, match=r"0 items with right labels are too few .*; give at least 20"):
            workspace.calibrate()
        evaluate(workspace, rows(wrong=0), ["navigate"])
        assert workspace.calibrate().items == 40


def test_scores_of_a_language_model_stay_what_they_are(folder: Path) -> None:
    model = ScriptedModel(rule=lambda request: [1, 2][: request.most])
    with Workspace.open(folder, models={"general_expert": model}, embedder=word_embedder()) as workspace:
        found = workspace.classify(["refund"])[0]
        assert [label.score for label in found.labels] == [1.0, 0.5]
        assert [label.score for label in workspace.classify(["refund"], min_score=0.7)[0].labels] == [1.0]
        with pytest.raises(InputError, match="ranks the labels, and its scores are no similarities"):
            workspace.calibrate(rows(wrong=0))


def test_a_result_of_an_earlier_version_is_read() -> None:
    label = {"label_id": "1", "name": "Refund", "path": ["Refund"], "score": 0.4}
    result = load_result({"item_id": "a", "labels": [label], "error": ""})
    assert (result.ranked, result.labels[0].score) == ((), 0.4)
    assert Calibration().probabilities([0.4], result.ranked)[0] > 0


def test_a_damaged_calibration_names_the_way_out(folder: Path) -> None:
    (folder / "calibration.json").write_text("{", "utf-8")
    with (
        Workspace.open(folder, embedder=word_embedder()) as workspace,
        pytest.raises(WorkspaceError, match="taxonaut calibrate --forget"),
    ):
        workspace.classify(["refund"])
