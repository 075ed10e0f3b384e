"""Plot shortlist recall against requests per item and against shortlist size."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taxonaut.evaluation.curves import ANCHORED, BUDGETS, FLAT, ROOT, Point
from taxonaut.state.errors import DiskError, InputError, MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg", ".pdf")
STYLES = {ROOT: ("#0072B2", "o"), ANCHORED: ("#D55E00", "s"), FLAT: ("#009E73", "^")}
"""Colours (the colour-blind safe Okabe-Ito palette) and markers."""

OTHERS = ("#CC79A7", "D")
REFERENCES = (100, 300)
"""Sizes of flat search drawn as horizontal lines in the panel of requests."""

GREY = "#555555"
NOTE = (
    f"Marks: walks that may reach {', '.join(map(str, BUDGETS))} terminal nodes (anchored: that start from as many "
    "labels). Bands: 95 % bootstrap intervals over the texts."
)


def check_figure(path: Path) -> None:
    """Check early that a figure can be written: its suffix, its folder, and matplotlib."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"cannot write a figure to {str(path)!r}: use the suffix {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise InputError(
            f"cannot write {path.name!r}: the folder {str(path.parent)!r} does not exist; create it first"
        )
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot") from None


def draw_curves(points: Sequence[Point], path: Path, title: str) -> None:
    """Write the figure in the format of its suffix; bands are 95 % bootstrap intervals."""
    check_figure(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    draw_by_requests(left, points)
    draw_by_size(right, points)
    lows = [point.recall.low for point in points]
    left.set_ylim(max(0.0, min(lows) - 0.04), 1.03)
    left.set_ylabel("right labels on the shortlist, %")
    left.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    figure.supxlabel(NOTE, fontsize=8.5, color=GREY, x=0.01, ha="left")
    try:
        figure.savefig(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from None


def draw_by_requests(axes: "Axes", points: Sequence[Point]) -> None:
    """Plot recall against the navigator's requests; flat search, which makes none, as horizontal lines."""
    style_axes(axes)
    for series in series_names(points):
        if series != FLAT:
            draw_series(
                axes, [point for point in points if point.series == series], lambda point: point.requests
            )
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 1.15)
    for point in points:
        if point.series == FLAT and point.budget in REFERENCES:
            colour = STYLES[FLAT][0]
            axes.axhline(point.recall.value, color=colour, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
            top = point.budget == max(REFERENCES)
            axes.annotate(
                f"flat search, {point.budget} labels, no request",
                (0, point.recall.value),
                xycoords=("axes fraction", "data"),
                xytext=(4, 3 if top else -4),
                textcoords="offset points",
                va="bottom" if top else "top",
                color=colour,
                fontsize=9,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
                zorder=2,
            )
    axes.set_xlabel("navigator's decisions per text")
    set_log_ticks(axes, [point.requests for point in points if point.series != FLAT])
    axes.set_title("against cost", loc="left", fontsize=10, color=GREY)


def draw_by_size(axes: "Axes", points: Sequence[Point]) -> None:
    """Plot recall against shortlist size."""
    style_axes(axes)
    for series in series_names(points):
        draw_series(axes, [point for point in points if point.series == series], lambda point: point.size)
    axes.set_xscale("log")
    axes.set_xlabel("labels on the shortlist")
    set_log_ticks(axes, [point.size for point in points])
    axes.set_title("against size", loc="left", fontsize=10, color=GREY)


def draw_series(axes: "Axes", points: Sequence[Point], across: Any) -> None:
    """Plot one series with its band and its name."""
    colour, mark = STYLES.get(points[0].series, OTHERS)
    points = sorted(points, key=across)
    x = [max(across(point), 0.1) for point in points]
    y = [point.recall.value for point in points]
    axes.fill_between(
        x,
        [p.recall.low for p in points],
        [p.recall.high for p in points],
        color=colour,
        alpha=0.12,
        linewidth=0,
    )
    axes.plot(x, y, color=colour, marker=mark, markersize=5, linewidth=1.8, zorder=3)
    below = points[0].series == ROOT
    at = min({ANCHORED: 1, ROOT: 2}.get(points[0].series, len(x) // 2), len(x) - 1)
    axes.annotate(
        points[0].series,
        (x[at], y[at]),
        xytext=(9, -9) if below else (-9, 7),
        textcoords="offset points",
        ha="left" if below else "right",
        va="top" if below else "bottom",
        color=colour,
        fontsize=10,
        fontweight="bold",
        zorder=4,
    )


def series_names(points: Sequence[Point]) -> list[str]:
    """Return the names of the series, in order."""
    return list(dict.fromkeys(point.series for point in points))


def style_axes(axes: "Axes") -> None:
    """Remove chart clutter and add a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.8)
    axes.set_axisbelow(True)


def set_log_ticks(axes: "Axes", values: Sequence[float]) -> None:
    """Label a logarithmic axis with plain numbers."""
    from matplotlib.ticker import NullFormatter, NullLocator

    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
    shown = [step for step in steps if min(values, default=1) / 1.5 <= step <= max(values, default=1) * 1.5]
    axes.set_xticks(shown, [f"{step:,}" for step in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
