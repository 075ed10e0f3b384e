"""What a workspace learns from labelled items: the gate's curve over rounds, and a test part, by learner.

python benchmarks/learning.py --set onet --train train --test dev --rounds 3
python benchmarks/learning.py --set esco --train tech_dev house_dev --test tech_test --learners both

Each row is one set of learners: P@1 and R@10 of the test part by exact search before and after, the change that the
gate measured on seen and unseen labels in each round, CPU seconds and the process's memory.
"""

import argparse
import resource
import time

from common import arguments, items, print_markdown, workspace

LEARNERS = {"adapter": ["adapter"], "exemplars": ["exemplars"], "both": ["adapter", "exemplars"]}


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="onet", help="the data set")
    parser.add_argument("--train", nargs="+", default=["train"], help="the parts to learn from")
    parser.add_argument("--test", default="dev", help="the part to measure on")
    parser.add_argument("--learners", nargs="+", default=list(LEARNERS), choices=list(LEARNERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=None, help="items of each part")


def main() -> None:
    """Learn with each set of learners, and print the table."""
    options = arguments(__doc__, add)
    rows = []
    with workspace(options, options.set) as opened:
        train = [row for part in options.train for row in items(options, options.set, part, options.limit)]
        test = items(options, options.set, options.test, options.limit)
        for name in options.learners:
            started = time.process_time()
            done = opened.learn(train, rounds=options.rounds, learners=LEARNERS[name])
            seconds = time.process_time() - started
            found = opened.learned.compare(0, done.version, test)
            curve = " ".join(f"{100 * each['gain']:+.1f}" for each in done.card.measures["rounds"])
            gate = [
                " / ".join(f"{100 * row[measure]['change'][0]:+.1f}" for measure in ("P@1", "R@10"))
                for row in done.card.measures["parts"].values()
            ]
            both = [
                f"{100 * found.before[each].value:.1f} -> {100 * found.after[each].value:.1f}"
                for each in ("P@1", "R@10")
            ]
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append([name, *both, curve, "; ".join(gate), f"{seconds:,.0f}", f"{memory:,.0f} MB"])
    header = ["learners", "P@1", "R@10", "rounds", "gate: seen; unseen; unseen among all", "CPU s", "memory"]
    print_markdown([header, *rows])


if __name__ == "__main__":
    main()
