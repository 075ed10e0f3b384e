"""Compare the runtimes of all-MiniLM-L6-v2: texts a second, and agreement of their vectors.

    python benchmarks/encoders.py esco/labels.jsonl esco/tech_dev.jsonl

Reads names and texts of JSONL files, embeds names, phrases and whole texts with each runtime in turn, on one thread,
and prints a table. Take a machine with nothing else to do; CPU seconds are the process's own.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from taxonaut.models.embedder import Embedder
from taxonaut.models.encoder.phrases import phrases
from taxonaut.models.gguf.embedder import GgufEmbedder
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings

RUNTIMES: dict[str, Callable[[], Embedder]] = {
    "llama.cpp, float16": lambda: GgufEmbedder(threads=1),
    "ONNX Runtime, float32": lambda: OnnxEmbedder(threads=1, settings=OnnxSettings(precision="fp32")),
    "ONNX Runtime, int8": lambda: OnnxEmbedder(threads=1, settings=OnnxSettings(precision="int8")),
}


def measure(embedder: Embedder, texts: Sequence[str]) -> tuple[np.ndarray, float]:
    """Return vectors, and texts a CPU second; the model is loaded before."""
    embedder.embed(["load"])
    started = time.process_time()
    vectors = embedder.embed(texts)
    return vectors, len(texts) / (time.process_time() - started)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="JSONL files with `name` or `text`")
    parser.add_argument("--texts", type=int, default=1000, help="texts of each kind (1000)")
    arguments = parser.parse_args()
    rows = [json.loads(line) for file in arguments.files for line in file.open(encoding="utf-8")]
    draw = random.Random(0)
    names = sorted({row["name"] for row in rows if "name" in row})
    texts = sorted({row["text"] for row in rows if "text" in row})
    kinds = {
        "names": names,
        "phrases": sorted({phrase for text in texts for phrase in phrases(text)}),
        "texts": texts,
    }
    drawn = {kind: draw.sample(each, min(arguments.texts, len(each))) for kind, each in kinds.items() if each}
    print(
        "| runtime | " + " | ".join(f"{len(each)} {kind} a CPU second" for kind, each in drawn.items()),
        end="",
    )
    print(" | cosine to llama.cpp, mean and least |\n|---|" + "---|" * (len(drawn) + 1))
    first: np.ndarray | None = None
    for runtime, make in RUNTIMES.items():
        embedder = make()
        found = [measure(embedder, each) for each in drawn.values()]
        vectors = np.concatenate([each for each, _ in found])
        first = vectors if first is None else first
        cosines = np.einsum("ij,ij->i", vectors, first)
        rates = " | ".join(f"{rate:.0f}" for _, rate in found)
        print(f"| {runtime} | {rates} | {cosines.mean():.4f}, {cosines.min():.4f} |", flush=True)


if __name__ == "__main__":
    main()
