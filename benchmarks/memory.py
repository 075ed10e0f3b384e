"""Peak memory of classifying many texts against ESCO's 13,896 labels, in a process of its own.

    python benchmarks/memory.py --texts 10000

The texts are the sentences of ESCO TECH and HOUSE, each made distinct by words of another; the file is read,
classified and written as `taxonaut classify FILE -o OUT` does it.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import arguments, items, workspace


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--shortlist", default="both")


def main() -> None:
    """Classify in a child process and print its peak resident memory."""
    options = arguments(__doc__, add)
    with workspace(options, "esco") as opened:
        folder = opened.folder
    sentences = [
        row.item.text
        for part in ("tech_test", "tech_dev", "house_dev")
        for row in items(options, "esco", part)
    ]
    shuffled = random.Random(0)
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "texts.jsonl"), Path(scratch, "labels.jsonl")
        with source.open("w", encoding="utf-8") as out:
            for number in range(options.texts):
                words = shuffled.choice(sentences).split()
                text = " ".join([*sentences[number % len(sentences)].split(), *words[:4]])
                out.write(json.dumps({"id": f"text-{number}", "text": text}) + "\n")
        command = [sys.executable, "-m", "taxonaut", "classify", str(source), "-o", str(target)]
        started = time.perf_counter()
        subprocess.run([*command, "-w", str(folder), "--shortlist", options.shortlist], check=True)
        seconds = time.perf_counter() - started
        written = sum(1 for _ in target.open(encoding="utf-8"))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{written:,} texts in {seconds:,.0f} s ({written / seconds:,.1f} texts/s), peak memory {peak:,.0f} MB"
    )


if __name__ == "__main__":
    main()
