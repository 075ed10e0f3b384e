"""What labelling the items that `review next` chooses gains, next to as many items at random.

python benchmarks/label_next.py                          # bigbasket: 300 labelled items, and 300 more; three seeds
python benchmarks/label_next.py --set onet --start 1000 --more 1000

An expert is trained on some items of train at random; more are then labelled, chosen or at random, and an expert is
trained on both. Accuracy on dev.
"""

import argparse
import random
from dataclasses import replace

import numpy as np

from common import arguments, expert_accuracy, items, print_markdown, workspace


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="bigbasket", help="sets, divided by commas")
    parser.add_argument("--start", type=int, default=300, help="items labelled at first")
    parser.add_argument("--more", type=int, default=300, help="items labelled then")
    parser.add_argument("--seeds", type=int, default=3, help="so many runs, with seeds from 0 on")


def main() -> None:
    """Print a row for each set."""
    options = arguments(__doc__, add)
    table = [["set", "labelled at first", "then", "accuracy at first", "at random", "by review next"]]
    for name in options.set.split(","):
        train, dev = items(options, name, "train"), items(options, name, "dev")
        found: list[list[float]] = []
        with workspace(options, name) as opened:
            for seed in range(options.seeds):
                chance = random.Random(seed)
                first = chance.sample(train, options.start)
                rest = [row for row in train if row not in first]
                before = expert_accuracy(opened, first, dev)
                report = opened.review_next([replace(row, gold=()) for row in rest], options.more)
                chosen = {each.item.id for each in report.found}
                by_random = expert_accuracy(opened, [*first, *chance.sample(rest, options.more)], dev)
                by_choice = expert_accuracy(
                    opened, [*first, *(row for row in rest if row.item.id in chosen)], dev
                )
                found.append([before, by_random, by_choice])
                print(name, seed, found[-1], flush=True)
        means, spread = 100 * np.mean(found, axis=0), 100 * np.std(found, axis=0)
        cells = [f"{mean:.1f} ± {each:.1f}" for mean, each in zip(means, spread, strict=True)]
        table.append([name, f"{options.start:,}", f"{options.more:,}", *cells])
    print()
    print_markdown(table)


if __name__ == "__main__":
    main()
