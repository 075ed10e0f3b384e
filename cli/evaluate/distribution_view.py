"""`taxonaut evaluate --distribution`: methods next to annotators, as tables or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from taxonaut import evaluation
from taxonaut.cli.shared.exit_codes import InterruptedWork, say
from taxonaut.cli.shared.file_options import match_gold
from taxonaut.cli.shared.item_command import fail_if_some_failed
from taxonaut.cli.shared.progress import progress
from taxonaut.cli.shared.session import Session
from taxonaut.cli.shared.terminal import counted, out, print_json, styled
from taxonaut.graphs.sync_bridge import PORTAL

if TYPE_CHECKING:
    from taxonaut.evaluation.distribution_report import DistributionReport
    from taxonaut.evaluation.measures.alignment import Alignment, Interval
    from taxonaut.workspace.files.item_files import ItemRow

SHOWN = ("NLL", "L1", "example F1", "macro F1", "Brier", "ECE", "rank correlation")
IN_GROUPS = ("NLL", "L1", "example F1")


@dataclass(frozen=True, slots=True)
class DistributionOptions:
    """Options of `evaluate` that count here."""

    model: str | None
    figure: Path | None
    skip_unknown: bool
    json: bool


def evaluate_distributions(
    session: Session,
    rows: Sequence[ItemRow],
    names: Sequence[str],
    options: DistributionOptions,
    shots: Sequence[ItemRow],
) -> None:
    """Compare methods of `distribute` with the votes of annotators, and print what was found."""
    report_module = evaluation.distribution_report
    report_module.check_methods(names)
    if options.figure is not None:
        evaluation.curve_figure.check_figure(options.figure)
    with progress(session, json=options.json) as bar, session.open() as workspace:
        bar.stage("distributing")
        rows = match_gold(session, workspace.index, rows, keep_unknown=True)
        try:
            report = PORTAL.run(
                report_module.compare_distributions(
                    workspace,
                    rows,
                    names,
                    model=options.model,
                    shots=shots,
                    skip_unknown=options.skip_unknown,
                )
            )
        except KeyboardInterrupt:
            raise InterruptedWork(
                "what is finished is kept; run the same command again to continue"
            ) from None
    for note in report.notes if not session.quiet else ():
        say(f"note: {note}")
    if options.figure is not None:
        report_module.draw_reliability(report, options.figure)
    if options.json:
        print_json(report_row(report))
    else:
        print_report(report, options.figure)
    fail_if_some_failed(
        failures=[f"{method}: {counted(count, 'text')} failed" for method, count in report.failed.items()]
    )


def report_row(report: DistributionReport) -> dict[str, Any]:
    """Return a report as JSON."""
    return {
        "items": report.items,
        "labels": report.labels,
        "annotators": round(report.annotators, 2),
        "failed": report.failed,
        "methods": [asdict(each) for each in report.alignments],
    }


def print_report(report: DistributionReport, figure: Path | None) -> None:
    """Print the measures, and those of groups of items."""
    console = out()
    console.print(
        styled(
            f"{counted(report.items, 'text')}, {counted(report.labels, 'label')}, "
            f"{report.annotators:.1f} annotators a text",
            "bold",
        )
    )
    console.print(measure_table(report.alignments))
    console.print(
        styled("NLL, L1, Brier and ECE: less is better. In brackets: 95 % bootstrap intervals.", "dim")
    )
    groups = [each for each in report.alignments if each.groups]
    if groups:
        console.print()
        console.print(group_table(groups))
    if figure is not None:
        console.print(styled(f"drawn in {figure}", "dim"))


def measure_table(alignments: Sequence[Alignment]) -> Table:
    """Return the methods as rows, the measures as columns."""
    table = Table(box=None, pad_edge=False)
    table.add_column("method")
    for name in SHOWN:
        table.add_column(name, justify="right")
    for each in alignments:
        table.add_row(styled(each.method), *(describe(each.measures[name], name) for name in SHOWN))
    return table


def describe(interval: Interval, name: str) -> str:
    """Write a measure with its interval."""
    if interval.value != interval.value:
        return "–"
    digits = 3 if name == "ECE" else 2
    return f"{interval.value:.{digits}f} ({interval.low:.{digits}f}–{interval.high:.{digits}f})"


def group_table(alignments: Sequence[Alignment]) -> Table:
    """Return NLL, L1 and example F1 of groups of items, a method a row."""
    table = Table(box=None, pad_edge=False, title="NLL / L1 / example F1 by agreement and number of labels")
    table.add_column("method")
    names = list(alignments[0].groups)
    for name in names:
        table.add_column(f"{name} ({alignments[0].groups[name]['items']:,})", justify="right")
    for each in alignments:
        cells = [" / ".join(f"{each.groups[name][measure]:.2f}" for measure in IN_GROUPS) for name in names]
        table.add_row(styled(each.method), *cells)
    return table
