"""What phrases bring to dense retrieval and what they cost: quality and items per second, with and without.

    python benchmarks/phrases.py --data ../shared/data --part esco/tech_test

Defaults were chosen on esco/tech_dev, esco/house_dev and the train parts of the other sets.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.models.catalog import open_embedder
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder.label_space import PATH_SEPARATOR, LabelSpace
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.models.encoder.phrases import PhraseSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.settings import ModelSettings

PARTS = ("esco/tech_test", "flipkart/dev", "bigbasket/dev", "onet/dev", "clinc150/val")
VARIANTS = {
    "whole text": ScoreSettings(mix=0.0, centring=0.0, words=0.0),
    "+ phrases": ScoreSettings(centring=0.0, words=0.0),
    "+ phrases, centring": ScoreSettings(words=0.0),
    "+ phrases, centring, words": ScoreSettings(context=0.0),
    "+ words in context": ScoreSettings(),
    "  phrases to 2 words": ScoreSettings(phrases=PhraseSettings(max_words=2)),
    "  phrases to 8 words": ScoreSettings(phrases=PhraseSettings(max_words=8)),
    "  without phrases": ScoreSettings(mix=0.0),
}
BATCH = 64


def main() -> None:
    """Print one table for each part."""
    arguments = parse()
    embedder = open_embedder(ModelSettings(model=arguments.model))
    for part in arguments.part or PARTS:
        folder, _, name = part.partition("/")
        labels = read(arguments.data / folder / "labels.jsonl")
        items = [item for item in read(arguments.data / folder / f"{name}.jsonl") if item["labels"]]
        table(part, labels, items[: arguments.items], embedder)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--part", action="append", help=f"set/part, may repeat; default {', '.join(PARTS)}")
    parser.add_argument("--items", type=int, default=400, help="most items of a part")
    parser.add_argument("--model", default="onnx/all-minilm-l6-v2", help="the embedder")
    return parser.parse_args()


def read(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def table(
    part: str, labels: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]], embedder: Embedder
) -> None:
    """Score all variants on one part and print a row each."""
    names = [label["name"] for label in labels]
    paths = [PATH_SEPARATOR.join(label["path"]) if label.get("path") else label["name"] for label in labels]
    vectors = option_vectors(paths, embedder.embed)
    space = LabelSpace.of(names, vectors)
    row = {label["id"]: place for place, label in enumerate(labels)}
    gold = [{row[label] for label in item["labels"] if label in row} for item in items]
    print(f"\n{part}: {len(items)} items, {len(labels)} labels, mix {space.mix if space else 0:.2f}")
    print(f"{'':26}{'P@1':>7}{'RP@5':>7}{'RP@10':>7}{'R@50':>7}{'phrases':>9}{'items/s':>9}")
    for title, settings in VARIANTS.items():
        scorer = TextScorer(embedder, settings, space)
        best, phrases, seconds = rank([item["text"] for item in items], paths, vectors, scorer)
        hits = np.array(
            [[place in wanted for place in line] for line, wanted in zip(best, gold, strict=True)]
        )
        sizes = np.array([len(wanted) for wanted in gold])
        cells = [
            100 * np.mean(hits[:, :k].sum(axis=1) / (np.minimum(k, sizes) if k < 50 else sizes))
            for k in (1, 5, 10, 50)
        ]
        quality = "".join(f"{cell:7.1f}" for cell in cells)
        print(f"{title:26}{quality}{phrases / len(items):9.1f}{len(items) / seconds:9.1f}", flush=True)


def rank(
    texts: Sequence[str], options: Sequence[str], vectors: Matrix, scorer: TextScorer
) -> tuple[list[list[int]], int, float]:
    """Return each text's 50 best labels, how many phrases there were, and the seconds it took."""
    best: list[list[int]] = []
    phrases = 0
    words = scorer.words(options)
    started = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        items = scorer.items(texts[start : start + BATCH])
        phrases += len(items.phrases) if scorer.mix else 0
        scores, _ = scorer.score(items, vectors, words)
        near = np.argpartition(-scores, 50, axis=1)[:, :50]
        order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
        best.extend(np.take_along_axis(near, order, axis=1).tolist())
    return best, phrases, time.perf_counter() - started


if __name__ == "__main__":
    main()
