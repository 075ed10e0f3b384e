"""Long texts: whether a subject is found, by its place and the length of the text; which pooling; time and memory.

    python benchmarks/documents.py --data ../shared/data
    python benchmarks/documents.py --data ../shared/data --only length     # one 40,000-word text

Settings were chosen with it on development parts: esco/tech_dev, clinc150/val, bigbasket/dev. Filler is text of
amazon-office, of which no label speaks on purpose.
"""

import argparse
import json
import random
import re
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from taxonaut.models.catalog import open_embedder
from taxonaut.models.embedder import Embedder, Matrix, embed_queries
from taxonaut.models.encoder.item_vectors import ItemVectors
from taxonaut.models.encoder.label_space import PATH_SEPARATOR, LabelSpace, option_vectors
from taxonaut.models.encoder.passages import PassageSettings
from taxonaut.models.encoder.scorer import ScoreSettings, TextScorer
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.settings import ModelSettings

CUTOFFS = (1, 5, 10, 50)
FILLER_WORDS = 140
LONG_WORDS = 40_000
NEVER = 10**9

Document = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Labels:
    """A label set with its vectors."""

    ids: dict[str, int]
    texts: list[str]
    vectors: Matrix
    space: LabelSpace | None


class Remembering:
    """An embedder that embeds no text twice."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimension = embedder.name, embedder.dimension
        self.max_tokens = getattr(embedder, "max_tokens", None)
        self.embed = VectorCache(partial(embed_queries, embedder), NEVER).get


def main() -> None:
    """Print the tables."""
    options = parse()
    embedder = Remembering(open_embedder(ModelSettings(model=options.model)))
    words = filler(options.data)
    for name, part in (("clinc150", "val"), ("esco", "tech_dev")):
        if options.only in ("", name):
            labels = read_labels(options.data / name, embedder)
            items = [item for item in read(options.data / name / f"{part}.jsonl") if item["labels"]]
            random.Random(1).shuffle(items)
            by_position(name, labels, items[: options.items], words, embedder)
            pooling(f"{name}, hidden", labels, hide(items[: options.items], words, 800, 0.5), embedder)
            pooling(f"{name}, 20 joined", labels, join(items, 20, 12), embedder)
    if options.only in ("", "bigbasket"):
        labels = read_labels(options.data / "bigbasket", embedder)
        items = read(options.data / "bigbasket" / "dev.jsonl")
        scorer = TextScorer(embedder, ScoreSettings(), labels.space)
        long = [item for item in items if scorer.passages(item["text"]).total > 1][: options.items]
        pooling("bigbasket, long", labels, [(item["text"], item["labels"]) for item in long], embedder)
    if options.only in ("", "length"):
        length(read_labels(options.data / "esco", embedder), words, embedder)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--items", type=int, default=30, help="most items of a part")
    parser.add_argument("--model", default="onnx/all-minilm-l6-v2", help="the embedder")
    parser.add_argument(
        "--only", default="", choices=["", "clinc150", "esco", "bigbasket", "length"], help="one table"
    )
    return parser.parse_args()


def read(path: Path) -> list[dict[str, Any]]:
    """Read a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_labels(folder: Path, embedder: Embedder) -> Labels:
    """Read and embed a label set; labels with a path are compared by it."""
    rows = read(folder / "labels.jsonl")
    paths = [row.get("path") or row["name"] for row in rows]
    texts = [path if isinstance(path, str) else PATH_SEPARATOR.join(path) for path in paths]
    vectors = option_vectors(texts, embedder.embed)
    names = [text.rpartition(PATH_SEPARATOR)[2] for text in texts]
    return Labels({row["id"]: n for n, row in enumerate(rows)}, texts, vectors, LabelSpace.of(names, vectors))


def filler(data: Path) -> list[str]:
    """Return sentences of product descriptions, from a shuffled list."""
    texts = [item["text"] for item in read(data / "amazon-office" / "items.jsonl")]
    random.Random(5).shuffle(texts)
    long = [" ".join(text.split()[:FILLER_WORDS]) for text in texts if len(text.split()) > FILLER_WORDS]
    return [sentence for text in long for sentence in re.split(r"(?<=[.!?])\s+", text)]


def hide(
    items: Sequence[Mapping[str, Any]], sentences: Sequence[str], words: int, place: float
) -> list[Document]:
    """Put each item's text into a text of so many words, behind this share of it."""
    return [(hidden(item["text"], sentences, words, place), item["labels"]) for item in items]


def hidden(text: str, sentences: Sequence[str], words: int, place: float) -> str:
    """Put a text between sentences."""
    chosen, count = [], 0
    for sentence in sentences:
        if count >= words:
            break
        chosen.append(sentence)
        count += len(sentence.split())
    at = round(place * len(chosen))
    return " ".join([*chosen[:at], f"{text.rstrip('. ')}.", *chosen[at:]])


def join(items: Sequence[Mapping[str, Any]], size: int, count: int) -> list[Document]:
    """Join items to documents, whose labels are those of all of them."""
    chance = random.Random(3)
    found = []
    for _ in range(count):
        part = chance.sample(list(items), size)
        found.append(
            ("\n".join(item["text"] for item in part), [id_ for item in part for id_ in item["labels"]])
        )
    return found


