"""The methods side by side on a small index: what each finds, what it costs, what is kept, what is refused."""

from collections.abc import Sequence
from typing import Any

import pytest

from taxonaut.evaluation.harness import Report, aevaluate
from taxonaut.evaluation.methods.flat import make_retriever
from taxonaut.evaluation.methods.linear import draw_examples
from taxonaut.evaluation.methods.method import MethodSettings
from taxonaut.evaluation.methods.registry import METHODS, parse_methods
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

ALL = ("navigate", "tree", "both", "dense", "bm25", "kmeans-index", "shortlist", "linear", "icxml")
TRAINED = ("expert", "dual", "general", "fasttext", "tfidf-svm", "knn", "linear-head")
"""These need labelled products: tests/evaluation/test_supervised.py, test_experts.py."""
EVERY = ", ".join([*ALL, *TRAINED])


def first(report: Report, method: str) -> dict[str, tuple[str, ...]]:
    """What a method found, up to two labels of each text."""
    found = next(each for each in report.methods if each.method == method)
    return {item: labels[:2] for item, labels in found.predictions.items()}


async def test_every_method_finds_what_the_texts_name(shop: Workspace, rows: list[ItemRow]) -> None:
    assert tuple(METHODS) == (*ALL, *TRAINED)
    version = shop.index.version()
    report = await aevaluate(shop, rows, ALL, (1, 2))
    assert (report.items, report.with_gold, report.labels) == (4, 3, 8)
    assert [each.method for each in report.methods] == list(ALL)
    for each in report.methods:
        assert each.scores is not None
        assert (each.method, each.scores.precision[1], each.scores.recall[2]) == (each.method, 1.0, 1.0)
        assert each.quality.intervals["P@1"] == Interval(1.0, 1.0, 1.0)
        found = first(report, each.method)
        assert (set(found["one"]), found["two"][0], set(found["three"])) == (
            {"boots", "shoes"},
            "apples",
            {"bread", "pears"},
        )
    assert report.methods[0].quality.differences == {}
    assert report.methods[1].quality.differences["MRR"] == Interval(0.0, 0.0, 0.0)
    assert shop.index.version() == version
    assert {each.requests for each in report.methods} == {0}
    costs = {each.method: each.comparisons for each in report.methods}
    assert {method: costs[method] for method in ("dense", "bm25", "shortlist", "linear", "icxml")} == {
        "dense": 4,
        "bm25": 0,
        "shortlist": 4,
        "linear": 4,
        "icxml": 8,
    }


async def test_what_was_found_is_kept(shop: Workspace, rows: list[ItemRow]) -> None:
    once = await aevaluate(shop, rows, ALL)
    again = await aevaluate(shop, rows, ALL)
    assert [each.comparisons for each in once.methods if each.method in ("dense", "linear", "icxml")] == [
        4,
        4,
        8,
    ]
    assert [each.comparisons for each in again.methods] == [each.comparisons for each in once.methods]
    assert [each.asked for each in again.methods] == [0] * len(ALL)
    assert [each.predictions for each in again.methods] == [each.predictions for each in once.methods]


async def test_nothing_is_embedded_twice(shop: Workspace, rows: list[ItemRow], embedder: Any) -> None:
    await aevaluate(shop, rows, ["navigate", "kmeans-index", "icxml", "shortlist"])
    texts = [text for text in embedder.embedded if text in {row.item.text for row in rows}]
    assert sorted(texts) == sorted(row.item.text for row in rows)


async def test_explain_still_shows_the_person_s_own_walk(shop: Workspace, rows: list[ItemRow]) -> None:
    await shop.aclassify([rows[0].item])
    before = shop.explain(rows[0].item.id).run_id
    await aevaluate(shop, rows, ["dense", "icxml"])
    assert shop.explain(rows[0].item.id).run_id == before


async def test_settings_beside_a_name(shop: Workspace, rows: list[ItemRow]) -> None:
    names = ["navigate:shortlist=tree:terminals=1", "dense:mix=plain", "shortlist:size=1", "icxml:written=1"]
    report = await aevaluate(shop, rows, names, (1,))
    assert [each.method for each in report.methods] == names
    assert {len(labels) for labels in report.methods[2].predictions.values()} <= {0, 1}


