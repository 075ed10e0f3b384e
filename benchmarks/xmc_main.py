"""XMC-Agent's table 2: labels that come later, on development parts, with the embedded model.

python benchmarks/xmc_main.py --set esco                  # tech_dev, 75 items
python benchmarks/xmc_main.py --set onet --limit 400      # the first 400 of 3,694: phrases take their time
python benchmarks/xmc_main.py --set bigbasket --limit 400
python benchmarks/xmc_main.py --set esco --builds kmeans  # k-means indexes alone

Labels are split at random (--seed), half of them known first (--share). Inc counts gold labels of the later
half and leaves out items without any, with all labels ranked; Overall counts all. `grown` is an index of the
first half to which the others were added, `whole` one that was built on all labels at once. Every method
sees the same label texts: names, or paths where the labels are a tree. The walks use the tree alone.
"""

import argparse
from collections.abc import Sequence

from common import (
    BUILDS,
    add_paper_options,
    arguments,
    items,
    part_of,
    print_markdown,
    quality_cells,
    workspace,
)
from taxonaut.evaluation.incremental import GROWN, WHOLE, IncrementalMethod, incremental, round_title

FLAT = ("bm25", "dense", "shortlist", "icxml")
WALKS = ("navigate:shortlist=tree", "navigate:shortlist=tree:start=anchored")
MEASURES = [f"{sign}@{k}" for sign in "PR" for k in (1, 3, 5, 10)]


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    add_paper_options(parser)
    parser.add_argument("--share", type=float, default=0.5, help="share of the labels known first")
    parser.add_argument("--builds", default=BUILDS)
    parser.add_argument("--flat", default=",".join(FLAT), help="methods without an index")


def main() -> None:
    """Print the table and how near growing comes to building."""
    options = arguments(__doc__, add)
    with workspace(options, options.set) as opened:
        rows = items(options, options.set, part_of(options), options.limit)
        told = {"seed": options.seed, "share": options.share}
        found: list[tuple[str, IncrementalMethod]] = []
        flat = [name for name in options.flat.split(",") if name]
        for number, build in enumerate(options.builds.split(",")):
            methods = [*(flat if number == 0 else ()), *WALKS]
            report = incremental(opened, rows, methods, build=build, **told)
            found += [(named(each, build), each) for each in report.methods]
        split = report.split
        print(
            f"\n{options.set} {part_of(options)}: {len(rows)} items, {report.items_later} with later labels; "
            f"{len(split.known):,} + {len(split.later):,} labels, seed {split.seed}\n"
        )
        print_markdown(table(found))
        print("\nonly later labels on offer (Inc, the other reading):\n")
        print_markdown(offered(found))
        print()
        print_growth(found)


def named(each: IncrementalMethod, build: str) -> str:
    """Name a row: the method, and the index it walked."""
    if not each.index:
        return each.method
    walk = "anchored walk" if "anchored" in each.method else "walk"
    return round_title(f"{walk}, {build}", each.index)


def table(found: Sequence[tuple[str, IncrementalMethod]]) -> list[list[str]]:
    """Return the table as the paper has it, and what it cost."""
    header = ["method", *(f"Inc {name}" for name in MEASURES), *(f"Overall {name}" for name in MEASURES)]
    rows = [[*header, "Overall RP@10", "requests"]]
    for name, each in found:
        inc, overall = quality_cells(each.inc, MEASURES), quality_cells(each.overall, MEASURES)
        rows.append([name, *inc, *overall, *quality_cells(each.overall, ["RP@10"]), f"{each.requests:,}"])
    return rows


def offered(found: Sequence[tuple[str, IncrementalMethod]]) -> list[list[str]]:
    """Return the other reading of Inc."""
    rows = [["method", *MEASURES]]
    return rows + [[name, *quality_cells(each.inc_offered, MEASURES)] for name, each in found]


def print_growth(found: Sequence[tuple[str, IncrementalMethod]]) -> None:
    """Say of each walk how its R@10 on a grown index stands to that on a whole one."""
    by_name = dict(found)
    for name, each in by_name.items():
        whole = by_name.get(f"{name.removesuffix(GROWN)}{WHOLE}")
        if each.index != GROWN or whole is None:
            continue
        for reading in ("inc", "overall"):
            one, other = (getattr(which, reading).intervals["R@10"].value for which in (each, whole))
            less = 100 * (one / other - 1) if other else 0.0
            print(f"{name}, {reading}: R@10 {100 * one:.1f}, whole {100 * other:.1f} ({less:+.1f} %)")


if __name__ == "__main__":
    main()
