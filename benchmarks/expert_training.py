"""What training an expert costs and how good it is, with the vectors kept: CPU seconds, memory, accuracy, macro-F1.

python benchmarks/expert_training.py                     # bigbasket and flipkart, judged on dev
python benchmarks/expert_training.py --gradient          # the head by gradient (PyTorch) instead of ridge regression

Each training runs in a process of its own, whose CPU time and peak memory are those of the whole process.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

from common import arguments, items, print_markdown, workspace
from taxonaut.evaluation.harness import evaluate
from taxonaut.workspace.expert.training import texts_to_embed
from taxonaut.workspace.expert.training_data import prepare_training_data
from taxonaut.workspace.workspace import Workspace

GRADIENT = {"augment": 0.5}
"""A setting of training by gradient, at its default."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="bigbasket,flipkart", help="catalogues, divided by commas")
    parser.add_argument("--gradient", action="store_true", help="train the head by gradient, with PyTorch")
    parser.add_argument(
        "--once", action="store_true", help="train in this process and print its cost as JSON"
    )


def main() -> None:
    """Print a row for each set."""
    options = arguments(__doc__, add)
    if options.once:
        print(json.dumps(train(options, options.set)))
        return
    table = [["set", "CPU seconds", "seconds", "peak MB", "accuracy", "macro-F1", "ECE"]]
    for name in options.set.split(","):
        prepare(options, name)
        command = [sys.executable, __file__, "--set", name, "--once", "--data", str(options.data)]
        command += ["--workspaces", str(options.workspaces)] + ["--gradient"] * options.gradient
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        cost = json.loads(ran.stdout.splitlines()[-1])
        with opened_set(options, name) as opened:
            report = evaluate(opened, items(options, name, "dev"), ["expert"], classes=True)
        classes = report.methods[0].classes
        assert classes is not None
        assert classes.scores.ece is not None
        table.append(
            [
                name,
                f"{cost['cpu']:.1f}",
                f"{cost['seconds']:.1f}",
                f"{cost['peak_mb']:,.0f}",
                f"{100 * classes.intervals['accuracy'].value:.1f}",
                f"{100 * classes.intervals['macro_f1'].value:.1f}",
                f"{100 * classes.scores.ece:.1f}",
            ]
        )
    print_markdown(table)


def opened_set(options: argparse.Namespace, name: str) -> Workspace:
    """Open the workspace of a set."""
    settings = {"expert": GRADIENT} if options.gradient else {}
    return workspace(options, name, **settings)


def prepare(options: argparse.Namespace, name: str) -> None:
    """Store the vectors."""
    with opened_set(options, name) as opened:
        seed = opened.config.expert.seed
        data = prepare_training_data(opened, items(options, name, "train"), share=None, seed=seed)
        opened.wiring.stored.lookup(texts_to_embed(opened, data, data.train).all)


def train(options: argparse.Namespace, name: str) -> dict[str, float]:
    """Train an expert; return what the process has cost."""
    with opened_set(options, name) as opened:
        started = time.perf_counter()
        opened.train_expert(items(options, name, "train"))
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu": used.ru_utime + used.ru_stime, "seconds": seconds, "peak_mb": used.ru_maxrss / 1024}


if __name__ == "__main__":
    main()
