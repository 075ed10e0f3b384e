"""What alternative names bring to dense retrieval on ESCO, by the way in which a label's texts are combined.

    python benchmarks/label_texts.py --data ../shared/data

A row of `esco/alternatives.jsonl` counts for the label whose name is among its texts; rows with no such name, or with
several, are left out: the file's ids are those of other rows. `texts`: some alternative names as items, which must
find their label; `held out`: the same, when they are not among the label's texts.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from phrases import read

from taxonaut.models.catalog import open_embedder
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.encoder.label_space import LabelSpace
from taxonaut.models.encoder.option_texts import gists, option_vectors
from taxonaut.models.encoder.scorer import TextScorer
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.requests import OptionText
from taxonaut.models.settings import ModelSettings

PARTS = ("tech_dev", "house_dev")
HELD_OUT = 300


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--model", default="onnx/all-minilm-l6-v2", help="the embedder")
    arguments = parser.parse_args()
    embedder = open_embedder(ModelSettings(model=arguments.model))
    folder = arguments.data / "esco"
    labels = read(folder / "labels.jsonl")
    others = alternatives(labels, read(folder / "alternatives.jsonl"))
    listed = [(row, name) for row, names in others.items() for name in names]
    chosen = [listed[at] for at in np.random.default_rng(1).choice(len(listed), HELD_OUT, replace=False)]
    kept = {row: [name for name in names if (row, name) not in chosen] for row, names in others.items()}
    texts = [text for _, text in chosen]
    find = VectorCache(embedder.embed, 1_000_000).get
    place = {label["id"]: row for row, label in enumerate(labels)}
    names = [label["name"] for label in labels]
    print(
        f"{'':34}" + "".join(f"{part + ' RP@1/5/10':>24}" for part in PARTS) + f"{'texts':>8}{'held out':>10}"
    )
    for title, combined in (
        ("names alone", "names"),
        ("plain maximum", "maximum"),
        ("name or gist, exact names", "gist"),
    ):
        given = {} if combined == "names" else others
        ranker = Ranker(embedder, find, names, given, maximum=combined == "maximum")
        cells = []
        for part in PARTS:
            items = [item for item in read(folder / f"{part}.jsonl") if item["labels"]]
            cells.append(precision(ranker.scores([item["text"] for item in items]), items, place))
        shown = "".join(f"{' / '.join(f'{cell:.1f}' for cell in row):>24}" for row in cells)
        held = Ranker(embedder, find, names, kept if given else {}, maximum=combined == "maximum")
        rows = np.array([row for row, _ in chosen])
        hits = [100 * np.mean(each.scores(texts).argmax(axis=1) == rows) for each in (ranker, held)]
        print(f"{title:34}{shown}{hits[0]:8.1f}{hits[1]:10.1f}", flush=True)


def alternatives(labels: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> dict[int, list[str]]:
    """Return the alternative names of labels, by their rows."""
    at = {label["name"].casefold(): row for row, label in enumerate(labels)}
    found: dict[int, list[str]] = {}
    for row in rows:
        named = {at[name.casefold()] for name in row["alternatives"] if name.casefold() in at}
        if len(named) == 1:
            label = named.pop()
            own = labels[label]["name"].casefold()
            found[label] = [name for name in dict.fromkeys(row["alternatives"]) if name.casefold() != own]
    return found


class Ranker:
    """Scores all labels: by `option_texts.gists`, or by the best of all their texts (`maximum`)."""

    def __init__(
        self,
        embedder: Embedder,
        find: Any,
        names: Sequence[str],
        others: dict[int, list[str]],
        *,
        maximum: bool,
    ) -> None:
        options = [
            OptionText(name, () if maximum else tuple(others.get(row, ()))) for row, name in enumerate(names)
        ]
        self.vectors = option_vectors(options, find)
        self.gists = gists(options, find)
        texts = [name for option in options for name in option.alternatives]
        self.scorer = TextScorer(embedder, space=LabelSpace.of(names, self.vectors, alternatives=texts))
        self.words = self.scorer.words(options)
        self.owners = [row for row, found in others.items() for _ in found] if maximum else []
        self.further = find([name for found in others.values() for name in found]) if self.owners else None

    def scores(self, texts: Sequence[str]) -> Matrix:
        """Return the scores (n, m)."""
        items = self.scorer.items(texts)
        scores, _ = self.scorer.score(items, self.vectors, self.words, self.gists)
        if self.further is not None:
            more, _ = self.scorer.score(items, self.further)
            for column, owner in enumerate(self.owners):
                np.maximum(scores[:, owner], more[:, column], out=scores[:, owner])
        return scores


def precision(scores: Matrix, items: Sequence[dict[str, Any]], place: dict[str, int]) -> list[float]:
    """Return RP@1, RP@5 and RP@10 in per cent."""
    gold = [{place[label] for label in item["labels"] if label in place} for item in items]
    best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    return [
        100
        * float(
            np.mean(
                [
                    len(known & set(row[:k].tolist())) / min(k, len(known))
                    for row, known in zip(best, gold, strict=True)
                ]
            )
        )
        for k in (1, 5, 10)
    ]


if __name__ == "__main__":
    main()
