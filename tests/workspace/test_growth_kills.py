"""Killed at any moment of `labels add`: the same command again ends with the index of an undisturbed one."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from taxonaut import Workspace

KILLS = 20

SCRIPT = """
import sys
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from taxonaut import Workspace
from taxonaut.state.records import Label
from taxonaut.workspace import wiring, growth, crew
import taxonaut.graphs.insert_labels, taxonaut.graphs.build_index


class Words:
    name, dimension = "words", 16

    def embed(self, texts):
        rows = np.zeros((len(texts), 16), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                seed = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big")
                rows[row] += np.random.default_rng(seed).normal(size=16)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


wiring.open_embedder = lambda _: Words()
names = [f"{a} {b} {c}" for a in ("shoe", "lamp", "cup", "ball") for b in ("red", "green", "blue", "grey", "pink")
    for c in ("ada", "bob", "cyd", "dee")]
labels = [Label(name, name) for name in names]


def build(folder):
    with Workspace.init(folder) as workspace:
        workspace.index.add_labels(labels[::2])
        workspace.build_index("agents", {"terminal_size": 10})


def add(folder):
    with Workspace.open(folder) as workspace:
        workspace.add_labels(labels[1::2])


if sys.argv[1] == "build":
    build(sys.argv[2])
elif sys.argv[1] == "add":
    add(sys.argv[2])
else:
    import os, signal, time

    print("ready", flush=True)
    for line in sys.stdin:  # seconds until the kill, or "-", and a folder to add to in a process of its own
        after, folder = line.strip().split(" ", 1)
        child = os.fork()
        if not child:
            try:
                add(folder)
            finally:
                os._exit(0)
        if after != "-":
            time.sleep(float(after))
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("ended", flush=True)
"""


def state(folder: Path) -> tuple[Any, ...]:
    with Workspace.open(folder) as workspace:
        shot = workspace.index.snapshot()
        changes = [(change.note, dict(change.operations)) for change in workspace.index.events.changes()]
        return shot.nodes, shot.labels, shot.edges, shot.placements, changes


def test_killed_additions_end_as_undisturbed_ones(tmp_path: Path) -> None:
    script = tmp_path / "add.py"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, script, "build", tmp_path / "built"], check=True, env=environment)
    server = subprocess.Popen(
        [sys.executable, script, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def run(folder: Path, after: float | None = None) -> float:
        """Add in a process that is killed after some seconds; return how long it took."""
        assert server.stdin is not None
        assert server.stdout is not None
        started = time.perf_counter()
        server.stdin.write(f"{'-' if after is None else after} {folder}\n")
        server.stdin.flush()
        assert server.stdout.readline() == "ended\n"
        return time.perf_counter() - started

    try:
        assert server.stdout.readline() == "ready\n"
        shutil.copytree(tmp_path / "built", tmp_path / "undisturbed")
        took = run(tmp_path / "undisturbed")
        before, wanted = state(tmp_path / "built"), state(tmp_path / "undisturbed")
        assert len(wanted[1]) == 80
        chance = random.Random(0)
        written = 0
        for number in range(KILLS):
            folder = tmp_path / f"killed {number}"
            shutil.copytree(tmp_path / "built", folder)
            for _ in range(1 + number % 2):
                run(folder, chance.uniform(0, took))
            between = state(folder)
            assert between in (before, wanted)
            written += between == wanted
            run(folder)
            assert state(folder) == wanted
            shutil.rmtree(folder)
        assert written < KILLS
    finally:
        server.stdin.close()
        server.stdout.close()
        server.kill()
        server.wait()
