"""A trained expert as it is served: kept and read back, over the categories that there are now."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_shop import DEV, LABELS, PATHS, TRAIN, embed, made

from taxonaut.models.expert import trained_expert
from taxonaut.models.expert.fitting import Fitting
from taxonaut.models.expert.trained_expert import (
    HEAD,
    NAMES,
    Ancestors,
    ServedHead,
    TrainedExpert,
    drop_categories,
    known_ancestors,
    open_expert,
)
from taxonaut.state.ids import LabelId

pytestmark = pytest.mark.slow

pytest.importorskip("torch")

TEXTS = [text for text, _ in (*DEV, *TRAIN)]


@pytest.fixture(scope="module")
def fitting() -> Fitting:
    return made()


@pytest.fixture
def head(fitting: Fitting) -> ServedHead:
    return fitting.head


def probabilities(head: ServedHead, texts: list[str]) -> Any:
    return TrainedExpert("expert/1", head, embed).probabilities(texts)


def test_rows_are_probabilities(head: ServedHead) -> None:
    found = probabilities(head, [*TEXTS, "", "?!", "\ud800", "x" * 100_000])
    assert (found.dtype, found.shape) == (np.float32, (len(TEXTS) + 4, len(LABELS)))
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)), abs=1e-5)
    assert (found >= 0).all()
    assert probabilities(head, []).shape == (0, len(LABELS))


def test_a_kept_expert_says_the_same(head: ServedHead, tmp_path: Path) -> None:
    head.save(tmp_path)
    found = ServedHead.load(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAMES, HEAD]
    assert (found.labels, found.weights, found.tempering) == (head.labels, head.weights, head.tempering)
    assert found.ancestors.paths == head.ancestors.paths
    assert np.array_equal(found.lexicon.buckets, head.lexicon.buckets)
    assert probabilities(found, TEXTS) == pytest.approx(probabilities(head, TEXTS), abs=2e-3)
    assert np.asarray(found.part.words) == pytest.approx(np.asarray(head.part.words), rel=1e-3, abs=1e-4)
    later = {LabelId("fruit-tea"): "Food > Tea > Fruit tea"}
    labels = {*LABELS, *later}
    one, two = (
        open_expert(each, 1, embed, labels, later).probabilities(["fruit tea", "mint tea"])
        for each in (found, head)
    )
    assert one == pytest.approx(two, abs=2e-3)


def test_names_may_hold_any_sign(head: ServedHead, tmp_path: Path) -> None:
    odd = tuple(LabelId(f"{label} \ud800 “é”") for label in LABELS)
    replace(head, labels=odd).save(tmp_path)
    assert ServedHead.load(tmp_path).labels == odd


@pytest.mark.parametrize("name", [HEAD, NAMES])
@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "other"])
def test_damaged_files_are_refused(head: ServedHead, tmp_path: Path, name: str, damage: str) -> None:
    head.save(tmp_path)
    path = tmp_path / name
    if damage == "gone":
        path.unlink()
    elif damage == "other":
        (tmp_path / "other").mkdir()
        drop_categories(head, {LABELS[0]}).save(tmp_path / "other")
        path.write_bytes((tmp_path / "other" / name).read_bytes())
    else:
        path.write_bytes(path.read_bytes()[: 1000 if damage == "cut" else 0])
    with pytest.raises(Exception) as refused:  # noqa: PT011
        ServedHead.load(tmp_path)
    allowed = {
        "cut": ("BadZipFile", "JSONDecodeError"),
        "empty": ("EOFError", "JSONDecodeError"),
        "gone": ("FileNotFoundError",),
        "other": ("ValueError",),
    }
    assert type(refused.value).__name__ in allowed[damage]


def test_names_without_a_part_are_refused(head: ServedHead, tmp_path: Path) -> None:
    head.save(tmp_path)
    (tmp_path / NAMES).write_text(json.dumps({"labels": list(LABELS)}))
    with pytest.raises(KeyError):
        ServedHead.load(tmp_path)


def test_several_threads_say_the_same_as_one(head: ServedHead, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = probabilities(head, TEXTS)
    monkeypatch.setattr(trained_expert, "AT_ONCE", 7)
    for threads in (1, 4):
        monkeypatch.setattr(trained_expert, "default_threads", lambda threads=threads: threads)
        assert probabilities(head, TEXTS) == pytest.approx(whole, abs=1e-5)


def test_an_expert_goes_by_its_number(head: ServedHead) -> None:
    expert = open_expert(head, 7, embed, LABELS, {})
    assert (expert.name, expert.labels) == ("expert/7", LABELS)
    assert expert.head is head


def test_categories_that_are_gone_are_left_out(head: ServedHead) -> None:
    kept = [label for label in LABELS if label not in ("tea", "hats")]
    expert = open_expert(head, 1, embed, kept, {})
    assert expert.labels == tuple(kept)
    found, whole = expert.probabilities(TEXTS), probabilities(head, TEXTS)
    columns = [LABELS.index(label) for label in kept]
    assert found.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    sure = whole[:, columns].max(axis=1) > 0.9
    assert (found.argmax(axis=1)[sure] == whole[:, columns].argmax(axis=1)[sure]).all()


def test_without_any_category_nothing_is_likely(head: ServedHead) -> None:
    expert = open_expert(head, 1, embed, [], {})
    assert expert.labels == ()
    assert expert.probabilities(TEXTS[:3]).shape == (3, 0)


def test_later_categories_are_found_by_their_names(head: ServedHead) -> None:
    later = {LabelId("gloves"): "Clothing > Gloves", LabelId("kettles"): "Kitchen > Kettles"}
    expert = open_expert(head, 1, embed, [*LABELS, *later], later)
    assert expert.labels == (*LABELS, "gloves", "kettles")
    found = expert.probabilities(["Clothing Gloves", "Kitchen kettles", *TEXTS])
    best = [expert.labels[place] for place in found.argmax(axis=1)]
    assert best[:2] == ["gloves", "kettles"]
    right = [LABELS[column] for _, column in (*DEV, *TRAIN)]
    assert np.mean([one == two for one, two in zip(best[2:], right, strict=True)]) > 0.95
    assert head.labels == LABELS


def test_a_later_category_scores_as_one_without_products(head: ServedHead) -> None:
    """Umbrellas have no product: taken out and put in again, they score as before, but for the trained head."""
    gone = [label for label in LABELS if label != "umbrellas"]
    later = {LabelId("umbrellas"): " > ".join(PATHS[-1])}
    expert = open_expert(head, 1, embed, LABELS, {})
    again = open_expert(drop_categories(head, {LABELS[-1]}), 1, embed, [*gone, LABELS[-1]], later)
    assert again.labels == expert.labels
    texts = ["Folding umbrellas", "umbrellas for sandals", *TEXTS[:20]]
    assert (
        again.probabilities(texts).argmax(axis=1) == expert.probabilities(texts).argmax(axis=1)
    ).mean() > 0.9


def test_ancestors_that_are_not_known_count_nothing() -> None:
    from scipy.sparse import csr_matrix

    ancestors = Ancestors(
        (("a",), ("a", "b")), csr_matrix((2, 3), dtype=np.float32), np.zeros((2, 4), np.float32)
    )
    found = known_ancestors(ancestors, ["a > b > c", "a > x > c", "a > b", "q", "b > a"])
    assert found.toarray().tolist() == [[0.5, 0.5], [0.5, 0], [1, 0], [0, 0], [0, 0]]


def test_the_words_that_speak_for_a_category_are_named(head: ServedHead) -> None:
    expert = TrainedExpert("expert/1", head, embed)
    text = "Fine leather boots by Acme, for every day"
    assert expert.explain(text, LabelId("boots")).split(", ")[0] in ("leather boots", "boots")
    assert expert.explain("straw hat", LabelId("hats")) == "straw hat"
    assert expert.explain("?!", LabelId("hats")) == ""
    with pytest.raises(ValueError, match="not in tuple"):
        expert.explain(text, LabelId("nothing"))


def test_a_category_that_was_merged_is_answered_as_the_one_it_went_into(head: ServedHead) -> None:
    before = TrainedExpert("expert/1", head, embed).probabilities(TEXTS)
    away, keep, *others = head.labels
    merged = open_expert(head, 1, embed, [keep, *others], {}, {away: keep})
    assert merged.labels == (keep, *others)
    found = merged.probabilities(TEXTS)
    assert found[:, 0] == pytest.approx(before[:, 0] + before[:, 1], abs=1e-6)
    assert found[:, 1:] == pytest.approx(before[:, 2:], abs=1e-6)
    renamed = open_expert(head, 1, embed, [LabelId("new"), keep, *others], {}, {away: LabelId("new")})
    assert renamed.labels == (LabelId("new"), keep, *others)
    assert renamed.probabilities(TEXTS) == pytest.approx(before, abs=1e-6)
