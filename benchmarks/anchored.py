"""Recall where shortlists are cut to equal size, and requests: root walks, anchored walks, flat search.

python benchmarks/anchored.py                      # ESCO's development parts, k-means index
python benchmarks/anchored.py --tree native        # over ESCO's own groups
python benchmarks/anchored.py --mix 0              # whole texts only

Shortlists are cut after their order (docs/walk.md, "Scores").
"""

import argparse
from collections.abc import Sequence
from typing import Any

from common import arguments, items, print_table, workspace
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.walk.shortlists import ShortlistResult

SIZES = (50, 100, 150, 220, 300)
POLICIES: dict[str, dict[str, Any]] = {
    "flat search": {"shortlist": "dense", "dense": 500},
    "root": {},
    "root, with ancestors": {"ancestors": True},
    "root, without": {"ancestors": False},
    "root, depth-first": {"order": "depth"},
    "root, beam 4": {"beam": 4},
    "anchored at 10": {"start": "anchored", "anchors": 10},
    "anchored at 20": {"start": "anchored", "anchors": 20},
    "anchored at 20, 5 terminals": {"start": "anchored", "anchors": 20, "terminals": 5},
    "anchored at 20, beam 4": {"start": "anchored", "anchors": 20, "beam": 4},
    "anchored at 20, depth-first": {"start": "anchored", "anchors": 20, "order": "depth"},
    "anchored at 50": {"start": "anchored", "anchors": 50},
    "anchored at 20, joined with 220 of flat search": {
        "start": "anchored",
        "anchors": 20,
        "shortlist": "both",
        "dense": 220,
    },
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--parts", default="tech_dev,house_dev")
    parser.add_argument("--tree", default="kmeans", choices=("kmeans", "native"))
    parser.add_argument("--mix", type=float, default=None, help="share of the best phrase; 0: whole texts")


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, add)
    walk = {"shortlist": "tree", "candidates": 0}
    with workspace(options, "esco", walk=walk, scoring={"mix": options.mix}) as opened:
        rows = [row for part in options.parts.split(",") for row in items(options, "esco", part) if row.gold]
        change = None
        if options.tree == "native":
            own = read_labels(options.data / "esco" / "native_tree.jsonl")
            change = opened.index.load_tree(build_native_tree(own.rows))
        try:
            table = [["policy", "requests", "labels", *(f"R@{size}" for size in SIZES), "R, all"]]
            for name, policy in POLICIES.items():
                found = opened.shortlists([row.item for row in rows], **policy)
                table.append([name, *measured(rows, found)])
            print(f"\nESCO {options.parts}: {len(rows)} items, {options.tree} tree\n")
            print_table(table)
        finally:
            if change is not None:
                opened.index.undo(change)


def measured(rows: Sequence[ItemRow], found: Sequence[ShortlistResult]) -> list[str]:
    """Write a row: mean requests and labels an item, then recall at each size, in per cent."""
    requests = sum(each.requests for each in found) / len(found)
    labels = sum(len(each.labels) for each in found) / len(found)
    recalls = [recall(rows, found, size) for size in (*SIZES, None)]
    return [f"{requests:.1f}", f"{labels:,.0f}", *(f"{100 * value:.1f}" for value in recalls)]


def recall(rows: Sequence[ItemRow], found: Sequence[ShortlistResult], size: int | None) -> float:
    """Return the mean share of an item's gold labels among the first `size` of its shortlist."""
    shares = [
        len(set(row.gold) & set(each.labels[:size])) / len(set(row.gold))
        for row, each in zip(rows, found, strict=True)
    ]
    return sum(shares) / len(shares)


if __name__ == "__main__":
    main()
