"""ESCO TECH: 13,896 flat skills, no training data; tree, dense, both and BM25 on the embedded model.

python benchmarks/esco.py                    # the test part
python benchmarks/esco.py --part tech_dev    # the part settings are chosen on
python benchmarks/esco.py --mix 0            # whole texts only, no phrases
"""

import argparse

from common import arguments, items, print_report, workspace
from taxonaut.evaluation.harness import evaluate


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--part", default="tech_test", help="tech_test, tech_dev or house_dev")
    parser.add_argument("--methods", default="tree,dense,both,bm25")
    parser.add_argument(
        "--mix", type=float, default=None, help="share of the best phrase; 0 for whole texts only"
    )
    parser.add_argument("--terminals", type=int, default=20)


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, add)
    walk = {"top": 50, "terminals": options.terminals}
    with workspace(options, "esco", walk=walk, scoring={"mix": options.mix}) as opened:
        rows = items(options, "esco", options.part)
        report = evaluate(opened, rows, options.methods.split(","), (1, 3, 5, 10, 50))
        print_report(f"ESCO {options.part}", report)


if __name__ == "__main__":
    main()
