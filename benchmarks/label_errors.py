"""How well likely wrong labels are ranked, and what leaving them out gives back.

python benchmarks/label_errors.py                        # flipkart: 20 % of the train labels replaced, judged on dev
python benchmarks/label_errors.py --set bigbasket --seeds 3

A share of the train labels is replaced by other labels of the set, at random. An expert is trained on that; `review
errors` ranks its items by the probabilities that the training kept, and so does cleanlab, by the same ones. Then as
many items as were replaced are left out from the top of the list, and an expert is trained on the rest. Needs the
extra `review` and scikit-learn.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import average_precision_score

from common import arguments, expert_accuracy, items, print_markdown, workspace
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.review.confident_learning import probabilities
from taxonaut.workspace.review.held_out import held_out_odds
from taxonaut.workspace.workspace import Workspace

METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="flipkart", help="catalogues, divided by commas")
    parser.add_argument("--share", type=float, default=0.2, help="share of the labels that are replaced")
    parser.add_argument("--seeds", type=int, default=1, help="so many runs, with seeds from 0 on")


def main() -> None:
    """Print two tables: the rankings, and the accuracy on dev."""
    options = arguments(__doc__, add)
    ranked = [["set", "seed", "review errors", *(f"cleanlab, {name.replace('_', ' ')}" for name in METHODS)]]
    gained = [
        [
            "set",
            "seed",
            "accuracy, labels as they are",
            "with replaced labels",
            "without the first of the list",
            "without exactly the replaced ones",
        ]
    ]
    for name in options.set.split(","):
        train, dev = items(options, name, "train"), items(options, name, "dev")
        with workspace(options, name) as opened:
            whole = expert_accuracy(opened, train, dev)
            for seed in range(options.seeds):
                noisy, wrong = replace_labels(train, options.share, seed)
                with_noise = expert_accuracy(opened, noisy, dev)
                order = opened.review_errors(least=0).found
                scores = {each.item.id: each.score for each in order}
                own = [scores[row.item.id] for row in noisy]
                others = cleanlab_scores(opened, noisy)
                ranked.append(
                    [
                        name,
                        str(seed),
                        *(percent(average_precision_score(wrong, each)) for each in (own, *others)),
                    ]
                )
                away = {each.item.id for each in order[: int(wrong.sum())]}
                left = expert_accuracy(opened, [row for row in noisy if row.item.id not in away], dev)
                clean = [row for row, bad in zip(noisy, wrong, strict=True) if not bad]
                bound = expert_accuracy(opened, clean, dev)
                gained.append([name, str(seed), *map(percent, (whole, with_noise, left, bound))])
                print(ranked[-1], gained[-1], flush=True)
    print("\nAverage precision of the rankings")
    print_markdown(ranked)
    print("\nAccuracy on dev")
    print_markdown(gained)


def replace_labels(rows: Sequence[ItemRow], share: float, seed: int) -> tuple[list[ItemRow], Any]:
    """Replace the labels of a share of the items by others of the set; return the items and which were (n,)."""
    chance = random.Random(seed)
    used = sorted({label for row in rows for label in row.gold})
    wrong = np.zeros(len(rows), bool)
    wrong[chance.sample(range(len(rows)), int(share * len(rows)))] = True
    found = [
        replace(row, gold=(chance.choice([label for label in used if label not in row.gold]),))
        if bad
        else row
        for row, bad in zip(rows, wrong, strict=True)
    ]
    return found, wrong


def cleanlab_scores(opened: Workspace, rows: Sequence[ItemRow]) -> list[Any]:
    """Return cleanlab's scores of the items, the highest for the likeliest errors, by each method."""
    labels = sorted({label for row in rows for label in row.gold})
    number = {label: place for place, label in enumerate(labels)}
    matrix = probabilities(held_out_odds(opened, rows).odds, labels).astype(np.float64)
    matrix /= matrix.sum(axis=1, keepdims=True)
    given = np.array([number[row.gold[0]] for row in rows])
    return [-get_label_quality_scores(given, matrix, method=method) for method in METHODS]


def percent(value: float) -> str:
    """Write a share in per cent."""
    return f"{100 * value:.1f}"


if __name__ == "__main__":
    main()
