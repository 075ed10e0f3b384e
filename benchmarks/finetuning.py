"""Fine-tune an encoder by contrast on a set's training part and measure it on the dev part.

python benchmarks/finetuning.py --set onet --hidden      # half of the labels never trained on
python benchmarks/finetuning.py --set onet               # all labels
python benchmarks/finetuning.py --set clinc150 --examples 10 --items-share 1 --epochs 4
python benchmarks/finetuning.py --set onet --encoder DIR # train nothing, measure a folder's encoder

With --hidden, the labels at the places `random.Random(0).sample(range(labels), labels // 2)` are hidden; items train
with their other labels alone, and dev items that have a hidden one are judged on those, ranked among themselves. With
--examples N, the first N items a label of a permutation by `default_rng(0)` train. Hard negatives are siblings of the
right labels. An item's vector is that of its whole text.
"""

import argparse
import json
import random
import resource
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from common import arguments, print_markdown
from taxonaut.models.adapt.contrast_data import ContrastData, ContrastItem, ContrastSettings
from taxonaut.models.adapt.finetuning import finetune_by_contrast
from taxonaut.models.encoder.option_texts import option_vectors
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.weights import ModelCatalog
from taxonaut.state.updates import Progress, Update, listening

HEAD_STRENGTH = 10.0
PARTS = {"clinc150": "val"}
SIBLINGS = 8
FIRST = 700
"""Dev items that are judged on their own as well, as a quick look does."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="onet")
    parser.add_argument("--hidden", action="store_true", help="hide half of the labels from training")
    parser.add_argument("--examples", type=int, default=None, help="train on so many items a label")
    parser.add_argument("--encoder", type=Path, default=None, help="measure this folder, train nothing")
    parser.add_argument("--out", type=Path, default=Path(".build/finetuned"))
    parser.add_argument("--head", action="store_true", help="also logistic regression on the vectors")
    for name, value in asdict(ContrastSettings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)


def main() -> None:
    """Print a row for the encoder, and one for an expert on its vectors."""
    options = arguments(__doc__, add)
    folder = options.data / options.set
    labels, train, dev = (
        [json.loads(line) for line in (folder / f"{part}.jsonl").open(encoding="utf-8")]
        for part in ("labels", "train", PARTS.get(options.set, "dev"))
    )
    place = {label["id"]: at for at, label in enumerate(labels)}
    paths = [tuple(label.get("path") or [label["name"]]) for label in labels]
    gold = [[place[label] for label in row["labels"] if label in place] for row in train]
    hidden = set(random.Random(0).sample(range(len(labels)), len(labels) // 2)) if options.hidden else set()
    gold = [[label for label in right if label not in hidden] for right in gold]
    chosen = [at for at, right in enumerate(gold) if right]
    if options.examples is not None:
        chosen = choose(gold, chosen, options.examples)
    started, cpu = time.monotonic(), time.process_time()
    encoder = options.encoder
    row: dict[str, object] = {"set": options.set, "trained on": len(chosen)}
    if encoder is None:
        encoder = options.out / f"{options.set}{'-hidden' * options.hidden}"
        known = [at for at in range(len(labels)) if at not in hidden]
        data = make_data([train[at]["text"] for at in chosen], [gold[at] for at in chosen], paths, known)
        settings = replace(ContrastSettings(), **{n: getattr(options, n) for n in asdict(ContrastSettings())})
        start = ModelCatalog().path("onnx/all-minilm-l6-v2")
        with listening(told):
            found = finetune_by_contrast(start, data, settings, encoder)
        row |= {"steps": found.steps, "loss": f"{found.loss:.2f}"}
        row |= {"CPU s": f"{time.process_time() - cpu:.0f}", "s": f"{time.monotonic() - started:.0f}"}
        row["peak MB"] = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f}"
    embedder = OnnxEmbedder(encoder, settings=OnnxSettings("fp32"))
    options_of = option_vectors([" > ".join(path) for path in paths], embedder.embed)
    items = embedder.embed_queries([each["text"] for each in dev])
    wanted = [{place[label] for label in each["labels"]} for each in dev]
    first = slice(FIRST)
    row |= measures(items[first] @ options_of.T, wanted[first], "first ")
    row |= measures(items @ options_of.T, wanted, "")
    if hidden:
        columns = sorted(hidden)
        column = {label: at for at, label in enumerate(columns)}
        among = [{column[label] for label in each if label in column} for each in wanted]
        row |= measures(items[first] @ options_of[columns].T, among[first], "first hidden ")
        row |= measures(items @ options_of[columns].T, among, "hidden ")
    if options.head:
        columns = [min(gold[at]) for at in chosen]
        vectors = embedder.embed_queries([train[at]["text"] for at in chosen])
        head = head_scores(vectors, columns, items, len(labels))
        row |= measures(head, wanted, "head ")
        row |= measures(head + options.scale * items @ options_of.T, wanted, "both ")
    print_markdown([list(row), [str(value) for value in row.values()]])


def head_scores(vectors: np.ndarray, columns: list[int], items: np.ndarray, labels: int) -> np.ndarray:
    """Return log probabilities of all labels for items, by logistic regression on the vectors of training items.

    Labels without training items get the lowest of an item's.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=HEAD_STRENGTH, max_iter=200, tol=1e-3)
    model.fit(vectors, columns)
    found = model.predict_log_proba(items)
    scores = np.repeat(found.min(axis=1, keepdims=True), labels, axis=1)
    scores[:, model.classes_] = found
    return scores


