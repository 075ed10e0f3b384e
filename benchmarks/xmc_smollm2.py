"""The whole path on a real language model: SmolLM2-135M builds an index over some labels and walks it.

    python benchmarks/xmc_smollm2.py [--data ../shared/data] [--items 100] [--labels 120]

The labels are those of the first onet development items, and others until there are --labels. For each way of
answering: the estimate beside what the build used, the index, and --items texts walked by the model over the index
it built; beside them the encoder over its own index of the same labels.
"""

import argparse
import shutil
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from common import arguments, items, print_markdown
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.build.build_estimate import aestimate_build
from taxonaut.workspace.core.intervals import bootstrap_mean
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

SMOLLM2 = "gguf/smollm2-135m-instruct"
WAYS: Mapping[str, Mapping[str, Any]] = {
    "scored": {"model": SMOLLM2, "answer": "scored"},
    "scored and joined": {"model": SMOLLM2, "answer": "scored", "join": "encoder/all-minilm-l6-v2"},
    "generated": {"model": SMOLLM2},
    "encoder": {"model": "encoder/all-minilm-l6-v2"},
}
WALK = {"shortlist": "tree", "terminals": 3, "branches": 3, "top": 5, "candidates": 0}


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--labels", type=int, default=120)
    parser.add_argument("--ways", default=",".join(WAYS))


def main() -> None:
    """Build and walk in every way, and print both tables."""
    options = arguments(__doc__, add)
    rows, labels = chosen(options)
    builds = [["model", "requests", "estimated", "tokens read", "estimated", "refused", "seconds", "nodes"]]
    walks = [
        ["model", "items", "recall of the shortlist", "labels on it", "requests an item", "seconds an item"]
    ]
    for way in options.ways.split(","):
        folder = options.workspaces / f"smollm2-{way.replace(' ', '-')}"
        shutil.rmtree(folder, ignore_errors=True)
        Workspace.init(folder).close()
        models = dict.fromkeys(("architect", "annotator", "navigator"), WAYS[way])
        with Workspace.open(folder, models=models, walk=WALK) as opened:
            opened.index.add_labels(labels)
            builds.append([way, *built(opened)])
            walks.append([way, *walked(opened, rows)])
            print(builds[-1], walks[-1], flush=True)
    print(f"\n{len(labels)} labels, {len(rows)} items\n")
    print_markdown(builds)
    print()
    print_markdown(walks)


def chosen(options: argparse.Namespace) -> tuple[list[ItemRow], list[Label]]:
    """Take items whose labels fit into the set, and fill it up."""
    found = {label.id: label for label in read_labels(options.data / "onet" / "labels.jsonl").labels}
    rows: list[ItemRow] = []
    wanted: dict[LabelId, None] = {}
    for row in items(options, "onet", "dev"):
        gold = [label for label in row.gold if label not in wanted]
        if row.gold and len(wanted) + len(gold) <= options.labels and len(rows) < options.items:
            wanted.update(dict.fromkeys(gold))
            rows.append(row)
    for label in list(found)[:: max(1, len(found) // options.labels)]:
        if len(wanted) < options.labels:
            wanted.setdefault(label)
    return rows, [Label(label, found[label].name) for label in wanted]


def built(opened: Workspace) -> list[str]:
    """Estimate and build; return the row."""
    estimate = PORTAL.run(aestimate_build(opened))
    started = time.perf_counter()
    opened.build_index("agents")
    seconds = time.perf_counter() - started
    totals = opened.decisions.totals(opened.runs.list("build")[0].id)
    report = opened.last_build
    assert report is not None
    refused = sum(map(len, report.refused.values()))
    return [
        f"{totals.requests:,}",
        f"{estimate.requests:,}",
        f"{totals.prompt_tokens:,}",
        f"{estimate.prompt_tokens:,}",
        f"{refused} reasons, {len(report.fallbacks)} by vectors",
        f"{seconds:,.0f}",
        f"{opened.index.stats().nodes:,}",
    ]


def walked(opened: Workspace, rows: list[ItemRow]) -> list[str]:
    """Walk all items to their shortlists; return the row."""
    started = time.perf_counter()
    results = opened.shortlists([row.item for row in rows])
    seconds = time.perf_counter() - started
    recalls = [
        len(set(row.gold) & set(result.labels)) / len(set(row.gold))
        for row, result in zip(rows, results, strict=True)
    ]
    interval = bootstrap_mean(np.array(recalls))
    return [
        f"{len(rows)}",
        f"{100 * interval.value:.1f} ± {50 * (interval.high - interval.low):.1f}",
        f"{sum(len(result.labels) for result in results) / len(rows):.1f}",
        f"{sum(result.requests for result in results) / len(rows):.1f}",
        f"{seconds / len(rows):.2f}",
    ]


if __name__ == "__main__":
    main()
