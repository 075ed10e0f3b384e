"""How annotation scales: items one to a request against a server that answers after a while, by requests in flight.

    python benchmarks/annotate.py [--items 2000] [--delay 1] [--in-flight 1,4,16,64] [--profile 30]

A local server, a process of its own, answers every request after `--delay` seconds. `--items` are put on a vocabulary
of one level at the largest number of requests in flight, fewer in proportion at the others, each time in a workspace
of its own, as `taxonaut vocabulary assign` does it. No loop takes less than ideal = rounds x delay, the rounds being
items / in flight, rounded up. CPU seconds are those of the client, all threads.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from overhead import running_server

from common import print_markdown

DESCRIPTORS = 15
WORDS = ("pens", "paper", "folders", "labels", "tape", "staplers", "markers", "glue", "desks", "lamps")
COLOURS = ("red", "blue", "green", "black", "white", "grey", "clear")
TARGET = 1.15


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its items, requests in flight, seconds to each answer, wall and CPU seconds."""

    items: int
    in_flight: int
    delay: float
    wall: float
    cpu: float

    @property
    def ideal(self) -> float:
        """What a loop that costs nothing would take."""
        return -(-self.items // self.in_flight) * self.delay

    def cells(self) -> list[str]:
        """Return a line of the table."""
        return [
            str(self.in_flight),
            f"{self.items:,}",
            f"{self.ideal:.1f}",
            f"{self.wall:.2f}",
            f"{self.wall / self.ideal:.3f}",
            f"{self.items / self.wall:.1f}",
            f"{self.cpu:.2f}",
            f"{1000 * self.cpu / self.items:.2f}",
        ]


HEADER = ["in flight", "items", "ideal s", "wall s", "ratio", "items/s", "CPU s", "CPU ms an item"]


def measure(folder: Path, url: str, items: int, in_flight: int, delay: float) -> Measured:
    """Put so many items on the vocabulary and say what that took."""
    from taxonaut import Workspace
    from taxonaut.state.records import Tree

    role = {"model": "hosted_vllm/test", "api_base": url, "concurrency": in_flight}
    with Workspace.init(folder) as made:
        made.index.load_tree(Tree("vocabulary", *drawn(), ()))
    settings = {"models": {"annotator": role}, "vocabulary": {"items_per_request": 1}}
    with Workspace.open(folder, **settings) as workspace:
        given = products(items)
        wall, cpu = time.perf_counter(), time.process_time()
        taggings = asyncio.run(workspace.aassign_vocabulary(given))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    wrong = [tagging for tagging in taggings if tagging.error or len(tagging.path) != 1]
    if wrong or len(taggings) != items:
        sys.exit(f"{len(wrong)} of {len(taggings)} items got no descriptor, the first: {wrong[:1]}")
    return Measured(items, in_flight, delay, wall, cpu)


def drawn() -> tuple[tuple[object, ...], tuple[tuple[int, int], ...]]:
    """Return the vocabulary's nodes and edges."""
    from taxonaut.state.records import TreeNode

    nodes = tuple(
        TreeNode(
            number,
            f"Descriptor {number}",
            "what belongs under it, in a sentence",
            examples=tuple(f"{colour} {WORDS[number % len(WORDS)]}" for colour in COLOURS[:4]),
            includes=("one thing", "another thing"),
            excludes=("what its neighbours hold",),
        )
        for number in range(1, DESCRIPTORS + 1)
    )
    return nodes, tuple((0, number) for number in range(1, DESCRIPTORS + 1))


def products(count: int) -> list[object]:
    """Make items, no two of them the same."""
    from taxonaut.state.ids import ItemId
    from taxonaut.state.records import Item

    return [
        Item(
            ItemId(f"p{number}"),
            f"{COLOURS[number % 7]} {WORDS[number % 10]}, article {number}, pack of {number % 12}",
        )
        for number in range(count)
    ]


def profiled(folder: Path, url: str, options: argparse.Namespace, in_flight: int) -> None:
    """Print where the client's time goes."""
    import cProfile
    import pstats

    with cProfile.Profile() as profile:
        measure(folder, url, options.items, in_flight, options.delay)
    pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(options.profile)


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=2000, help="items at the most in flight (default 2000)")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds to each answer (default 1)")
    parser.add_argument("--in-flight", default="1,4,16,64", help="requests in flight, by commas")
    parser.add_argument("--profile", type=int, default=0, help="print so many lines of a profile instead")
    options = parser.parse_args()
    numbers = sorted(int(number) for number in options.in_flight.split(","))
    rows = [HEADER]
    with tempfile.TemporaryDirectory() as scratch, running_server(0.0) as url:
        measure(Path(scratch, "warm"), url, 10, 2, 0.01)
    with tempfile.TemporaryDirectory() as scratch, running_server(options.delay) as url:
        if options.profile:
            profiled(Path(scratch, "profiled"), url, options, numbers[-1])
            return
        for number in numbers:
            items = max(min(20, options.items), options.items * number // numbers[-1])
            found = measure(Path(scratch, str(number)), url, items, number, options.delay)
            sys.stderr.write(f"  {number} in flight: {found.wall:.2f} s\n")
            rows.append(found.cells())
    print(
        f"{options.items:,} items at {numbers[-1]} in flight, one to a request, answers after {options.delay:g} s\n"
    )
    print_markdown(rows)
    print(f"\nwall / ideal at {numbers[-1]} in flight: {rows[-1][4]} (target: at most {TARGET})")


if __name__ == "__main__":
    main()