def by_position(
    name: str, labels: Labels, items: Sequence[Mapping[str, Any]], words: Sequence[str], embedder: Embedder
) -> None:
    """Print how often a subject is found by its place in the text, next to the beginning alone."""
    print(f"\n{name}: {len(items)} texts, each at the end of so many words")
    for count in (0, 100, 500, 5_000):
        documents = hide(items, words, count, 1.0)
        for what, most in (("all passages", NEVER), ("the beginning", 0)):
            scores = score(labels, documents, embedder, most or 1, only_first=not most)
            print(f"{count:>6,} words  {what:14} {quality(labels, documents, scores)}", flush=True)


def pooling(name: str, labels: Labels, documents: Sequence[Document], embedder: Embedder) -> None:
    """Print quality by length of passages, and by how passages become one score."""
    print(f"\n{name}: {len(documents)} texts")
    for tokens in (200, 100, 30):
        for sentence in (NEVER, 30):
            settings = PassageSettings(
                whole=round(1.15 * tokens), tokens=tokens, sentence=sentence, most=NEVER
            )
            passages = [rows for _, rows in passage_scores(labels, documents, embedder, settings)]
            best = [rows.max(axis=0) for rows in passages]
            said = f"{tokens} tokens{', sentences' if sentence < NEVER else ''}"
            print(f"{said:22} best passage       {quality(labels, documents, best)}", flush=True)
            if tokens == PassageSettings().tokens and sentence < NEVER:
                pools = {
                    "mean of best two": [np.sort(rows, axis=0)[-2:].mean(axis=0) for rows in passages],
                    "mean of all": [rows.mean(axis=0) for rows in passages],
                    "best + 0.25 × mean": [rows.max(axis=0) + 0.25 * rows.mean(axis=0) for rows in passages],
                }
                for what, pooled in pools.items():
                    print(f"{said:22} {what:18} {quality(labels, documents, pooled)}", flush=True)


def score(
    labels: Labels, documents: Sequence[Document], embedder: Embedder, most: int, *, only_first: bool
) -> list[Matrix]:
    """Score all labels against documents."""
    settings = replace(PassageSettings(), most=most)
    return [
        rows[0] if only_first else rows.max(axis=0)
        for _, rows in passage_scores(labels, documents, embedder, settings)
    ]


def passage_scores(
    labels: Labels, documents: Sequence[Document], embedder: Embedder, settings: PassageSettings
) -> Iterator[tuple[ItemVectors, Matrix]]:
    """Yield the scores (passages, labels) of one document after the other."""
    scorer = TextScorer(embedder, ScoreSettings(passages=settings), labels.space)
    options, words = scorer.centre(labels.vectors), scorer.words(labels.texts)
    for text, _ in documents:
        vectors = scorer.items([text])
        yield vectors, scorer.score_passages(vectors, range(len(vectors.whole)), options, words)


def quality(labels: Labels, documents: Sequence[Document], scores: Sequence[Matrix]) -> str:
    """Write RP@k in per cent: hits among the first k, divided by k or the number of labels if that is less."""
    values = []
    for (_, given), row in zip(documents, scores, strict=True):
        gold = {labels.ids[id_] for id_ in given if id_ in labels.ids}
        order = np.argsort(-row, kind="stable")[: CUTOFFS[-1]].tolist()
        values.append([len(gold.intersection(order[:k])) / min(k, len(gold)) for k in CUTOFFS])
    return "  ".join(
        f"RP@{k} {100 * value:5.1f}" for k, value in zip(CUTOFFS, np.mean(values, axis=0), strict=True)
    )


def length(labels: Labels, words: Sequence[str], embedder: Embedder) -> None:
    """Print what one text of 40,000 words costs against all of ESCO's labels, next to the same text in 40 items."""
    text = hidden("You will maintain web servers", words, LONG_WORDS, 0.9)
    count = len(text.split())
    parts = [" ".join(text.split()[at : at + 1_000]) for at in range(0, count, 1_000)]
    for what, texts in (("one text", [text]), (f"{len(parts)} texts", parts)):
        scorer = TextScorer(embedder, ScoreSettings(), labels.space)
        options, shared = scorer.centre(labels.vectors), scorer.words(labels.texts)
        started, cpu = time.perf_counter(), time.process_time()
        vectors = scorer.items(texts)
        embedded = time.perf_counter() - started
        scores, evidence = scorer.score_centred(vectors, options, shared)
        seconds, spent = time.perf_counter() - started, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
        best = int(scores.max(axis=0).argmax())
        phrase, place = evidence.find(int(scores[:, best].argmax()), [best])[0]
        print(
            f"\n{what}, {count:,} words: {len(vectors.whole)} passages, {len(vectors.phrases):,} phrases; "
            f"{seconds:.1f} s ({embedded:.1f} of them embedding), {spent:.1f} s of CPU, {memory:,.0f} MB at most; "
            f"best: {labels.texts[best]!r} by {phrase!r}, passage {place.passage} of {place.passages}"
        )


if __name__ == "__main__":
    main()
