"""The baselines trained on labelled products: what they learn, keep, and refuse."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from taxonaut.evaluation.harness import aevaluate
from taxonaut.evaluation.methods.method import MethodSettings
from taxonaut.evaluation.methods.supervised import training_products
from taxonaut.evaluation.methods.text_baselines import tokenize, training_line
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

pytest.importorskip("sklearn")
pytest.importorskip("floret")

TRAINED = ("fasttext:epochs=100", "tfidf-svm", "knn:k=3", "linear-head")
WORDS = {
    "boots": ("leather hiking boots", "boots for hiking in snow", "warm winter boots"),
    "apples": ("ripe apples", "a bag of red apples", "crisp apples"),
    "bread": ("dark rye bread", "fresh bread", "bread with seeds"),
}


def product(text: str, *labels: str) -> ItemRow:
    return ItemRow(Item(ItemId(text), text), tuple(map(LabelId, labels)), f"train.csv, {text}")


@pytest.fixture
def products() -> list[ItemRow]:
    """Three products of three classes, one of two classes, and rows that say nothing."""
    rows = [product(text, label) for label, texts in WORDS.items() for text in texts]
    return [*rows, product("bread with apples", "bread", "apples"), product(" ", "boots"), product("a thing")]


@pytest.fixture
def judged() -> list[ItemRow]:
    """Texts of known words, one of unknown words, one without gold labels, one without a text."""
    return [
        product("hiking boots", "boots"),
        product("red apples", "apples"),
        product("rye bread", "bread"),
        product("plums", "pears"),
        product(
            "boots",
        ),
        product(" ", "boots"),
    ]


async def test_all_learn_what_the_products_say(
    shop: Workspace, judged: list[ItemRow], products: list[ItemRow]
) -> None:
    settings = MethodSettings(examples=products)
    report = await aevaluate(shop, judged, TRAINED, (1, 3), settings=settings)
    for each in report.methods:
        first = {item: labels[:1] for item, labels in each.predictions.items()}
        assert (each.method, first["hiking boots"], first["red apples"], first["rye bread"], first[" "]) == (
            each.method, ("boots",), ("apples",), ("bread",), (),
        )  # fmt: skip
        assert set(each.predictions["plums"]) <= {"boots", "apples", "bread"}
        assert each.classes is not None
        scores = each.classes.scores
        assert (scores.items, scores.none_given, scores.accuracy) == (5, 1, 0.6)
        assert {name: band.items for name, band in scores.bands.items()} == {
            "head": 0, "middle": 0, "tail": 4, "zero-shot": 1,
        }  # fmt: skip
        assert (scores.ece is None) == (each.method == "tfidf-svm")
        assert (each.requests, each.asked, each.comparisons, each.verdicts) == (0, 0, 5, {})


async def test_the_same_call_again_trains_nothing(
    shop: Workspace, judged: list[ItemRow], products: list[ItemRow]
) -> None:
    settings = MethodSettings(examples=products)
    once = await aevaluate(shop, judged, TRAINED, settings=settings)
    again = await aevaluate(shop, judged, TRAINED, settings=settings)
    assert [each.predictions for each in again.methods] == [each.predictions for each in once.methods]
    assert [each.asked for each in again.methods] == [0] * len(TRAINED)
    assert [each.seconds for each in again.methods] == [each.seconds for each in once.methods]
    assert [each.classes for each in again.methods] == [each.classes for each in once.methods]
    other = MethodSettings(examples=products[:-3])
    anew = await aevaluate(shop, judged, ["tfidf-svm"], settings=other)
    assert anew.methods[0].seconds not in [each.seconds for each in once.methods]


async def test_vectors_are_computed_once(
    shop: Workspace, judged: list[ItemRow], products: list[ItemRow], embedder: Any
) -> None:
    settings = MethodSettings(examples=products)
    await aevaluate(shop, judged, ["knn", "linear-head"], settings=settings)
    assert len(embedder.embedded) == len(set(embedder.embedded)) == 10 + 5


def test_texts_that_are_asked_about_are_not_learnt_from(shop: Workspace, products: list[ItemRow]) -> None:
    settings = MethodSettings(examples=products)
    found = training_products(shop, settings, [Item(ItemId("x"), "fresh bread")], "knn")
    assert (len(found.texts), "fresh bread" in found.texts) == (9, False)
    assert found.classes == ("boots", "apples", "bread")
    assert found.targets[found.texts.index("bread with apples")] == (2, 1)
    places, columns = found.rows()
    assert (len(places), columns[-2:].tolist()) == (10, [2, 1])


async def test_one_class_is_given_to_all(shop: Workspace, judged: list[ItemRow]) -> None:
    settings = MethodSettings(examples=[product("old boots", "boots")])
    report = await aevaluate(shop, judged, TRAINED, settings=settings)
    for each in report.methods:
        assert each.predictions["red apples"] == ("boots",)


async def test_two_classes_are_ranked_by_both_signs_of_the_margin(
    shop: Workspace, judged: list[ItemRow], products: list[ItemRow]
) -> None:
    settings = MethodSettings(examples=products[:6])
    (method,) = (await aevaluate(shop, judged, ["tfidf-svm"], settings=settings)).methods
    assert method.predictions["hiking boots"] == ("boots", "apples")
    assert method.predictions["red apples"] == ("apples", "boots")


@pytest.mark.parametrize("name", ["fasttext", "tfidf-svm", "knn", "linear-head"])
@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ([], "'{}' is trained on labelled products; give a file of them with --examples FILE"),
        (
            [product("old boots")],
            "'{}' has nothing to learn from: none of 1 examples has a label and a text",
        ),
        ([product("a plum", "plums")], "train.csv, a plum: the example's label 'plums' is not in the index;"),
    ],
)
async def test_examples_that_are_refused(
    shop: Workspace, judged: list[ItemRow], name: str, examples: Sequence[ItemRow], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        await aevaluate(shop, judged, [name], settings=MethodSettings(examples=examples))
    assert str(caught.value).startswith(said.format(name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tfidf-svm:C=0", "invalid C='0'; give a number above 0"),
        ("linear-head:C=much", "invalid C='much'; give a number above 0"),
        ("fasttext:rate=inf", "invalid rate='inf'; give a number above 0"),
        ("fasttext:epochs=0.5", "invalid epochs='0.5'; give a whole number from 1"),
        ("knn:k=-1", "invalid k='-1'; give a whole number from 1"),
        ("knn:C=1", "invalid option 'C=1' of method 'knn': write knn:KEY=VALUE with a key of k"),
    ],
)
async def test_settings_that_are_refused(
    shop: Workspace, judged: list[ItemRow], products: list[ItemRow], name: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        await aevaluate(shop, judged, [name], settings=MethodSettings(examples=products))
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("fasttext", "floret", "floret"),
        ("tfidf-svm", "sklearn.svm", "scikit-learn"),
        ("knn", "sklearn.neighbors", "scikit-learn"),
        ("linear-head", "sklearn.linear_model", "scikit-learn"),
    ],
)
async def test_a_missing_package_names_the_extra(
    shop: Workspace,
    judged: list[ItemRow],
    products: list[ItemRow],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    module: str,
    package: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as caught:
        await aevaluate(shop, judged, [name], settings=MethodSettings(examples=products))
    assert (
        str(caught.value) == f"{package} is not installed; install it with: pip install 'taxonaut[baselines]'"
    )


def test_a_text_cannot_pass_for_a_label_of_fasttext() -> None:
    assert (
        training_line("__label__7 Red\napples, 2kg", (0, 3))
        == "__label__0 __label__3 label 7 red apples , 2kg\n"
    )
    assert tokenize("</s> \ud800 _") == "< / s > ?"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tfidf-svm", "_ !", "'tfidf-svm' cannot be trained on these examples: empty vocabulary"),
        (
            "fasttext:rate=100000",
            "a b",
            "fastText diverges on these products at rate=100000; give a lower rate, such as fasttext:rate=25000",
        ),
    ],
)
async def test_what_cannot_be_learnt(
    shop: Workspace, judged: list[ItemRow], name: str, text: str, said: str
) -> None:
    examples = [product(f"{text} {'!' * at}", label) for at in range(40) for label in ("boots", "bread")]
    examples = [ItemRow(Item(ItemId(str(at)), row.item.text), row.gold) for at, row in enumerate(examples)]
    with pytest.raises(InputError) as caught:
        await aevaluate(shop, judged, [name], settings=MethodSettings(examples=examples))
    assert str(caught.value).startswith(said)


async def test_odd_texts_are_classified(shop: Workspace, products: list[ItemRow]) -> None:
    odd = [product(text, "boots") for text in ("_", "😀" * 3, "boots " * 3_000)]
    settings = MethodSettings(examples=[*products, *(product(f"{row.item.text}!", "boots") for row in odd)])
    report = await aevaluate(shop, odd, ["fasttext", "tfidf-svm"], settings=settings)
    assert all(
        np.isin(labels[0], ["boots", "apples", "bread"]) for labels in report.methods[1].predictions.values()
    )
    assert set(report.methods[0].predictions) == {row.item.id for row in odd}
