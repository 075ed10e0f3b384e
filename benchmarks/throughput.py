"""Texts a second of `classify` against ESCO's 13,896 labels: ONNX Runtime beside llama.cpp, and embedding alone.

    python benchmarks/throughput.py

The texts are the sentences of the development parts, made distinct by words of others. In one run and in turn, each
with texts of its own that no cache knows: `classify` on `onnx/all-minilm-l6-v2`, on `gguf/all-minilm-l6-v2`, and
whole texts embedded alone on ONNX Runtime. *Again* is `classify` of the same sentences with another ending: their
phrases are known. Rates are per CPU second of the process, as other work on the machine distorts the wall time.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from common import arguments, items, print_table
from taxonaut.models.embedder import embed_queries
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

RUNTIMES = ("onnx", "gguf")


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts", type=int, default=136, help="texts of a round (136)")


def open_workspace(options: argparse.Namespace, runtime: str) -> Workspace:
    """Open ESCO's workspace on one runtime, or make it: labels imported and clustered by k-means."""
    folder: Path = options.workspaces / f"throughput-{runtime}"
    is_new = not (folder / "index.duckdb").exists()
    if is_new:
        Workspace.init(folder).close()
        model = f"{runtime}/all-minilm-l6-v2"
        settings = f'[embeddings]\nmodel = "{model}"\n\n[scoring]\nkept_phrases = 0\n'
        for role in ("navigator", "general_expert"):
            settings += f'\n[models.{role}]\nmodel = "encoder/{model}"\n'
        (folder / SETTINGS_FILE).write_text(settings, encoding="utf-8")
    opened = Workspace.open(folder)
    if is_new:
        opened.import_labels(read_labels(options.data / "esco" / "labels.jsonl"))
        opened.build_index("kmeans")
    opened.embed_labels()
    return opened


def forget_phrases(workspace: Workspace, others: Sequence[str]) -> None:
    """Forget the vectors of phrases; `others` load those of labels and branches again."""
    workspace.wiring.scorers.clear()
    workspace.wiring.models.clear()
    workspace.classify(others)


def spend(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Return the CPU seconds that work on texts takes, in all threads of this process."""
    started = time.process_time()
    work(texts)
    return time.process_time() - started


def main() -> None:
    """Print the table."""
    options = arguments(__doc__, add)
    sentences = [row.item.text for part in ("tech_dev", "house_dev") for row in items(options, "esco", part)]
    draw = random.Random()  # a later call must make other texts: results of the same ones are kept
    names = [label.name for label in read_labels(options.data / "esco" / "labels.jsonl").labels]
    words = sorted({word for sentence in sentences for word in sentence.split()})

    def make_texts(ending: int = 2) -> list[str]:
        """Make texts that no other call makes: sentences with words of others put in."""
        made = []
        for sentence in draw.sample(sentences, min(options.texts, len(sentences))):
            own = sentence.split()
            for word in draw.sample(words, ending):
                own.insert(draw.randrange(len(own) + 1), word)
            made.append(" ".join(own))
        return made

    opened = {runtime: open_workspace(options, runtime) for runtime in RUNTIMES}
    embedder = opened["onnx"].wiring.scorer.embedder
    times: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for runtime, workspace in opened.items():
            texts = make_texts()
            forget_phrases(workspace, draw.sample(names, len(texts)))
            first = spend(workspace.classify, texts)
            times.setdefault(f"classify, {runtime}", []).append(first)
            more = [f"{text} ." for text in texts]
            times.setdefault(f"classify again, {runtime}", []).append(spend(workspace.classify, more))
        alone = spend(partial(embed_queries, embedder), make_texts())
        times.setdefault("whole texts alone, onnx", []).append(alone)
    for workspace in opened.values():
        workspace.close()
    count = min(options.texts, len(sentences))
    rates = {name: count / median(found) for name, found in times.items()}
    gguf, whole = rates["classify, gguf"], rates["whole texts alone, onnx"]
    rows = [["work", "texts a CPU second", "to classify on gguf", "to whole texts alone"]]
    for name, rate in sorted(rates.items(), key=lambda pair: pair[1]):
        rows.append([name, f"{rate:.1f}", f"{rate / gguf:.2f}", f"{rate / whole:.2f}"])
    print_table(rows)


if __name__ == "__main__":
    main()
