"""A LoRA adapter of SmolLM2 from labelled messages of CLINC150's `train`: loss, held-out shortlists, time, memory.

    python benchmarks/adapter_learning.py [--data ../shared/data] [--items 100] [--kinds inductive]

A fifth of the items and a fifth of their intents are held out; both parts' shortlists of 6 options are answered
before and after. `--kinds` are those of the examples: inductive, deductive, or both.
"""

import argparse
import json
import random
import resource
import tempfile
import time
from pathlib import Path

from taxonaut import Item, ItemRow, Workspace
from taxonaut.models.adapt.lora import LoraSettings
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.learn.adapter_trial import AdapterReport, learn_adapter
from taxonaut.workspace.learn.model_examples import KINDS, ExampleSettings
from taxonaut.workspace.walk.labelled_items import store_gold

ROLE = {"model": "gguf/smollm2-135m-instruct", "answer": "scored"}


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--kinds", choices=[*KINDS, "both"], default="inductive")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=LoraSettings().rate)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.data / "clinc150"
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text().splitlines()]
    chosen = random.Random(options.seed).sample(rows, options.items)
    kinds = KINDS if options.kinds == "both" else (options.kinds,)
    started = time.process_time()
    with (
        tempfile.TemporaryDirectory() as home,
        Workspace.init(Path(home) / "w", models={"navigator": ROLE, "general_expert": ROLE}) as workspace,
    ):
        workspace.import_labels(read_labels(folder / "labels.jsonl"))
        store_gold(
            workspace,
            [
                ItemRow(Item(ItemId(row["id"]), row["text"]), tuple(map(LabelId, row["labels"])))
                for row in chosen
            ],
        )
        report = learn_adapter(
            workspace,
            Path(home) / "adapter",
            examples=ExampleSettings(kinds=kinds, options=6, nodes=0, seed=options.seed),
            lora=LoraSettings(epochs=options.epochs, rate=options.rate, seed=options.seed),
        )
        size = report.result.path.stat().st_size
    show(report, size, time.process_time() - started)


def show(report: AdapterReport, size: int, seconds: float) -> None:
    """Print a report."""
    result = report.result
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    print(f"{'examples':28} {counts}; {report.unexplained} without reasons")
    print(f"{'loss':28} {result.loss_before:.3f} -> {result.loss_after:.3f}")
    for part, each in report.accuracy.items():
        shares = " -> ".join(f"{100 * right / each.questions:.1f} %" for right in (each.before, each.after))
        print(f"{part + ', right':28} {shares} of {each.questions}; {each.better} better, {each.worse} worse")
    print(f"{'llama.cpp, nats a token':28} {result.difference:.3f} of a change of {result.change:.3f}")
    print(f"{'trained parameters, file':28} {result.parameters:,}, {size / 1e6:.1f} MB")
    print(f"{'training, whole, CPU':28} {result.seconds:.0f} s, {seconds:.0f} CPU s")
    print(f"{'most memory':28} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