def choose(gold: list[list[int]], rows: list[int], most: int) -> list[int]:
    """Choose the first `most` items of each label, in a random order."""
    count: dict[int, int] = {}
    chosen = []
    for at in np.random.default_rng(0).permutation(rows).tolist():
        label = gold[at][0]
        if count.setdefault(label, 0) < most:
            count[label] += 1
            chosen.append(at)
    return sorted(chosen)


def make_data(
    texts: list[str], gold: list[list[int]], paths: list[tuple[str, ...]], known: list[int]
) -> ContrastData:
    """Return the training data, with siblings of right labels as hard negatives; only known labels compete."""
    place = {label: at for at, label in enumerate(known)}
    below: dict[tuple[str, ...], list[int]] = {}
    for label in known:
        below.setdefault(paths[label][:-1], []).append(label)
    items = []
    for text, right in zip(texts, gold, strict=True):
        near = [label for each in right for label in below[paths[each][:-1]] if label not in right]
        wrong = [place[label] for label in dict.fromkeys(near)][:SIBLINGS]
        items.append(ContrastItem(text, tuple(place[label] for label in right), tuple(wrong)))
    return ContrastData(items, [" > ".join(paths[label]) for label in known])


def measures(scores: np.ndarray, wanted: list[set[int]], name: str) -> dict[str, str]:
    """Return P@1, R@10 and the macro-F1 of the first label in per cent, of the items that have a wanted label.

    Macro-F1 is over the labels of these items' gold and answers, an item's gold being its first label.
    """
    first, recall = [], []
    pairs: list[tuple[int, int]] = []
    for row, right in zip(scores, wanted, strict=True):
        if right:
            best = np.argsort(-row, kind="stable")[:10].tolist()
            first.append(best[0] in right)
            pairs.append((best[0] if best[0] in right else min(right), best[0]))
            recall.append(len(right.intersection(best)) / len(right))
    return {
        f"{name}items": str(len(first)),
        f"{name}P@1": f"{100 * np.mean(first):.1f}",
        f"{name}R@10": f"{100 * np.mean(recall):.1f}",
        f"{name}macro-F1": f"{100 * macro_f1(pairs):.1f}",
    }


def macro_f1(pairs: list[tuple[int, int]]) -> float:
    """Return the mean F1 of labels, from pairs of a gold label and an answer."""
    hits, gold, given = (
        Counter(each)
        for each in ([g for g, a in pairs if g == a], [g for g, _ in pairs], [a for _, a in pairs])
    )
    return float(np.mean([2 * hits[label] / (gold[label] + given[label]) for label in gold | given]))


def told(update: Update) -> None:
    """Print every twentieth step."""
    if isinstance(update, Progress) and update.done % 20 == 0:
        print(f"{update.stage} {update.done}/{update.total}, CPU {time.process_time():.0f} s", flush=True)


if __name__ == "__main__":
    main()
