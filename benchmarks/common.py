"""What the benchmarks share: where the data is, a workspace of it, a table."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from taxonaut.evaluation import scratch
from taxonaut.evaluation.harness import Quality, Report
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.workspace.core.intervals import Interval
from taxonaut.workspace.files.item_files import ItemRow, open_items
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace


def arguments(
    description: str | None, add: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """Parse a benchmark's command line; every one has --data and --workspaces."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="the folder of the data sets"
    )
    parser.add_argument(
        "--workspaces",
        type=Path,
        default=Path(".build/benchmarks"),
        help="where workspaces are kept between runs",
    )
    if add is not None:
        add(parser)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"there is no folder {str(options.data)!r}; name the data sets' folder with --data DIR")
    return options


def workspace(options: argparse.Namespace, name: str, **settings: object) -> Workspace:
    """Open a data set's workspace, or make it: labels imported, flat ones clustered by k-means."""
    folder = options.workspaces / name
    if (folder / "index.duckdb").exists():
        return Workspace.open(folder, **settings)
    Workspace.init(folder).close()
    opened = Workspace.open(folder, **settings)
    labels = read_labels(options.data / name / "labels.jsonl")
    opened.import_labels(labels)
    if not labels.has_tree:
        opened.build_index("kmeans")
    return opened


def items(options: argparse.Namespace, name: str, part: str, limit: int | None = None) -> list[ItemRow]:
    """Read one part of a data set."""
    return list(open_items(options.data / name / f"{part}.jsonl").rows())[:limit]


def expert_accuracy(opened: Workspace, rows: Sequence[ItemRow], dev: Sequence[ItemRow]) -> float:
    """Train an expert and return its accuracy on dev; earlier experts are deleted."""
    for number in opened.experts.numbers():
        opened.experts.remove(number)
    opened.train_expert(rows)
    classifier = opened.experts.classifier()
    best = classifier.probabilities([row.item.text for row in dev]).argmax(axis=1)
    return float(
        np.mean([classifier.labels[place] in row.gold for place, row in zip(best, dev, strict=True)])
    )


def print_report(title: str, report: Report) -> None:
    """Print quality beside cost, a method a line; scores in per cent."""
    print(f"\n{title}: {report.with_gold} items with gold labels, {report.labels:,} labels")
    rows = [["method", "P@1", "RP@5", "RP@10", "R@10", "R@50", "hF", "requests", "items/s"]]
    for method in report.methods:
        assert method.scores is not None
        scores = method.scores
        values = [scores.precision[1], scores.rp[5], scores.rp[10], scores.recall[10], scores.recall[50]]
        rows.append(
            [
                method.method,
                *(f"{100 * value:.1f}" for value in values),
                f"{100 * scores.hierarchy.f:.1f}" if scores.hierarchy else "–",
                f"{method.requests:,}",
                f"{report.items / method.seconds:,.1f}" if method.seconds else "–",
            ]
        )
    print_table(rows)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their header, columns aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


PARTS = {"esco": "tech_dev"}
"""The development part of a set where it is not called `dev`."""

BUILDS = "agents,kmeans"
NATIVE = "native"


def add_paper_options(parser: argparse.ArgumentParser) -> None:
    """Add what the benchmarks after XMC-Agent's tables share."""
    parser.add_argument("--set", default="esco", help="esco, onet or bigbasket")
    parser.add_argument("--part", default=None, help="the development part, unless another is named")
    parser.add_argument("--limit", type=int, default=None, help="only the first N items")
    parser.add_argument("--seed", type=int, default=0)


def part_of(options: argparse.Namespace) -> str:
    """Return the part of the set that is measured."""
    return str(options.part or PARTS.get(options.set, "dev"))


@contextmanager
def indexed(
    workspace: Workspace, build: str, settings: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Workspace]:
    """Open an index over all labels, built by a method in a scratch workspace and kept; `native` is their own."""
    if build == NATIVE:
        yield workspace
        return
    scratch.cache_vectors(workspace)
    labels = scratch.flat_labels(workspace)
    asked = build != scratch.BUILD_WITHOUT_AGENTS
    path = scratch.workspace_path(workspace, f"whole-{build}", labels, dict(settings), asked=asked)
    with scratch.open_workspace(workspace, path) as made:
        PORTAL.run(scratch.build_tree(made, labels, build, settings))
        yield made


def percent(value: Interval | None) -> str:
    """Write a share and half of its interval."""
    return "–" if value is None else f"{100 * value.value:.1f} ±{50 * (value.high - value.low):.1f}"


def quality_cells(quality: Quality, names: Sequence[str]) -> list[str]:
    """Write some measures, without their intervals."""
    known = quality.intervals
    return [f"{100 * known[name].value:.1f}" if name in known else "–" for name in names]


def print_markdown(rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their header as a Markdown table."""
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print(f"|{'---|' * len(row)}")
