"""Plot accuracy (or agreement) against the share of traffic sent to the general expert."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from taxonaut.evaluation.audits.audit_table import Cut, Measure
from taxonaut.evaluation.audits.proposal import Proposal
from taxonaut.evaluation.curve_figure import GREY, check_figure, style_axes
from taxonaut.state.errors import DiskError
from taxonaut.workspace.core.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE, CHOSEN, CEILING = "#0072B2", "#D55E00", "#009E73"
"""From the colour-blind safe Okabe-Ito palette."""

HEAD, FOOT = 0.12, 0.2
"""Margins above and below the curve for annotations, as shares of its height."""


def draw_audit(
    curve: Sequence[Cut],
    proposal: Proposal | None,
    ceiling: Interval | None,
    measure: Measure,
    path: Path,
    title: str,
) -> None:
    """Write the figure in the format of its suffix; the band is the 95 % bootstrap interval."""
    check_figure(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 4.8), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    style_axes(axes)
    known = [(cut.share, cut.value) for cut in curve if cut.value is not None]
    x = [100 * share for share, _ in known]
    y = [100 * value.value for _, value in known]
    low, high = [100 * value.low for _, value in known], [100 * value.high for _, value in known]
    axes.fill_between(x, low, high, color=CURVE, alpha=0.14, linewidth=0)
    axes.plot(x, y, color=CURVE, linewidth=1.9, zorder=3)
    top = max(high)
    if ceiling is not None:
        top = max(top, 100 * ceiling.value)
        draw_ceiling(axes, 100 * ceiling.value)
    spread = max(top - min(low), 1.0)
    axes.set_xlim(-2, 102)
    axes.set_ylim(max(0.0, min(low) - FOOT * spread), min(104.0, top + HEAD * spread))
    if measure == "accuracy":
        falls = y[min(len(y) - 1, len(y) // 5)] < y[0]
        annotate_end(axes, x[0], y[0], "domain expert alone", left=True, above=falls)
        annotate_end(axes, x[-1], y[-1], "general expert on all", left=False)
    else:
        annotate_end(axes, x[0], y[0], "of all products", left=True)
    if proposal is not None:
        mark_proposal(axes, proposal, measure, known)
    axes.set_xlabel("products that go to the general expert, the least sure first, %")
    axes.set_ylabel(
        "right categories, %" if measure == "accuracy" else "both experts agree, of the products that stay, %"
    )
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    note = "Band: 95 % bootstrap interval over the products."
    figure.supxlabel(note, fontsize=8.5, color=GREY, x=0.01, ha="left")
    try:
        figure.savefig(path)
    except OSError as error:
        raise DiskError(f"cannot write {str(path)!r}: {error.strerror}") from None


def draw_ceiling(axes: "Axes", height: float) -> None:
    """Draw the ceiling: how often the right category is among the candidates."""
    axes.axhline(height, color=CEILING, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"right category among the candidates: {height:.1f}",
        (0, height),
        xycoords=("axes fraction", "data"),
        xytext=(6, 3),
        textcoords="offset points",
        color=CEILING,
        fontsize=9,
    )


def annotate_end(axes: "Axes", x: float, y: float, name: str, *, left: bool, above: bool = False) -> None:
    """Mark and label one end of the curve, on the side clear of it."""
    axes.plot([x], [y], color=CURVE, marker="o", markersize=6, zorder=4, clip_on=False)
    axes.annotate(
        f"{name}: {y:.1f}",
        (x, y),
        xytext=(8 if left else -8, 8 if above else -8),
        textcoords="offset points",
        ha="left" if left else "right",
        va="bottom" if above else "top",
        color=CURVE,
        fontsize=9.5,
        fontweight="bold",
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
    )


def mark_proposal(
    axes: "Axes", proposal: Proposal, measure: Measure, known: Sequence[tuple[float, Interval]]
) -> None:
    """Mark the proposed threshold, labelled at the bottom, clear of the curve."""
    x = 100 * proposal.share.value
    nearest = min(known, key=lambda each: abs(each[0] - proposal.share.value))[1].value
    height = 100 * (proposal.accuracy.value if proposal.accuracy is not None else nearest)
    axes.axvline(x, color=CHOSEN, linewidth=1.1, linestyle=(0, (1, 2)), zorder=2)
    axes.plot([x], [height], color=CHOSEN, marker="D", markersize=7, zorder=6, clip_on=False)
    what = f"{height:.1f}" if measure == "accuracy" else f"{height:.1f} agree"
    axes.annotate(
        f"threshold {proposal.threshold:g}: {what} at {x:.0f} %",
        (x, 0),
        xycoords=("data", "axes fraction"),
        xytext=(7 if x < 60 else -7, 7),
        textcoords="offset points",
        ha="left" if x < 60 else "right",
        color=CHOSEN,
        fontsize=9.5,
        fontweight="bold",
        zorder=6,
    )
