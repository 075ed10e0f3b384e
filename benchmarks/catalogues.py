"""Product categorization without training: the walk over a shop's own tree beside dense retrieval and BM25.

python benchmarks/catalogues.py                        # bigbasket and flipkart, dev parts
python benchmarks/catalogues.py --sets onet --limit 500
"""

import argparse

from common import arguments, items, print_report, workspace
from taxonaut.evaluation.harness import evaluate


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--sets", default="bigbasket,flipkart")
    parser.add_argument("--part", default="dev")
    parser.add_argument("--methods", default="tree,dense,both,bm25")
    parser.add_argument("--limit", type=int, default=None, help="only the first N items")


def main() -> None:
    """Print a table for each data set."""
    options = arguments(__doc__, add)
    for name in options.sets.split(","):
        with workspace(options, name, walk={"top": 50}) as opened:
            rows = items(options, name, options.part, options.limit)
            report = evaluate(opened, rows, options.methods.split(","), (1, 3, 5, 10, 50))
            print_report(f"{name} {options.part}", report)


if __name__ == "__main__":
    main()
