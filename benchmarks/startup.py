"""From the start of a process to its end: one question to `chat`, one text to `classify`, as ratios to bare imports.

    python benchmarks/startup.py

The workspace (bigbasket, 467 labels in their tree) and its label vectors are there before. The commands run in turn,
each in a process of its own, with a text or question that no earlier call had. A ratio is that of the medians to
`python -c "import langgraph, duckdb, onnxruntime"`, of CPU and of wall time; on a machine with other work the first
says more.
"""

import argparse
import os
import subprocess
import sys
import time
from statistics import median

from common import arguments, print_table, workspace

BASE = "import of langgraph, duckdb, onnxruntime"


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--rounds", type=int, default=7)


def measure(command: list[str]) -> tuple[float, float]:
    """Return a process's CPU seconds and wall seconds."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    used = after.children_user - before.children_user + after.children_system - before.children_system
    return used, wall


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, add)
    with workspace(options, "bigbasket") as opened:
        folder = str(opened.folder)
        opened.embed_labels()
    run = [sys.executable, "-m", "taxonaut"]
    times: dict[str, list[tuple[float, float]]] = {}
    for turn in range(-1, options.rounds):  # the first turn warms the disk cache and compiles modules
        commands = {
            BASE: [sys.executable, "-c", "import langgraph, duckdb, onnxruntime"],
            'classify "one text"': [*run, "classify", f"organic mustard oil {turn} l", "-w", folder],
            "chat --once": [*run, "chat", "--once", f"where would 'mustard oil {turn}' go?", "-w", folder],
        }
        for name, command in commands.items():
            found = measure(command)
            if turn >= 0:
                times.setdefault(name, []).append(found)
    base = [median(column) for column in zip(*times[BASE], strict=True)]
    rows = [["process", "CPU s", "ratio", "wall s", "ratio"]]
    for name, found in times.items():
        cpu, wall = (median(column) for column in zip(*found, strict=True))
        rows.append([name, f"{cpu:.2f}", f"{cpu / base[0]:.1f}", f"{wall:.2f}", f"{wall / base[1]:.1f}"])
    print_table(rows)


if __name__ == "__main__":
    main()
