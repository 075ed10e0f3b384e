"""Results as tables: whole tables as values, and what is said where Arrow or pandas is missing."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import shop_expert

from taxonaut.evaluation.harness import MethodReport, Quality, Report
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.recommendations import Categorized, Recommendation
from taxonaut.state.records import ItemResult, Prediction
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.files.item_files import ItemFields
from taxonaut.workspace.files.results import CategorizedItems, ItemResults

SHOES = Prediction(LabelId("7"), "Shoes", ("Sport", "Shoes"), 0.75, "running", "said so", "both")
BOOTS = Prediction(LabelId("8"), "Boots", ("Sport", "Boots"), 0.5)
FOUND = ItemResults(
    [
        ItemResult(ItemId("a"), (SHOES, BOOTS)),
        ItemResult(ItemId("b"), ()),
        ItemResult(ItemId("c\ud800"), (), "no valid call"),
    ]
)
NOTHING = dict.fromkeys(
    ("rank", "label", "label_id", "path", "score", "evidence", "reason", "origin", "error")
)


def test_a_row_for_each_label_and_one_for_an_item_without() -> None:
    table = FOUND.to_arrow(long=True)
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("item_id", "string"),
        ("rank", "int32"),
        ("label", "string"),
        ("label_id", "string"),
        ("path", "list<item: string>"),
        ("score", "double"),
        ("evidence", "string"),
        ("reason", "string"),
        ("origin", "string"),
        ("error", "string"),
    ]
    assert table.to_pylist() == [
        {
            "item_id": "a",
            "rank": 1,
            "label": "Shoes",
            "label_id": "7",
            "path": ["Sport", "Shoes"],
            "score": 0.75,
            "evidence": "running",
            "reason": "said so",
            "origin": "both",
            "error": None,
        },
        {
            "item_id": "a",
            "rank": 2,
            "label": "Boots",
            "label_id": "8",
            "path": ["Sport", "Boots"],
            "score": 0.5,
            "evidence": "",
            "reason": "",
            "origin": "tree",
            "error": None,
        },
        {"item_id": "b", **NOTHING},
        {"item_id": "c\ufffd", **NOTHING, "error": "no valid call"},
    ]


def test_a_row_for_each_item_next_to_the_row_it_came_in() -> None:
    fields = ItemFields(("sku", "label_1"), "sku")
    given: list[Mapping[str, object]] = [{"sku": 1, "label_1": "x"}, {"sku": 2, "label_1": "y"}]
    table = ItemResults(FOUND[:2], fields, given).to_arrow()
    assert table.to_pylist() == [
        {
            "sku": 1, "input_label_1": "x", "label_1": "Shoes", "label_id_1": "7", "path_1": ["Sport", "Shoes"],
            "score_1": 0.75, "label_2": "Boots", "label_id_2": "8", "path_2": ["Sport", "Boots"], "score_2": 0.5,
            "error": None,
        },
        {"sku": 2, "input_label_1": "y"}
        | dict.fromkeys(f"{name}_{rank}" for rank in (1, 2) for name in ("label", "label_id", "path", "score"))
        | {"error": None},
    ]  # fmt: skip
    assert [str(field.type) for field in table.schema][:2] == ["int64", "string"]
    assert ItemResults(FOUND[:2], fields, given)[1:].to_arrow()["sku"].to_pylist() == [2]
    polars = pytest.importorskip("polars")
    assert isinstance(ItemResults(FOUND[:2], fields, given).to_polars(), polars.DataFrame)


def test_results_are_a_list_still_and_a_part_of_them_is_a_table_too() -> None:
    assert list(FOUND) == FOUND
    assert FOUND[0].labels[1] == BOOTS
    part = FOUND[1:]
    assert type(part) is ItemResults
    assert part.to_arrow()["item_id"].to_pylist() == ["b", "c\ufffd"]
    assert ItemResults().to_arrow(long=True).schema == FOUND.to_arrow(long=True).schema


def test_a_pandas_frame_has_the_same_columns() -> None:
    frame = FOUND.to_pandas(long=True)
    assert list(frame.columns) == FOUND.to_arrow(long=True).column_names
    assert frame["item_id"].tolist() == ["a", "a", "b", "c\ufffd"]
    assert [list(path) for path in frame["path"][:2]] == [["Sport", "Shoes"], ["Sport", "Boots"]]


def test_categorized_items_have_a_row_each() -> None:
    sure = Recommendation(ItemId("a"), (LabelId("7"), LabelId("8")), (0.9, 0.1))
    found = CategorizedItems(
        [
            Categorized(ItemId("a"), LabelId("7"), ("Sport", "Shoes"), "domain", sure),
            Categorized(ItemId("b"), None, (), "failed", Recommendation(ItemId("b"), (), ()), error="gone"),
        ]
    )
    assert found.to_arrow().to_pylist() == [
        {
            "item_id": "a",
            "label": "Shoes",
            "label_id": "7",
            "path": ["Sport", "Shoes"],
            "confidence": 0.9,
            "verdict": "domain",
            "reason": "",
            "error": None,
        },
        {
            "item_id": "b",
            "label": None,
            "label_id": None,
            "path": None,
            "confidence": 0.0,
            "verdict": "failed",
            "reason": "",
            "error": "gone",
        },
    ]


def test_a_report_has_a_row_for_each_method() -> None:
    quality = Quality(None, {"P@1": Interval(0.5, 0.4, 0.6), "MRR": Interval(0.6, 0.5, 0.7)})
    walk = MethodReport("navigate", quality, 4, 2, 100, 10, 50, 1.5, 0, {})
    words = MethodReport("bm25", Quality(None), 0, 0, 0, 0, 0, 0.0, 1, {})
    table = Report(2, 2, 9, (walk, words)).to_arrow()
    costs = (
        "measured",
        "requests",
        "asked",
        "comparisons",
        "prompt_tokens",
        "completion_tokens",
        "reused_tokens",
        "seconds",
        "failed",
    )
    assert table.to_pylist() == [
        {"method": "navigate", "P@1": 0.5, "MRR": 0.6}
        | dict(zip(costs, (2, 4, 2, 0, 100, 10, 50, 1.5, 0), strict=True)),
        {"method": "bm25", "P@1": None, "MRR": None}
        | dict(zip(costs, (2, 0, 0, 0, 0, 0, 0, 0.0, 1), strict=True)),
    ]
    assert Report(2, 2, 9, (walk, words)).to_pandas()["method"].tolist() == ["navigate", "bm25"]


@pytest.mark.parametrize("package", ["pyarrow", "pandas"])
def test_a_missing_package_is_named_with_its_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed; .*'taxonaut\[tables\]'"):
        FOUND.to_pandas()


async def test_what_a_workspace_finds_is_a_table(tmp_path: Path) -> None:
    with shop_expert.make(tmp_path / "w", ScriptedModel(rule=first)) as workspace:
        shop_expert.train(workspace)
        sorted_out = workspace.categorize(["crisp red apples"], threshold=0.5)
        walked = await workspace.aclassify(["crisp red apples"], shortlist="tree", candidates=0)
    assert sorted_out.to_arrow().select(["label", "path", "verdict"]).to_pylist() == [
        {"label": "Red apples", "path": ["Food", "Fruit", "Red apples"], "verdict": "domain"}
    ]
    assert walked.to_arrow(long=True).select(["rank", "origin"]).to_pylist() == [
        {"rank": 1, "origin": "tree"}
    ]


def first(request: ModelRequest) -> list[int]:
    """Take the first option."""
    return [request.choices[0].id]
