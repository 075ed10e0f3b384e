"""One answer: walk, dense retrieval, chat and `categorize` use the trained expert's probabilities."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxonaut import Workspace
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.models.expert.fusion import FILE, Fusion
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import InputError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label, as_item
from taxonaut.state.updates import ExpertLeftOut, Update
from taxonaut.workspace.expert.trained_scores import SharedVectors
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import read_labels

CATALOGUE = """\
id,name,path
bar,Bar glass,Kitchen > Glassware > Bar glass
jug,Glass jug,Kitchen > Glassware > Glass jug
screen,Screen protectors,Phones > Screen protectors
cases,Phone cases,Phones > Phone cases
"""
PRODUCTS = {
    "bar": ["whisky tumbler", "beer mug set", "wine goblet", "shot tumbler of crystal"],
    "jug": ["water jug", "jug with lid", "milk jug", "juice jug"],
    "screen": [
        "tempered glass for phone",
        "tempered glass 9H",
        "tempered film",
        "tempered guard",
        "tempered glass 2",
    ],
    "cases": ["soft cover", "leather cover", "flip cover", "back cover for phone"],
}
TEXTS = ["tempered glass", "crystal tumbler", "juice jug", "flip cover", "glass"]


def products() -> list[ItemRow]:
    pairs = [(label, text) for label, texts in PRODUCTS.items() for text in texts]
    return [
        ItemRow(Item(ItemId(f"p{at}"), text), (LabelId(label),)) for at, (label, text) in enumerate(pairs)
    ]


@pytest.fixture
def folder(words: Any, tmp_path: Path) -> Path:
    """A workspace whose trained expert disagrees with the embedder about tempered glass."""
    (tmp_path / "labels.csv").write_text(CATALOGUE, encoding="utf-8")
    with Workspace.init(tmp_path / "w", embedder=words) as made:
        made.import_labels(read_labels(tmp_path / "labels.csv"))
        made.train_expert(products())
    return tmp_path / "w"


@pytest.fixture
def shop(folder: Path, words: Any) -> Iterator[Workspace]:
    with Workspace.open(folder, embedder=words) as opened:
        yield opened


def first(workspace: Workspace, **walk: Any) -> list[str | None]:
    results = workspace.classify(TEXTS, min_score=0.0, **walk)
    return [found.labels[0].label_id if found.labels else None for found in results]


def test_every_way_gives_the_same_first_label(shop: Workspace) -> None:
    alone = first(shop, expert=False)
    assert alone[0] in ("bar", "jug"), "the embedder alone is led by a word that the names share"
    joined = first(shop)
    assert joined[0] == "screen"
    assert first(shop, shortlist="dense") == joined
    assert first(shop, start="anchored") == joined
    found = shop.categorize(TEXTS)
    assert [each.label_id for each in found] == joined
    assert {each.verdict for each in found} == {"domain"}


def test_shown_scores_are_those_of_categorize(shop: Workspace) -> None:
    shown = [each.labels[0].score for each in shop.classify(TEXTS, min_score=0.0)]
    sure = [each.recommended.confidence for each in shop.categorize(TEXTS)]
    assert np.allclose(shown, sure, atol=2e-4)


def test_a_language_model_decides_for_itself(folder: Path, words: Any) -> None:
    def take_last(request: Any) -> list[int]:
        return [request.choices[-1].id]

    with Workspace.open(
        folder, embedder=words, models={"general_expert": ScriptedModel(rule=take_last)}
    ) as shop:
        (found,) = shop.categorize([TEXTS[0]], everything=True)
        assert (found.verdict, found.recommended.labels[0]) == ("general", "screen")


def test_a_new_expert_is_a_new_run_and_none_the_old_one(shop: Workspace) -> None:
    runs = {name: shop.classification(**walk).run.fingerprint for name, walk in WALKS.items()}
    assert len(set(runs.values())) == 2
    assert runs["newest"] == runs["first"] != runs["none"]
    shop.train_expert(products())
    assert shop.classification().run.fingerprint not in runs.values()
    assert shop.classification(expert=1).run.fingerprint == runs["first"]
    assert shop.classification(expert=False).run.fingerprint == runs["none"]
    shop.experts.remove(2)
    assert shop.classification().run.fingerprint == runs["first"]


WALKS: dict[str, Any] = {"newest": {}, "first": {"expert": 1}, "none": {"expert": False}}


def test_a_damaged_expert_is_left_out_and_said_once(folder: Path, words: Any) -> None:
    (folder / "experts" / "1" / "head.npz").write_bytes(b"no archive")
    told: list[Update] = []
    with Workspace.open(folder, embedder=words) as shop:
        found = shop.classify(TEXTS, min_score=0.0, on_update=told.append)
        assert found[0].labels[0].label_id in ("bar", "jug")
        shop.classify(TEXTS, min_score=0.0, top=2, on_update=told.append)
        (left_out,) = [update for update in told if isinstance(update, ExpertLeftOut)]
        assert left_out.number == 1
        assert "is damaged" in left_out.reason
        with pytest.raises(WorkspaceError, match=r"head\.npz' is damaged"):
            shop.classify(TEXTS, expert=1)


def test_an_expert_of_an_earlier_version_has_the_default_weight(shop: Workspace, folder: Path) -> None:
    (folder / "experts" / "1" / FILE).unlink()
    joined = shop.wiring.expert
    assert joined is not None
    assert joined.fusion == Fusion()
    assert first(shop)[0] == "screen"


def test_labels_added_later_are_found_beside_an_expert(shop: Workspace) -> None:
    shop.add_labels([Label(LabelId("kettles"), "Electric kettles")])
    (found,) = shop.classify(["electric kettles"], min_score=0.0)
    assert found.labels[0].label_id == "kettles"
    (same,) = shop.categorize(["electric kettles"])
    assert same.label_id == "kettles"


def test_explain_says_what_the_expert_says(shop: Workspace) -> None:
    shop.classify([TEXTS[0]])
    item = as_item(TEXTS[0])
    (share,) = [each for each in shop.explain(item.id).shares if each.label_id == "screen"]
    assert (share.source, share.score > 0.5) == ("expert", True)
    assert share.why.startswith("words that speak for it: tempered")
    joined = shop.wiring.expert
    assert joined is not None
    expected = joined.weighted()
    assert share.added == pytest.approx(expected.weight * share.score**expected.exponent, abs=1e-3)
    shop.train_expert(products())
    assert shop.explain(item.id).shares == (), "they were another expert's"


def test_the_chat_answers_as_classify_does(shop: Workspace) -> None:
    tools = WorkspaceTools(shop).tools
    said = asyncio.run(tools["classify"].run({"text": TEXTS[0]}))
    assert said.data["labels"][0]["id"] == first(shop)[0] == "screen"
    why = asyncio.run(tools["explain"].run({"text": TEXTS[0]}))
    assert "expert: " in why.text
    assert "words that speak for it: tempered" in why.text


def test_a_cut_off_says_how_many_labels(shop: Workspace) -> None:
    few = shop.classify(TEXTS, cut_off="labels=2")
    assert max(len(found.labels) for found in few) == 2
    with pytest.raises(InputError, match=r"at most 10 labels; raise top"):
        shop.classify(TEXTS, cut_off="labels=11")
    with pytest.raises(InputError, match=r"cut_off is 'most'; give 'f1', 'precision=0.9' or 'labels=5'"):
        shop.classify(TEXTS, cut_off="most")
    with pytest.raises(InputError, match=r"no labelled items were held out"):
        shop.classify(TEXTS, cut_off="f1", expert=False)


def test_vectors_of_the_walk_are_shared_where_they_are_the_same() -> None:
    asked: list[str] = []
    rows = {"a": np.array([1.0, 0.0], np.float32), "b": np.array([0.0, 1.0], np.float32)}

    def embed(texts: Sequence[str]) -> Any:
        asked.extend(texts)
        return np.stack([rows[text] for text in texts])

    shared = SharedVectors(lambda texts: {text: rows[text] for text in texts if text == "a"}, embed)
    for _ in range(2):
        assert shared(["a", "b", "a"]).tolist() == [[1, 0], [0, 1], [1, 0]]
    assert asked == ["a", "b", "b"], "the first of them is compared"
    other = SharedVectors(lambda texts: {"a": rows["b"]}, embed)
    assert other(["a"]).tolist() == [[1, 0]], "of another embedder"
