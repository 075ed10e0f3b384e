"""XMC-Agent's table 3, the index: agents' index, k-means index, and exact search's shortlist in its place.

python benchmarks/xmc_index.py --set esco                  # tech_dev, 75 items
python benchmarks/xmc_index.py --set onet --limit 400
python benchmarks/xmc_index.py --set esco --builds kmeans  # what there is to compare may be fewer
python benchmarks/xmc_index.py --set esco --terminal-size 24

First what a walk puts on the shortlist: walks of growing terminal budgets, their recall read at equal sizes
(between two budgets, on a log scale). Then what comes out behind the general expert, at --terminals 20 and,
for exact search, at its 500 best labels. The walks use the tree alone, from the root and anchored.
"""

import argparse
from collections.abc import Sequence

from common import (
    BUILDS,
    add_paper_options,
    arguments,
    indexed,
    items,
    part_of,
    percent,
    print_markdown,
    quality_cells,
    workspace,
)
from taxonaut.evaluation.curves import (
    ANCHORED,
    ROOT,
    Point,
    interpolate_at_size,
    measure_flat_search,
    measure_walk,
)
from taxonaut.evaluation.harness import MethodReport, evaluate
from taxonaut.graphs.sync_bridge import PORTAL
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

SIZES = (100, 220, 300, 500)
BUDGETS = (1, 2, 3, 5, 8, 12, 20, 30, 50)
MEASURES = [f"{sign}@{k}" for sign in "PR" for k in (1, 3, 5, 10)]


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    add_paper_options(parser)
    parser.add_argument("--builds", default=BUILDS, help="of agents, kmeans and native")
    parser.add_argument("--terminal-size", type=int, help="labels of a terminal; unset: each builder's own")
    parser.add_argument("--terminals", type=int, default=20, help="for what comes out in the end")


def main() -> None:
    """Print both tables."""
    options = arguments(__doc__, add)
    with workspace(options, options.set) as opened:
        rows = items(options, options.set, part_of(options), options.limit)
        judged = [row for row in rows if row.gold]
        sizes = [["shortlist", *(f"recall at {size} (requests)" for size in SIZES)]]
        budgets = [["walk", *(f"{budget} terminals: recall, size" for budget in BUDGETS)]]
        ends = [["method", *MEASURES, "RP@10", "requests"]]
        for build in options.builds.split(","):
            size = {"terminal_size": options.terminal_size} if options.terminal_size else {}
            with indexed(opened, build, size) as index:
                shape = index.index.stats()
                places = f"{shape.placements / shape.labels:.2f} places a label"
                terminals = f"{shape.terminals:,} terminals of {shape.labels_per_terminal:.1f} labels"
                print(f"{build}: {shape.nodes:,} nodes, {terminals}, {places}, depth {shape.depth}")
                for series in (ROOT, ANCHORED):
                    points = curve(index, judged, series)
                    sizes.append([f"{build}, {series}", *(read(points, size) for size in SIZES)])
                    budgets.append([f"{build}, {series}", *map(pair, points)])
                names = [f"navigate:shortlist=tree:terminals={options.terminals}"]
                names.append(f"{names[0]}:start=anchored:anchors={options.terminals}")
                ends += [end(f"{build} index", each) for each in evaluate(index, rows, names).methods]
        points = PORTAL.run(measure_flat_search(opened, judged, SIZES))
        sizes.append(["exact search", *(f"{percent(point.recall)} (0)" for point in points)])
        whole = PORTAL.run(measure_flat_search(opened, judged, SIZES, plain=True))
        sizes.append(["plain cosine of whole texts", *(f"{percent(point.recall)} (0)" for point in whole)])
        ends += [end("flat", each) for each in evaluate(opened, rows, ["shortlist", "dense"]).methods]
        print(f"\n{options.set} {part_of(options)}: {len(rows)} items\n")
        for table in (sizes, budgets, ends):
            print_markdown(table)
            print()


def curve(index: Workspace, rows: Sequence[ItemRow], series: str) -> list[Point]:
    """Measure one way of walking at every budget."""
    return [PORTAL.run(measure_walk(index, rows, series, budget)) for budget in BUDGETS]


def read(points: Sequence[Point], size: int) -> str:
    """Write recall and requests at one size, where it was measured."""
    found = interpolate_at_size(points, size)
    return "–" if found is None else f"{100 * found[0]:.1f} ({found[1]:.1f})"


def pair(point: Point) -> str:
    """Write one budget's recall and size."""
    return f"{100 * point.recall.value:.1f}, {point.size:.0f}"


def end(index: str, method: MethodReport) -> list[str]:
    """Write what came out in the end."""
    walk = "anchored walk" if "anchored" in method.method else method.method.partition(":")[0]
    return [f"{index}, {walk}", *quality_cells(method.quality, [*MEASURES, "RP@10"]), f"{method.requests:,}"]


if __name__ == "__main__":
    main()
