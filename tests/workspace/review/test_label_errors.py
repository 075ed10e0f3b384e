"""Likely wrong labels: replaced ones come first, with reasons that are true."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import packaged_embedder

from taxonaut import Workspace
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import EventId, ItemId, LabelId, RunId
from taxonaut.state.records import Item, Label
from taxonaut.state.stores.ledger import Mark
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review import confident_learning, held_out
from taxonaut.workspace.review.label_errors import find_label_errors
from taxonaut.workspace.review.neighbours import equal_texts, find_neighbours, normalized_text

WORDS = {"shoes": "running jogging race shoes", "boots": "hiking trail boots", "apples": "apple red sweet"}
COLOURS = ("blue", "grey", "white", "black", "green", "brown", "pink", "gold")


def rows() -> list[ItemRow]:
    """24 items of three labels; the label of `apples-3` is wrong, and `shoes-0` and `twin` contradict each other."""
    found = [
        ItemRow(Item(ItemId(f"{label}-{place}"), f"{words} {colour}"), (LabelId(label),))
        for label, words in WORDS.items()
        for place, colour in enumerate(COLOURS)
    ]
    found = [ItemRow(row.item, (LabelId("boots"),)) if row.item.id == "apples-3" else row for row in found]
    return [*found, ItemRow(Item(ItemId("twin"), "Running, jogging RACE shoes blue!"), (LabelId("apples"),))]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w", embedder=packaged_embedder()) as made:
        made.index.add_labels([Label(LabelId(label), label.title()) for label in (*WORDS, "tents")])
        yield made


def test_wrong_labels_come_first_without_a_training_of_their_own(workspace: Workspace) -> None:
    report = workspace.review_errors(rows())
    assert (report.items, report.how) == (25, "cross-fitted (no expert yet)")
    assert [each.item.id for each in report.found[:2]] == ["apples-3", "twin"]
    wrong, twin = report.found[:2]
    assert (wrong.given, wrong.suggestions[0].label, wrong.score > 0.9) == (("boots",), "apples", True)
    assert any(reason.startswith("an expert that had not seen it gives ") for reason in wrong.reasons)
    assert "1 of 1 other item with the same text has “Shoes” (shoes-0)" in twin.reasons

    workspace.train_expert(rows())
    before = workspace.experts.numbers()
    kept = workspace.review_errors()
    assert kept.how == "expert 1"
    assert [each.item.id for each in kept.found[:2]] == ["apples-3", "twin"]
    assert workspace.experts.numbers() == before
    (workspace.folder / "experts" / "1" / "out_of_fold.npz").unlink()
    again = workspace.review_errors()
    assert [(each.item.id, each.score) for each in again.found] == [
        (each.item.id, each.score) for each in kept.found
    ]
    assert (workspace.folder / "experts" / "1" / "out_of_fold.npz").is_file()

    new = [*rows(), ItemRow(Item(ItemId("new"), "apple red sweet violet"), (LabelId("shoes"),))]
    asked = workspace.review_errors(new, limit=2)
    assert asked.how == "expert 1 (1 texts it was not trained on)"
    assert "new" in [each.item.id for each in asked.found]


def test_a_walk_that_answers_otherwise_is_a_reason(workspace: Workspace) -> None:
    found = rows()
    bad = next(row for row in found if row.item.id == "apples-3")
    unit = unit_key(bad.item)
    common = (None, RunId(1), EventId(0), "encoder")
    marks = [
        Mark(bad.item.id, unit, LabelId("apples"), None, "error", 1, *common),
        Mark(bad.item.id, unit, LabelId("boots"), None, "miss", None, *common),
    ]
    workspace.ledger.mark(RunId(1), [unit], marks)
    first = workspace.review_errors(found).found[0]
    assert "a walk answers “Apples”, too, and misses the label" in first.reasons


def test_a_text_that_is_there_a_thousand_times(workspace: Workspace) -> None:
    many = [
        ItemRow(Item(ItemId(f"again-{n}"), "hiking trail boots blue"), (LabelId("apples" if n else "boots"),))
        for n in range(1000)
    ]
    report = workspace.review_errors([*rows(), *many], limit=50)
    assert report.items == 1025
    assert "boots-0" in [each.item.id for each in report.found]


def test_labels_that_were_merged_since_are_those_of_today(workspace: Workspace) -> None:
    workspace.train_expert(rows())
    workspace.merge_labels("shoes", ["boots"])
    report = workspace.review_errors()
    assert [each.item.id for each in report.found if "boots" in each.given] == []
    assert report.found[0].given in (("shoes",), ("apples",))


def test_what_cannot_be_ranked_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no expert was trained"):
        workspace.review_errors()
    with pytest.raises(InputError, match="none of 1 items has a text and a label of this index"):
        workspace.review_errors([ItemRow(Item(ItemId("p"), "a text"))])
    with pytest.raises(InputError, match="all are in one category"):
        workspace.review_errors([row for row in rows() if row.gold == ("shoes",)])
    with pytest.raises(InputError, match="the least score is 2; give one from 0 to 1"):
        find_label_errors(workspace, rows(), least=2)
    odd = [*rows(), ItemRow(Item(ItemId("odd"), "x"), (LabelId("?"),)), ItemRow(Item(ItemId("blank"), " "))]
    assert workspace.review_errors(odd).notes[:2] == (
        "1 items without a text left out",
        "1 items with a label that the index does not have left out",
    )


def test_neighbours_are_found_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = find_neighbours(vectors, np.arange(50), count=5)
    monkeypatch.setattr("taxonaut.workspace.review.neighbours.CELLS", 100)
    parts = find_neighbours(vectors, np.arange(50), count=5)
    assert np.array_equal(whole.places, parts.places)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    assert np.array_equal(whole.places[:, 0], cosines.argmax(axis=1))
    few = find_neighbours(vectors[:1], np.arange(1))
    assert few.places.shape == (1, 1)


def test_texts_are_equal_whatever_their_case_spaces_and_marks() -> None:
    texts = ["Gel  pen, blue", "gel pen blue!", "gel pen", "ＧＥＬ pen", "...", "???"]
    assert equal_texts(texts) == [[0, 1], [2, 3]]
    assert normalized_text(" Straße ") == "strasse"


def test_confident_learning_of_several_labels_and_rare_ones() -> None:
    pytest.importorskip("cleanlab")
    labels = list(map(LabelId, ("a", "b", "rare")))
    sure = held_out.LabelOdds({labels[0]: np.log(0.9), labels[1]: np.log(0.1)})
    other = held_out.LabelOdds({labels[1]: np.log(0.95), labels[0]: np.log(0.05)})
    odds = [*[sure] * 10, *[other] * 10, sure, None]
    given = [*[[labels[0]]] * 9, [labels[1]], *[[labels[1]]] * 10, [labels[2]], [labels[0]]]
    found = confident_learning.confident_errors(odds, given)
    assert np.flatnonzero(found).tolist() == [9]
    several = [[labels[0], labels[1]] if place == 3 else each for place, each in enumerate(given)]
    assert confident_learning.confident_errors(odds, several).dtype == bool
