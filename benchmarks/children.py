"""How long one read of the index takes in a tree of a million nodes.

    python benchmarks/children.py [--nodes 1000000]

Each row is a row of calls in one process, in this order: the first nodes after opening the file, then
others never read before, then the same again. Times are milliseconds of single calls, in a tree of fan-out
16 with one label in each terminal node.
"""

import argparse
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Label, Tree, TreeNode

FANOUT = 16
CALLS = 500
MANY = 200


def build(path: Path, nodes: int) -> None:
    """Write an index of `nodes` nodes, with a label in each terminal one."""
    first_terminal = (nodes - 2) // FANOUT + 1
    labels = [Label(LabelId(f"l{key}"), f"label {key}") for key in range(first_terminal, nodes)]
    tree = Tree(
        "benchmark",
        tuple(TreeNode(key, f"node {key}", f"what belongs to node {key}") for key in range(1, nodes)),
        tuple(((key - 1) // FANOUT, key) for key in range(1, nodes)),
        tuple((key, LabelId(f"l{key}")) for key in range(first_terminal, nodes)),
    )
    with Database.open(path) as database:
        index = Index(database)
        index.add_labels(labels)
        index.load_tree(tree)


def timed(call: Callable[[Any], object], arguments: Sequence[Any]) -> tuple[float, float]:
    """Return the median and the 95th percentile of single calls, in milliseconds."""
    times = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def measure(path: Path, nodes: int) -> tuple[float, list[tuple[str, float, float]]]:
    """Read a file that this process has not read yet; return the seconds of the first read, and the rest."""
    draw = random.Random(0)

    def nodes_at(low: int, high: int, count: int) -> list[NodeId]:
        return [NodeId(1 + draw.randrange(low, high)) for _ in range(count)]

    parents = (nodes - 2) // FANOUT
    first_nodes, next_nodes = nodes_at(1, parents, CALLS), nodes_at(1, parents, CALLS)
    terminal = nodes_at(parents + 1, nodes, CALLS)
    batches = [nodes_at(1, parents, MANY) for _ in range(20)]
    terminal_batches = [nodes_at(parents + 1, nodes, MANY) for _ in range(20)]
    with Database.open(path) as database:
        start = time.perf_counter()
        index = Index(database)
        index.children(index.root())
        index.labels_under([index.root()])
        first = time.perf_counter() - start
        labels = [label for under in index.labels_under(terminal).values() for label in under]
        rows = [
            ("children(node), first", *timed(index.children, first_nodes)),
            ("children(node), others", *timed(index.children, next_nodes)),
            ("children(node), again", *timed(index.children, next_nodes)),
            (f"children_of({MANY} nodes), others", *timed(index.children_of, batches)),
            ("labels_under(1 node)", *timed(lambda node: index.labels_under([node]), terminal)),
            (f"labels_under({MANY} nodes)", *timed(index.labels_under, terminal_batches)),
            ("paths_of(1 label), first", *timed(lambda label: index.paths_of([label]), labels)),
        ]
    return first, rows


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="nodes of the tree (default 1000000)")
    nodes = parser.parse_args().nodes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.duckdb"
        start = time.perf_counter()
        builder = multiprocessing.get_context("spawn").Process(target=build, args=(path, nodes))
        builder.start()
        builder.join()
        if builder.exitcode:
            sys.exit(f"building an index of {nodes} nodes failed; try fewer with --nodes")
        print(f"{nodes:,} nodes, fan-out {FANOUT}")
        print(
            f"  written in      {time.perf_counter() - start:8.1f} s, {path.stat().st_size / 2**20:.0f} MiB"
        )
        first, rows = measure(path, nodes)
    print(f"  first read in   {first:8.2f} s")
    print(f"  peak memory     {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:8.0f} MiB\n")
    print(f"{'milliseconds a call':<28}{'median':>10}{'p95':>10}")
    for name, median, p95 in rows:
        print(f"{name:<28}{median:>10.3f}{p95:>10.3f}")


if __name__ == "__main__":
    main()
