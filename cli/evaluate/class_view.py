"""Measures by class on a screen and as JSON: a method a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from taxonaut import evaluation
from taxonaut.cli.evaluate.evaluation_view import (
    DASH,
    divide_columns,
    empty_table,
    format_scores,
    format_with_intervals,
    interval_row,
)
from taxonaut.cli.shared.terminal import counted, styled

if TYPE_CHECKING:
    from taxonaut.evaluation.harness import MethodReport, Report
    from taxonaut.evaluation.measures.classes import Band, ClassQuality

WEIGHTED = {"precision": "weighted P", "f1": "weighted F1"}
NOTE = "Each text's first label alone, as its one class; P@1 is the accuracy, and weighted R too."
NO_BANDS = "Name the labelled products with --examples FILE to see classes by how many products they have."


def class_tables(report: Report, console: Console) -> list[Table]:
    """Return the tables: a row for each measure, by class and by band; none where nothing was measured by class."""
    methods = [method for method in report.methods if method.classes is not None]
    return divide_columns(lambda some: class_table(some, single=report.single), methods, console)


def class_table(methods: Sequence[MethodReport], *, single: bool) -> Table:
    """Return the table of some methods."""
    qualities = [method.classes for method in methods if method.classes is not None]
    table = empty_table([method.method for method in methods])
    for name, cells in measure_rows(qualities, single=single):
        table.add_row(styled(name), *cells)
    bands = list(band_rows(qualities))
    if bands:
        table.add_section()
    for name, cells in bands:
        table.add_row(styled(name), *cells)
    table.add_section()
    for name, written in decision_rows(methods):
        table.add_row(styled(name, "dim"), *(styled(cell, "dim") for cell in written))
    return table


def measure_rows(qualities: Sequence[ClassQuality], *, single: bool) -> Iterator[tuple[str, list[Text]]]:
    """Give what the other table does not have: weighted means, macro-F1 of several labels' texts, calibration."""
    for name, title in WEIGHTED.items():
        yield title, format_scores([getattr(each.scores, name) for each in qualities])
    if not single:
        yield "macro F1, one class", format_with_intervals([each.intervals["macro_f1"] for each in qualities])
    errors = [each.scores.ece for each in qualities]
    if any(error is not None for error in errors):
        least = min(error for error in errors if error is not None)
        yield (
            "calibration error",
            [
                styled(DASH if one is None else f"{100 * one:.1f}", "bold green" if one == least else "")
                for one in errors
            ],
        )


def band_rows(qualities: Sequence[ClassQuality]) -> Iterator[tuple[str, list[Text]]]:
    """Give accuracy and macro-F1 of each band that has texts."""
    for name, band in qualities[0].scores.bands.items():
        if band.items:
            bands = [each.scores.bands[name] for each in qualities]
            yield f"{name}: accuracy", format_scores([each.accuracy for each in bands])
            yield "  macro F1", format_scores([each.macro_f1 for each in bands])


def describe_bands(bands: Mapping[str, Band]) -> str:
    """Say which classes the bands hold, and how many texts."""
    said = []
    for name, band in bands.items():
        least, most = evaluation.measures.classes.BANDS[name]
        products = (
            f"{least} or more" if most is None else f"{least}" if least == most else f"{least} to {most}"
        )
        sizes = f"{counted(band.items, 'text')}, {counted(band.classes, 'class')}"
        said.append(f"{name} {products} ({sizes})")
    return f"By products of a text's class: {'; '.join(said)}."


def decision_rows(methods: Sequence[MethodReport]) -> Iterator[tuple[str, list[str]]]:
    """Give who decided, where two experts did, and how many texts got no label."""
    if any(method.verdicts for method in methods):
        yield "by the domain expert", [format_verdict(method, "domain") for method in methods]
        yield "by the general expert", [format_verdict(method, "general") for method in methods]
    if any(method.classes.scores.none_given for method in methods if method.classes is not None):
        yield (
            "none given",
            [
                f"{method.classes.scores.none_given:,}" if method.classes is not None else DASH
                for method in methods
            ],
        )


def format_verdict(method: MethodReport, name: str) -> str:
    """Say how many texts an expert decided."""
    return f"{method.verdicts.get(name, 0):,}" if method.verdicts else DASH


def describe_measures(report: Report) -> str:
    """Say what the measures are, and what they lack."""
    known = next((method.classes.scores.bands for method in report.methods if method.classes is not None), {})
    return f"{NOTE} {describe_bands(known) if known else NO_BANDS}"


def class_rows(report: Report) -> dict[str, Any]:
    """Return the measures by class as JSON has them; nothing where there are none."""
    measured = {method.method: method.classes for method in report.methods if method.classes is not None}
    if not measured:
        return {}
    return {
        "classes": {
            "conventions": dict(evaluation.measures.classes.CLASS_CONVENTIONS),
            "bands": {name: list(bounds) for name, bounds in evaluation.measures.classes.BANDS.items()},
            "methods": {
                method.method: {**class_row(measured[method.method]), "verdicts": dict(method.verdicts)}
                for method in report.methods
                if method.method in measured
            },
        }
    }


def class_row(quality: ClassQuality) -> dict[str, Any]:
    """Return one method's measures."""
    return {
        "scores": asdict(quality.scores),
        "intervals": {name: interval_row(value) for name, value in quality.intervals.items()},
        "differences": {name: interval_row(value) for name, value in quality.differences.items()},
    }
