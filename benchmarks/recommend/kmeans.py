"""K-means codes of the items' embeddings, written as files that the trainer reads.

python -m benchmarks.recommend.kmeans --data DIR --out .build/benchmarks/codes

Texts are cut to their first --characters, embedded by the project's embedder and kept as an .npy file; a second
run only clusters. `kmeans_residual.json` are 3 levels of 256 codes, each level of what the levels before left
over (RQ-KMeans). `kmeans_tree.json` are clusters within clusters, 15, 12 and 10 to a parent.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

LEVELS = (256, 256, 256)
BRANCHES = (15, 12, 10)
ROUNDS = 50


def kmeans(vectors: Vectors, k: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Give each row of (n, d) the number of its cluster, 0 ≤ number < k, by Euclidean k-means.

    Starts are drawn as in k-means++. A cluster that gets empty keeps its centre.
    """
    centres = _starts(vectors, min(k, len(vectors)), rng)
    nearest = np.full(len(vectors), -1, dtype=np.intp)
    for _ in range(ROUNDS):
        before = nearest
        nearest = np.argmin((centres**2).sum(1) - 2 * vectors @ centres.T, axis=1)
        if np.array_equal(nearest, before):
            break
        for number in np.unique(nearest):
            centres[number] = vectors[nearest == number].mean(axis=0)
    return nearest


def residual_codes(vectors: Vectors, levels: Sequence[int], seed: int) -> list[list[str]]:
    """Give each row a code a level; every level clusters what the ones before left over."""
    rng = np.random.default_rng(seed)
    left, columns = vectors.copy(), []
    for size in levels:
        numbers = kmeans(left, size, rng)
        for number in np.unique(numbers):
            left[numbers == number] -= left[numbers == number].mean(axis=0)
        columns.append(numbers)
    return [[token(level, int(each)) for level, each in enumerate(row)] for row in zip(*columns, strict=True)]


def tree_codes(vectors: Vectors, branches: Sequence[int], seed: int) -> list[list[str]]:
    """Give each row a code a level; every cluster is clustered again, and has its number among all of its level."""
    rng = np.random.default_rng(seed)
    rows: list[list[str]] = [[] for _ in vectors]
    groups = [np.arange(len(vectors))]
    for level, branching in enumerate(branches):
        parts = []
        for group in groups:
            numbers = kmeans(vectors[group], branching, rng)
            parts += [group[numbers == number] for number in np.unique(numbers)]
        for number, part in enumerate(parts):
            for row in part:
                rows[row].append(token(level, number))
        groups = parts
    return rows


def token(level: int, number: int) -> str:
    """Write a code as TIGER-style files do: `<a_12>` on the first level, `<b_3>` on the second."""
    return f"<{'abcdefgh'[level]}_{number}>"


def _starts(vectors: Vectors, k: int, rng: np.random.Generator) -> Vectors:
    chosen = [int(rng.integers(len(vectors)))]
    distance = ((vectors - vectors[chosen[0]]) ** 2).sum(1)
    while len(chosen) < k and distance.sum() > 0:
        weight = distance.astype(np.float64)
        chosen.append(int(rng.choice(len(vectors), p=weight / weight.sum())))
        distance = np.minimum(distance, ((vectors - vectors[chosen[-1]]) ** 2).sum(1))
    return vectors[chosen].copy()


def embeddings(texts: Sequence[str], kept: Path) -> Vectors:
    """Embed texts with the project's embedder, or read what an earlier run kept."""
    if kept.is_file():
        found: Vectors = np.load(kept)
        if len(found) == len(texts):
            return found
    from taxonaut.models.catalog import open_embedder
    from taxonaut.models.settings import ModelSettings
    from taxonaut.workspace.core.config import DEFAULT_EMBEDDER

    embedder = open_embedder(ModelSettings(model=DEFAULT_EMBEDDER))
    parts = []
    for start in range(0, len(texts), 256):
        parts.append(embedder.embed(texts[start : start + 256]))
        print(f"\rembedded {start + len(parts[-1]):,} of {len(texts):,}", end="", file=sys.stderr)
    print(file=sys.stderr)
    made = np.concatenate(parts)
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, made)
    return made


def main() -> None:
    """Write the two files of codes."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.recommend.kmeans",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/amazon-office"))
    parser.add_argument("--out", type=Path, default=Path(".build/benchmarks/codes"))
    parser.add_argument("--characters", type=int, default=400, help="of a text that are embedded (400)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = options.data / "items.jsonl"
    if not path.is_file():
        sys.exit(f"there is no {str(path)!r}; name the folder with items.jsonl in it with --data DIR")
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [item["text"][: options.characters] for item in items]
    vectors = embeddings(texts, options.out / f"embeddings_{options.characters}.npy")
    for name, codes in (
        ("kmeans_residual", residual_codes(vectors, LEVELS, options.seed)),
        ("kmeans_tree", tree_codes(vectors, BRANCHES, options.seed)),
    ):
        written = options.out / f"{name}.json"
        table = {str(item["id"]): row for item, row in zip(items, codes, strict=True)}
        written.write_text(json.dumps(table), encoding="utf-8")
        print(f"{written}: {len(set(map(tuple, codes))):,} different of {len(codes):,}")


if __name__ == "__main__":
    main()
