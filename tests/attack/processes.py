"""Processes on one workspace, of which the one that holds it is killed again and again.

Writers add two nodes in one change and print what was confirmed; commands of the command line read beside
them. Lost is a confirmed change that is not there, half a change, a refusal, and a failure that nobody was told of.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from attack.report import Report

from taxonaut.workspace.workspace import Workspace

WRITERS, READERS = 5, 20

WRITER = """
import sys
from taxonaut import Workspace, WorkspaceError
folder, name = sys.argv[1:]
with Workspace.open(folder) as workspace:
    root = workspace.index.root()
    for number in range(60):
        try:
            with workspace.database.write(), workspace.index.change(name):
                workspace.index.create_node(root, f"{name} {number} a")
                workspace.index.create_node(root, f"{name} {number} b")
        except WorkspaceError as error:
            print(f"told {error}", flush=True)
        else:
            print(f"made {name} {number}", flush=True)
"""

COMMANDS = (("labels", "list"), ("index", "stats"), ("index", "log"), ("labels", "search", "boots"))


def run(count: int, seed: int, folder: Path, report: Report) -> None:
    """Kill `count` holders, in rounds of one set of writers and readers each."""
    dice = random.Random(seed)
    with Workspace.init(folder / "w") as workspace:
        workspace.index.create_node(workspace.index.root(), "first")
    killed = turn = 0
    while killed < count or not turn:
        turn += 1
        killed += _round(folder / "w", turn, count - killed, dice, report)


def _round(folder: Path, turn: int, kills: int, dice: random.Random, report: Report) -> int:
    writers = [
        _start(report, "-c", WRITER, str(folder), f"writer {turn}.{number}") for number in range(WRITERS)
    ]
    readers = [
        _start(report, "-m", "taxonaut", *dice.choice(COMMANDS), "-w", str(folder)) for _ in range(READERS)
    ]
    killed = _kill_holders(folder, writers, kills, dice)
    confirmed = []
    for process in (*writers, *readers):
        out, err = process.communicate()
        made = [line.removeprefix("made ") for line in out.splitlines() if line.startswith("made ")]
        told = out.count("\ntold ") + out.startswith("told ")
        confirmed += made
        report.count("writers" if process in writers else "readers", confirmed=len(made), told=told)
        if process.returncode and process.pid not in killed:
            report.lose("processes", f"{process.args} ended with {process.returncode}: {err[-300:]}")
    with Workspace.open(folder) as workspace:
        there = {node.name for node in workspace.index.children(workspace.index.root())}
    for name in confirmed:
        if f"{name} a" not in there:
            report.lose("changes", f"{name} was confirmed and is gone")
    for name in there:
        if name.endswith((" a", " b")) and {f"{name[:-2]} a", f"{name[:-2]} b"} - there:
            report.lose("changes", f"{name} is there without the other half of its change")
    return len(killed)


def _start(report: Report, *arguments: str) -> subprocess.Popen[str]:
    report.count("processes", started=1)
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _kill_holders(
    folder: Path, writers: list[subprocess.Popen[str]], kills: int, dice: random.Random
) -> set[int]:
    """Kill writers that hold the workspace, all but two."""
    own, killed = {process.pid for process in writers}, set[int]()
    while len(killed) < min(kills, WRITERS - 2) and any(process.poll() is None for process in writers):
        time.sleep(dice.uniform(0.1, 0.6))
        try:
            pid = json.loads((folder / "index.duckdb.holder").read_text())["pid"]
        except (OSError, ValueError):
            continue
        if pid in own - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    return killed
