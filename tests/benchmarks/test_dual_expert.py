"""Dual-Expert's tables over an expert that needs no training, and the labels that noise replaces."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import shop_expert
from fakes import length_embedder

from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.core.config import ExpertConfig
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "benchmarks"
DEV = {
    "red apples": "apples",
    "pears in a bag": "apples",
    "boots for tents": "tents",
    "a wonderful thing": "shoes",
}


@pytest.fixture
def dual(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script, found as Python finds what it imports."""
    monkeypatch.syspath_prepend(str(FOLDER))
    import dual_expert

    yield dual_expert
    for name in ("dual_expert", "common"):
        sys.modules.pop(name, None)


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    """A data set of five products to learn from and four to judge."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for part, texts in (("train", shop_expert.PRODUCTS), ("dev", DEV)):
        lines = [
            json.dumps({"id": f"{part} {text}", "text": text, "labels": [label]})
            for text, label in texts.items()
        ]
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return argparse.Namespace(
        data=tmp_path, set="shop", table="methods", limit=None, seed=0, seeds=2, general=None, noise=0.4,
        methods="expert,dual:threshold=0.5,bm25", define=False, only=None,
    )  # fmt: skip


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a trained expert and a general expert that always takes the second category."""
    model = ScriptedModel(rule=lambda request: [request.choices[1].id])
    with shop_expert.make(tmp_path / "w", model, length_embedder(), kind=Recording) as made:
        yield made


def rows(table: list[list[str]], *columns: str) -> list[list[str]]:
    """Some columns of a table, its first one before them."""
    places = [0, *(table[0].index(column) for column in columns)]
    return [[row[place] for place in places] for row in table[1:]]


def test_methods_side_by_side(dual: Any, opened: Workspace, options: argparse.Namespace) -> None:
    table = dual.methods(opened, options, "shop")
    assert {len(row) for row in table} == {len(table[0])}
    found = rows(table, "accuracy", "tail", "zero-shot", "requests")
    assert [[row[0], row[1].split()[0], *row[2:]] for row in found] == [
        ["expert", "50.0", "50.0 (4)", "0.0 (0)", "0"],
        ["dual:threshold=0.5", "25.0", "25.0 (4)", "0.0 (0)", "2"],
        ["bm25", "25.0", "25.0 (4)", "0.0 (0)", "0"],
    ]


def test_ways_of_asking(
    dual: Any, opened: Workspace, options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    options.table, options.limit = "asking", 3
    table = dual.asking(opened, options, "shop")
    assert [row[:2] for row in table[1:]] == [
        ["domain expert alone", ""],
        *(
            [ask, shown]
            for ask in ("choose", "rank", "think")
            for shown in ("leaf", "path", "name", "definition")
        ),
    ]
    asked = [row[table[0].index("requests")] for row in table[1:]]
    assert asked == ["0", *["3"] * (len(table) - 2)], "the domain expert asks no language model"
    assert capsys.readouterr().out.startswith("3 products, scripted; the right category is")


class Recording(Workspace):
    """Notes the settings of each training; what is trained is always the same."""

    seen: ClassVar[list[ExpertConfig]] = []

    def train_expert(self, rows: Sequence[ItemRow], **_: Any) -> ExpertCard:
        self.seen.append(self.config.expert)
        return shop_expert.train(self)


@pytest.fixture
def trainings() -> list[ExpertConfig]:
    """The settings of each training."""
    Recording.seen.clear()
    return Recording.seen


def test_each_row_of_table_3_is_trained_once_a_seed_and_forgotten(
    dual: Any, opened: Workspace, options: argparse.Namespace, trainings: list[ExpertConfig]
) -> None:
    table = dual.training(opened, options, "shop")
    assert [row[:3] for row in table[1:3]] == [
        ["ridge regression (default)", "50.0 ±0.0", "58.3 ±0.0"],
        ["all", "50.0 ±0.0", "58.3 ±0.0"],
    ]
    assert [row[0] for row in table[1:]] == list(dual.variants())
    assert [each.seed for each in trainings] == [0, 1] * len(dual.variants())
    assert (trainings[4].augment, trainings[4].focal) == (0.0, True)
    assert opened.experts.numbers() == [1]


def test_noise_is_in_the_products_that_are_learnt_from(
    dual: Any, opened: Workspace, options: argparse.Namespace, trainings: list[ExpertConfig]
) -> None:
    table = dual.noise(opened, options, "shop")
    assert table[0] == ["loss", "accuracy", "40% wrong labels", "points lost"]
    assert [row[1:] for row in table[1:]] == [["50.0 ±0.0", "50.0 ±0.0", "0.0 ±0.0"]] * 5
    assert [(each.focal, each.bootstrap) for each in trainings[::4]] == [
        (False, False), (False, False), (True, False), (False, True), (True, True),
    ]  # fmt: skip


def test_speed_beside_the_embedder_alone(
    dual: Any, opened: Workspace, options: argparse.Namespace, trainings: list[ExpertConfig]
) -> None:
    table = dual.speed(opened, options, "shop")
    assert [row[0] for row in table[1:]] == ["vectors kept", "vectors computed", "the embedder alone"]
    assert table[2][2].endswith(" of its time")


def test_wrong_labels_are_others_and_as_many_as_wanted(dual: Any) -> None:
    right = [ItemRow(Item(ItemId(str(at)), "x"), (LabelId("abc"[at % 3]),)) for at in range(50)]
    wrong = dual.mislabelled(right, 0.2, seed=1)
    changed = [(old, new) for old, new in zip(right, wrong, strict=True) if old != new]
    assert (len(changed), all(old.gold != new.gold for old, new in changed)) == (10, True)
    assert set(Counter(new.gold for _, new in changed)) <= {("a",), ("b",), ("c",)}
    assert dual.mislabelled(right, 0.2, seed=1) == wrong != dual.mislabelled(right, 0.2, seed=2)
    assert dual.mislabelled(right[:1], 1.0, seed=0) == right[:1]


def test_the_rows_of_table_3_are_settings(dual: Any) -> None:
    for settings in dual.variants().values():
        assert ExpertConfig(**settings)
    assert dual.variants()["without phase 2"]["bootstrap"] is False


def test_a_table_names_its_command(dual: Any, options: argparse.Namespace) -> None:
    options.table, options.limit, options.general = "noise", 20, "gguf/smollm2-135m-instruct"
    assert dual.command(options, "flipkart") == (
        "python benchmarks/dual_expert.py noise --set flipkart --limit 20 --seeds 2 "
        "--general gguf/smollm2-135m-instruct"
    )
    assert dual.spread([0.5, 0.6]) == "55.0 ±7.1"
