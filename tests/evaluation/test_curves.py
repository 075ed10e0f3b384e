"""Shortlists at growing budgets, and the figure of them."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from taxonaut.evaluation.curve_figure import check_figure, draw_curves
from taxonaut.evaluation.curves import (
    ANCHORED,
    BUDGETS,
    FLAT,
    ROOT,
    Point,
    average_point,
    measure_flat_search,
    measure_shortlists,
)
from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.updates import Progress, listening
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow


def test_a_point_by_hand(rows: list[ItemRow]) -> None:
    lists = {
        ItemId("one"): [LabelId("boots"), LabelId("tents")],
        ItemId("two"): [LabelId("tents")],
        ItemId("three"): [LabelId("bread"), LabelId("pears"), LabelId("tents")],
    }
    made = average_point(ROOT, 5, 2.5, rows[:3], lists)
    assert (made.series, made.budget, made.requests, made.size) == (ROOT, 5, 2.5, 2.0)
    assert made.recall.value == 0.5


async def test_every_way_reaches_all_labels_in_the_end(shop: Workspace, rows: list[ItemRow]) -> None:
    told: list[Any] = []
    with listening(told.append):
        points = await measure_shortlists(shop, rows)
    by_series = {name: [p for p in points if p.series == name] for name in (ROOT, ANCHORED, FLAT)}
    assert [p.budget for p in by_series[ROOT]] == [p.budget for p in by_series[ANCHORED]] == list(BUDGETS)
    assert {name: found[-1].recall.value for name, found in by_series.items()} == dict.fromkeys(by_series, 1)
    assert [(p.budget, p.size, p.requests) for p in by_series[FLAT]] == [(8, 8.0, 0.0)]
    assert by_series[ROOT][0].size <= by_series[ROOT][-1].size <= 8
    stages = {update.stage for update in told if isinstance(update, Progress)}
    assert stages == {f"shortlists ({name}, {budget})" for name in (ROOT, ANCHORED) for budget in BUDGETS}


async def test_flat_search_needs_no_tree(shop: Workspace, rows: list[ItemRow]) -> None:
    points = await measure_flat_search(shop, rows[:3], (2, 1), mix=0.0, series="whole texts")
    assert [(p.series, p.budget, p.size) for p in points] == [
        ("whole texts", 1, 1.0),
        ("whole texts", 2, 2.0),
    ]
    assert points[1].recall == Interval(1.0, 1.0, 1.0)


async def test_a_figure_needs_right_labels(shop: Workspace, rows: list[ItemRow]) -> None:
    with pytest.raises(InputError, match="a figure needs texts with gold labels"):
        await measure_shortlists(shop, rows[3:])


POINTS = [
    Point(
        series,
        budget,
        0.0 if series == FLAT else budget + 1.0,
        budget * 20.0,
        Interval(share, share - 0.1, 1),
    )
    for series in (ROOT, ANCHORED, FLAT)
    for budget, share in ((1, 0.3), (2, 0.5), (5, 0.8))
]


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str, magic: bytes) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"figure{suffix}"
    draw_curves(POINTS, path, "shop: 3 texts, 8 labels")
    assert path.read_bytes().startswith(magic)


def test_names_and_axes_stand_in_the_figure(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    path = tmp_path / "figure.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        draw_curves(POINTS, path, "shop & <more>: 3 texts")
    text = path.read_text(encoding="utf-8")
    for said in (
        ROOT,
        ANCHORED,
        FLAT,
        "decisions per text",
        "labels on the shortlist",
        "shop &amp; &lt;more&gt;",
    ):
        assert said in text


def test_a_single_flat_point_can_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    draw_curves(POINTS[-1:], tmp_path / "one.png", "only flat")
    assert (tmp_path / "one.png").is_file()


def test_figures_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"cannot write a figure to 'x\.gif': use the suffix \.png, \.svg, \.pdf"
    ):
        check_figure(Path("x.gif"))
    with pytest.raises(
        InputError, match=r"cannot write 'x\.png': the folder .* does not exist; create it first"
    ):
        check_figure(tmp_path / "gone" / "x.png")


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'taxonaut\[plot\]'"):
        check_figure(tmp_path / "x.png")
