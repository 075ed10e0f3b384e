"""XMC-Agent's table 6, the navigation policy: recall and size of the first stage's shortlist.

python benchmarks/xmc_policy.py --set esco                  # tech_dev, over the agents' index
python benchmarks/xmc_policy.py --set esco --build kmeans
python benchmarks/xmc_policy.py --set onet --build native --limit 400

The paper's rows (breadth- and depth-first, with and without ancestors, 20 terminals), with flat search as
their base: plain cosine of whole texts, as Faiss has it; then vectors centred and shared words counted; then
phrases. After them this project's own: beam, threshold, anchored. Last, recall where the shortlist has 220
labels, read between terminal budgets: the size at which the paper compares (68.9 against 53.7 at 300).
"""

import argparse
from typing import Any

from common import add_paper_options, arguments, indexed, items, part_of, percent, print_markdown, workspace
from taxonaut.evaluation.curves import (
    ANCHORED,
    ROOT,
    Point,
    interpolate_at_size,
    measure_flat_search,
    measure_policy,
    measure_walk,
)
from taxonaut.graphs.sync_bridge import PORTAL

BASE, SIZE = 300, 220
BUDGETS = (1, 2, 3, 5, 8, 12, 20)


def policies(terminals: int) -> dict[str, dict[str, Any]]:
    """Return each row's walk settings."""
    common = {"shortlist": "tree", "terminals": terminals}
    anchored = {**common, "start": "anchored"}
    return {
        "BFS with ancestors": {**common, "ancestors": True},
        "BFS without ancestors": {**common, "ancestors": False},
        "DFS with ancestors": {**common, "order": "depth", "ancestors": True},
        "DFS without ancestors": {**common, "order": "depth", "ancestors": False},
        "BFS, beam 5": {**common, "ancestors": False, "beam": 5},
        "BFS, threshold 0.3": {**common, "ancestors": False, "threshold": 0.3},
        "anchored at 5 labels": {**anchored, "anchors": 5, "terminals": min(5, terminals)},
        "anchored at 20 labels": {**anchored, "anchors": 20},
    }


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    add_paper_options(parser)
    parser.add_argument("--build", default="agents", help="agents, kmeans or native")
    parser.add_argument("--terminals", type=int, default=20)


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, add)
    with workspace(options, options.set) as opened:
        rows = [row for row in items(options, options.set, part_of(options), options.limit) if row.gold]
        points = PORTAL.run(
            measure_flat_search(
                opened, rows, (SIZE, BASE), plain=True, series="flat, plain cosine of whole texts"
            )
        )
        points += PORTAL.run(
            measure_flat_search(opened, rows, (SIZE, BASE), mix=0.0, series="flat, whole texts")
        )
        points += PORTAL.run(measure_flat_search(opened, rows, (SIZE, BASE), series="flat, phrases too"))
        with indexed(opened, options.build) as index:
            for name, walk in policies(options.terminals).items():
                points.append(PORTAL.run(measure_policy(index, rows, name, options.terminals, walk)))
            print(f"\n{options.set} {part_of(options)}: {len(rows)} items, {options.build} index\n")
            print_markdown([["policy", "recall", "size", "requests"], *map(row_of, points)])
            print()
            for series in (ROOT, ANCHORED):
                curve = [PORTAL.run(measure_walk(index, rows, series, budget)) for budget in BUDGETS]
                found = interpolate_at_size(curve, SIZE)
                said = "not measured" if found is None else f"{100 * found[0]:.1f} ({found[1]:.1f} requests)"
                print(f"{series} at {SIZE} labels: {said}")


def row_of(point: Point) -> list[str]:
    """Write one policy's row."""
    return [point.series, percent(point.recall), f"{point.size:,.1f}", f"{point.requests:,.1f}"]


if __name__ == "__main__":
    main()
