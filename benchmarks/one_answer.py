"""What a trained expert brings to one answer: `classify` with and without it, `categorize`, cut-offs, the walk.

python benchmarks/one_answer.py --set bigbasket              # trains on train, measures on dev
python benchmarks/one_answer.py --set onet --limit 700       # the first 700 dev items
python benchmarks/one_answer.py --set clinc150 --shots 10    # ten examples a label, drawn with seed 0
python benchmarks/one_answer.py --set flipkart --alone --contrast   # the expert's own row, on a fine-tuned encoder

Rows: the expert alone (all that `--alone` prints), the similarities alone, the sums with the expert (walk and dense
retrieval), the walk from the root with its own shortlist, and `categorize`. The second table has micro, macro and
example F1 of the cut-offs.
"""

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from common import arguments, items, print_markdown, workspace
from taxonaut.state.ids import LabelId
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.workspace import Workspace

DEPTH = 10
"""Labels of a ranking."""

CUT_OFFS = ("labels=1", "f1", "precision=0.8", "precision=0.9", "labels=2")

WAYS: dict[str, dict[str, Any]] = {
    "embedder": {"expert": False},
    "walk and dense retrieval": {},
    "dense retrieval": {"shortlist": "dense"},
    "walk from the root, its own shortlist": {"shortlist": "tree"},
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="bigbasket", help="the data set")
    parser.add_argument("--part", default="dev", help="what is measured on")
    parser.add_argument("--limit", type=int, help="items measured, the first ones")
    parser.add_argument("--train-limit", type=int, help="items trained on, the first ones")
    parser.add_argument("--shots", type=int, help="items of each label trained on")
    parser.add_argument("--alone", action="store_true", help="measure the trained expert alone")
    parser.add_argument("--contrast", action="store_true", help="fine-tune the embedded encoder by contrast")


def main() -> None:
    """Print both tables."""
    options = arguments(__doc__, add)
    measured = [row for row in items(options, options.set, options.part, options.limit) if row.gold]
    tuned = {"encoder": "onnx/all-minilm-l6-v2", "objective": "contrast"} if options.contrast else {}
    with workspace(options, options.set, expert=tuned) as opened:
        if not opened.experts.numbers():
            train(opened, options)
        card = opened.experts.card()
        print(f"expert {card.number}: {card.metrics}")
        rows = [["", "P@1", "R@10", "macro-F1", "ECE", "labels scored", "ms a text"]]
        rows.append(describe("expert alone", *alone(opened, measured)))
        if options.alone:
            print_markdown(rows)
            return
        rows += [describe(name, *ranked(opened, measured, walk)) for name, walk in WAYS.items()]
        rows.append(describe("categorize", *categorized(opened, measured)))
        print_markdown(rows)
        print_markdown(
            [["cut-off", "labels", "micro-F1", "macro-F1", "example F1"], *cut_offs(opened, measured)]
        )


def train(opened: Workspace, options: argparse.Namespace) -> None:
    """Train on the train part, or on some items of each label."""
    rows = items(options, options.set, "train", options.train_limit)
    if options.shots:
        by_label = defaultdict(list)
        for place, row in enumerate(rows):
            by_label[row.gold[0] if row.gold else ""].append(place)
        chance = random.Random(0)
        kept = [
            place for label in sorted(by_label) for place in chance.sample(by_label[label], options.shots)
        ]
        rows = [rows[place] for place in sorted(kept)]
    opened.train_expert(rows, skip_unknown=True)


Ranking = tuple[list[list[tuple[LabelId, float]]], list[set[LabelId]], float, float]
"""Rankings with probabilities, right labels, labels scored an item, milliseconds a text."""


def alone(opened: Workspace, rows: Sequence[ItemRow]) -> Ranking:
    """Rank by the trained expert's probabilities."""
    started = time.process_time()
    classifier = opened.experts.classifier()
    found = classifier.probabilities([row.item.text for row in rows])
    spent = 1000 * (time.process_time() - started) / len(rows)
    order = np.argsort(-found, axis=1, kind="stable")[:, :DEPTH]
    rankings = [
        [(classifier.labels[column], float(chances[column])) for column in columns]
        for chances, columns in zip(found, order.tolist(), strict=True)
    ]
    return rankings, [set(row.gold) for row in rows], len(classifier.labels), spent


