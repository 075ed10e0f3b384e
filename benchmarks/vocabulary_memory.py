"""Peak memory of building a vocabulary from many items and putting it on them, in a process of its own.

    python benchmarks/vocabulary_memory.py --items 100000 --embedder hash
    python benchmarks/vocabulary_memory.py --items 5000

The items are made up: a few words of a theme, of a part of it, and of all, no two items the same. `--embedder hash`
is a cheap stand-in, to measure everything but the embedder: sums of random vectors of words, of 384 numbers. Peak is
the child's largest resident set.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taxonaut.state.updates import Progress, Update

DIMENSION = 384
THEMES, PARTS = 20, 12
SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ru",
    "sen",
    "tor",
    "va",
    "bel",
    "dan",
    "fi",
    "gor",
    "hu",
    "jas",
    "pel",
    "qui",
    "zet",
)


class HashEmbedder:
    """Adds up a random vector for each word."""

    name = "hash"
    dimension = DIMENSION

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def embed(self, texts: Sequence[str]) -> Any:
        """Return unit vectors, a row a text."""
        import numpy as np

        rows = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            for word in text.split() or ["."]:
                if word not in self.known:
                    draw = np.random.default_rng(zlib.crc32(word.encode()))
                    self.known[word] = draw.standard_normal(DIMENSION, np.float32)
                rows[row] += self.known[word]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def words(chance: random.Random, count: int) -> list[str]:
    """Make up words."""
    return ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(count)]


def write_items(path: Path, count: int) -> None:
    """Write so many items as JSON lines."""
    chance = random.Random(0)
    everywhere = words(chance, 2000)
    themes = [words(chance, 6) for _ in range(THEMES)]
    parts = [[words(chance, 6) for _ in range(PARTS)] for _ in range(THEMES)]
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            theme = chance.randrange(THEMES)
            part = parts[theme][chance.randrange(PARTS)]
            held = [*chance.sample(themes[theme], 3), *chance.sample(part, 3), *chance.sample(everywhere, 3)]
            out.write(json.dumps({"id": f"item-{number}", "text": " ".join([*held, f"n{number}"])}) + "\n")


def child(folder: Path, source: Path, embedder: str) -> None:
    """Build and assign, and print seconds and peaks of both."""
    from taxonaut import Workspace
    from taxonaut.workspace.files.item_files import open_items

    items = [row.item for row in open_items(str(source)).rows()]
    Workspace.init(folder).close()
    print(f"items read: peak {peak():,.0f} MB", file=sys.stderr)
    given = HashEmbedder() if embedder == "hash" else None
    with Workspace.open(folder, embedder=given) as workspace:
        started = time.perf_counter()
        build = workspace.build_vocabulary(items, on_update=show)
        told = f"{build.items:,} items, {build.descriptors:,} descriptors, {build.groups:,} groups"
        print(f"build: {told} in {time.perf_counter() - started:,.0f} s, peak {peak():,.0f} MB")
        started = time.perf_counter()
        taggings = workspace.assign_vocabulary(items)
        covered = sum(bool(tagging.path) for tagging in taggings) / len(taggings)
        seconds = time.perf_counter() - started
        print(f"assign: {covered:.1%} have a descriptor, in {seconds:,.0f} s, peak {peak():,.0f} MB")


def show(update: Update) -> None:
    """Say on standard error how far a stage of the work is."""
    if isinstance(update, Progress):
        sys.stderr.write(f"\r{update.stage}: {update.done} of {update.total}, peak {peak():,.0f} MB ")


def peak() -> float:
    """This process's largest resident set so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Make the items and measure in a child process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--embedder", choices=("real", "hash"), default="real")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.embedder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "items.jsonl")
        write_items(source, options.items)
        command = [sys.executable, __file__, "--embedder", options.embedder]
        subprocess.run([*command, "--child", str(Path(scratch, "w")), str(source)], check=True)


if __name__ == "__main__":
    main()
