"""What to label next: uncertain, typical, unlike what is labelled; labelled items are never chosen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes import packaged_embedder

from taxonaut import ReviewDecision, Workspace
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.label_next import choose_items


def row(name: str, text: str, *labels: str) -> ItemRow:
    return ItemRow(Item(ItemId(name), text), tuple(map(LabelId, labels)))


LABELLED = [
    *(row(f"s{n}", f"running shoes {colour}", "shoes") for n, colour in enumerate(("red", "blue", "grey"))),
    *(row(f"b{n}", f"hiking boots {colour}", "boots") for n, colour in enumerate(("red", "blue", "grey"))),
]
OPEN = [
    row("same", "running shoes red"),
    row("like", "running shoes green"),
    *(row(f"t{n}", f"family tent for {n} people") for n in (2, 4, 6)),
    row("blank", " "),
]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w", embedder=packaged_embedder()) as made:
        made.index.add_labels([Label(LabelId(label), label.title()) for label in ("shoes", "boots", "tents")])
        yield made


def test_a_new_kind_comes_first_and_labelled_items_never(workspace: Workspace) -> None:
    report = workspace.review_next([*LABELLED, *OPEN], 9)
    assert (report.items, report.labelled, report.how) == (4, 6, "the embedder (no expert yet)")
    assert report.notes == ("only 4 items have no labels",)
    chosen = [each.item.id for each in report.found]
    assert chosen[0].startswith("t")
    assert sorted(chosen) == ["like", "t2", "t4", "t6"]
    first = report.found[0]
    assert (first.given, first.score) == ((), 1.0)
    assert first.reasons
    assert set(first.evidence) == {"margin", "typical", "nearest_labelled", "labelled_of_likeliest"}

    workspace.train_expert(LABELLED)
    by_expert = workspace.review_next(OPEN, 1)
    assert (by_expert.labelled, by_expert.how) == (6, "expert 1")
    queue = workspace.review_queue("anna")
    queue.put("next", by_expert.found)
    item = queue.next()
    assert item is not None
    queue.answer(item.key, ReviewDecision("label", (LabelId("tents"),)))
    workspace.send_decisions(queue)
    again = workspace.review_next(OPEN, 9)
    assert item.suspect.item.id not in [each.item.id for each in again.found]
    assert again.labelled == 7


def test_a_batch_is_diverse_and_has_no_outliers() -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(4, 8, dtype=np.float32)
    vectors = np.concatenate(
        [centre + 0.1 * rng.normal(size=(30, 8)).astype(np.float32) for centre in centres]
    )
    outlier = np.eye(1, 8, 7, dtype=np.float32)
    vectors = np.concatenate([vectors, outlier])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    odds = np.full((len(vectors), 2), 0.5, np.float32)
    chosen, _ = choose_items(odds, vectors, vectors[:1], 3)
    assert sorted(place // 30 for place, _ in chosen) == [1, 2, 3]
    sure = np.tile(np.array([0.99, 0.01], np.float32), (len(vectors), 1))
    sure[40] = 0.5
    (first, _), *_ = choose_items(sure, vectors, vectors[:1], 1)[0]
    assert first == 40


def test_what_cannot_be_chosen_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="all of 6 items are labelled already, or have no text"):
        workspace.review_next(LABELLED, 3)
    with pytest.raises(InputError, match="0 items to label; give a number from 1"):
        workspace.review_next(OPEN, 0)