def ranked(opened: Workspace, rows: Sequence[ItemRow], walk: dict[str, Any]) -> Ranking:
    """Classify all items."""
    started = time.process_time()
    found = opened.classify([row.item for row in rows], min_score=0.0, top=DEPTH, **walk)
    spent = 1000 * (time.process_time() - started) / len(rows)
    rankings = [[(label.label_id, label.score) for label in each.labels] for each in found]
    return rankings, [set(row.gold) for row in rows], labels_scored(opened, rows, walk), spent


def labels_scored(opened: Workspace, rows: Sequence[ItemRow], walk: dict[str, Any]) -> float:
    """Return the labels that an item was compared with: all, or those on the shortlist of the walk."""
    if walk.get("shortlist") != "tree":
        return len(opened.index.label_ids())
    some = [row.item.text for row in rows[:100]]
    lists = opened.with_walk(candidates=0, **walk).shortlists(some)
    return float(np.mean([len(each.labels) for each in lists]))


def categorized(opened: Workspace, rows: Sequence[ItemRow]) -> Ranking:
    """Categorize all items."""
    started = time.process_time()
    found = opened.categorize([row.item for row in rows])
    spent = 1000 * (time.process_time() - started) / len(rows)
    rankings = [
        list(zip(each.recommended.labels, each.recommended.probabilities, strict=True)) for each in found
    ]
    return rankings, [set(row.gold) for row in rows], len(opened.index.label_ids()), spent


def describe(
    name: str,
    rankings: Sequence[Sequence[tuple[LabelId, float]]],
    right: Sequence[set[LabelId]],
    scored: float,
    spent: float,
) -> list[str]:
    """Return a row of the first table."""
    first = [ranking[0][0] if ranking else LabelId("") for ranking in rankings]
    hits = np.array([label in gold for label, gold in zip(first, right, strict=True)])
    recall = [
        len(gold & {label for label, _ in ranking}) / len(gold)
        for ranking, gold in zip(rankings, right, strict=True)
    ]
    sure = np.array([ranking[0][1] if ranking else 0.0 for ranking in rankings])
    bins = np.clip(np.ceil(sure * 15).astype(int) - 1, 0, 14)
    gaps = np.abs(np.bincount(bins, weights=sure - hits, minlength=15)).sum() / len(hits)
    truth = [
        label if hit else min(gold) for label, hit, gold in zip(first, hits.tolist(), right, strict=True)
    ]
    macro = np.mean(class_f1([{label} for label in first], [{label} for label in truth]))
    values = (hits.mean(), np.mean(recall), macro, gaps)
    return [name, *(f"{100 * float(value):.1f}" for value in values), f"{scored:,.0f}", f"{spent:.1f}"]


def class_f1(given: Sequence[set[LabelId]], right: Sequence[set[LabelId]]) -> list[float]:
    """Return the F1 of each label that is given or right."""
    labels = sorted(set().union(*given, *right))
    found = []
    for label in labels:
        both = sum(label in a and label in b for a, b in zip(given, right, strict=True))
        either = sum((label in a) + (label in b) for a, b in zip(given, right, strict=True))
        found.append(2 * both / either)
    return found


def cut_offs(opened: Workspace, rows: Sequence[ItemRow]) -> list[list[str]]:
    """Return the rows of the second table; stored results are shown anew."""
    right = [set(row.gold) for row in rows]
    table = []
    for wish in CUT_OFFS:
        found = opened.classify([row.item for row in rows], cut_off=wish)
        given = [{label.label_id for label in each.labels} for each in found]
        both = [len(a & b) for a, b in zip(given, right, strict=True)]
        sizes = [len(a) + len(b) for a, b in zip(given, right, strict=True)]
        micro = 2 * sum(both) / sum(sizes)
        example = np.mean([2 * hit / size for hit, size in zip(both, sizes, strict=True)])
        values = (micro, np.mean(class_f1(given, right)), example)
        mean = f"{np.mean([len(each) for each in given]):.2f}"
        table.append([wish, mean, *(f"{100 * float(value):.1f}" for value in values)])
    return table


if __name__ == "__main__":
    main()