async def test_shots_are_drawn_for_each_label_and_never_from_what_is_asked(
    shop: Workspace, rows: list[ItemRow]
) -> None:
    texts = ["old boots", "new boots", "hiking boots and running shoes", " "]
    examples = [ItemRow(Item(ItemId(text), text), (LabelId("boots"),)) for text in texts]
    asked = {rows[0].item.text}
    found = draw_examples(examples, asked, 5, seed=0)
    assert {label: sorted(known) for label, known in found.items()} == {"boots": ["new boots", "old boots"]}
    assert draw_examples(examples, asked, 1, seed=0) == draw_examples(examples, asked, 1, seed=0)
    assert draw_examples(examples, asked, 0, seed=0) == {}
    report = await aevaluate(shop, rows, ["linear"], settings=MethodSettings(shots=1, examples=examples))
    assert report.methods[0].scores is not None
    assert report.methods[0].scores.precision[1] == 1.0


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["magic"], f"unknown method 'magic'; choose from {EVERY}"),
        ([" "], f"no method given; choose from {EVERY}"),
        (["bm25", "bm25"], "duplicate method in 'bm25, bm25'; give each once"),
        (
            ["bm25:k=1"],
            "invalid option 'k=1' of method 'bm25': write bm25:KEY=VALUE with a key of (it has none)",
        ),
        (["dense:mix"], "invalid option 'mix' of method 'dense': write dense:KEY=VALUE with a key of mix"),
    ],
)
def test_names_that_are_refused(names: Sequence[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_methods(names)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dense:mix=2", "invalid mix='2'; give a number from 0 to 1, or 'plain'"),
        ("dense:mix=half", "invalid mix='half'; give a number from 0 to 1"),
        ("shortlist:size=0", "invalid size='0'; give a whole number from 1"),
        (
            "linear:shots=2",
            "shots=2 needs labelled texts to sample from; give a file of them with --examples",
        ),
        (
            "navigate:terminals=none",
            "invalid [walk] settings: terminals: Input should be a valid integer",
        ),
    ],
)
async def test_settings_that_are_refused(shop: Workspace, rows: list[ItemRow], name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        await aevaluate(shop, rows, [name])
    assert str(caught.value).startswith(said)


async def test_linear_is_for_small_label_sets(
    shop: Workspace, rows: list[ItemRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonaut.evaluation.methods.linear.MOST_LABELS", 7)
    with pytest.raises(
        InputError, match=r"allows up to 7 labels, and there are 8; use 'shortlist', or 'dense'"
    ):
        await aevaluate(shop, rows, ["linear"])


async def test_items_and_gold_labels_are_checked_first(shop: Workspace) -> None:
    with pytest.raises(InputError, match="no items to evaluate"):
        await aevaluate(shop, [], ["bm25"])
    unknown = ItemRow(Item(ItemId("x"), "plums"), (LabelId("plums"),), "file, line 3")
    with pytest.raises(InputError, match="file, line 3: the gold label 'plums' is not in the index"):
        await aevaluate(shop, [unknown], ["bm25"])


async def test_plain_cosine_is_nothing_but_cosine(
    shop: Workspace, rows: list[ItemRow], embedder: Any
) -> None:
    (one,) = await make_retriever(shop, plain=True).search([rows[0].item.text], 8)
    table = shop.wiring.label_table(shop.config.embeddings)
    similar = table.vectors @ embedder.embed([rows[0].item.text])[0]
    assert dict(one) == pytest.approx(dict(zip(table.labels, similar.tolist(), strict=True)), abs=1e-5)


async def test_linear_asks_a_chat_model_yes_or_no_about_each_label(
    shop: Workspace, rows: list[ItemRow], server: Any
) -> None:
    """The server likes every label as much: the order is theirs, each answer a request, none asked twice."""
    role = {"model": "hosted_vllm/test", "api_base": server.url, "backoff_s": 0}
    with Workspace.open(shop.folder, models={"general_expert": role}) as workspace:
        report = await aevaluate(workspace, rows[:2], ["linear"], (1,))
        (method,) = report.methods
        assert (method.requests, method.asked, server.stats()["requests"]) == (16, 16, 16)
        assert method.predictions["one"][:3] == ("shoes", "boots", "tents")
        again = await aevaluate(workspace, rows[:2], ["linear"], (1,))
    assert (again.methods[0].asked, server.stats()["requests"]) == (0, 16)
