"""How well `labels match` finds the known counterparts of labels, by what is compared.

    python benchmarks/match.py --data ../shared/data
    python benchmarks/match.py --data ../shared/data --half 0 --choose     # settings, on the other half

`equal`: Shopify's categories that Google has at the same path. `broader`: those that Google lacks; their
counterparts follow a rule, the nearest category above them that Google has, and are no published mapping (some 70
rows of Shopify's were read, and follow the rule). `esco`, `stw`: labels called by one of their alternative names,
without places, and the thesaurus with its preferred names; `stw tree`: with places.
"""

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from label_texts import alternatives
from phrases import read

from taxonaut import Label, LabelFile, LabelId, read_labels
from taxonaut.models.catalog import open_embedder
from taxonaut.models.encoder.vector_cache import VectorCache
from taxonaut.models.settings import ModelSettings
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.labels.label_match import Embed, LabelMatch, MatchWeights, match_sets
from taxonaut.workspace.labels.label_sets import LabelSet, set_from_file

CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)
TOP = 5


@dataclass(frozen=True)
class Task:
    """Labels of one set, whose counterparts in another are known."""

    name: str
    source: LabelSet
    target: LabelSet
    gold: Mapping[LabelId, LabelId]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data sets")
    parser.add_argument("--model", default="onnx/all-minilm-l6-v2", help="the embedder")
    parser.add_argument("--half", type=int, default=1, choices=(0, 1), help="half of the known pairs: 0 or 1")
    parser.add_argument("--choose", action="store_true", help="try many weights")
    parser.add_argument("--only", default="", help="comma-separated names of tasks")
    arguments = parser.parse_args()
    embed: Embed = VectorCache(open_embedder(ModelSettings(model=arguments.model)).embed, 1_000_000).get
    wanted = [each for each in arguments.only.split(",") if each]
    tasks = [
        halved(task, arguments.half)
        for task in load_tasks(arguments.data)
        if task.name in wanted or not wanted
    ]
    if arguments.choose:
        choose(tasks, embed)
        return
    for title, weights, used in (
        ("words", MatchWeights(), None),
        ("vectors", MatchWeights(name_words=0, words_above=0), embed),
        ("both", MatchWeights(), embed),
        ("both, nothing inherited", MatchWeights(inherit=0), embed),
    ):
        for task in tasks:
            start = time.process_time()
            found = match_sets(task.source, task.target, used, top=TOP, weights=weights)
            seconds = time.process_time() - start
            print(f"{title:26}{task.name:9}{report(task, found)}  {seconds:6.1f} CPU s", flush=True)


def load_tasks(data: Path) -> list[Task]:
    """Read the data sets."""
    shopify = set_from_file(read_labels(data / "shopify" / "labels.jsonl"))
    google = set_from_file(read_labels(data / "google" / "labels.jsonl"))
    at = {entry.path: entry.id for entry in google.labels if entry.id}
    equal = {entry.id: at[entry.path] for entry in shopify.labels if entry.id and entry.path in at}
    broader = {}
    for entry in shopify.labels:
        above = next(
            (at[entry.path[:n]] for n in range(len(entry.path) - 1, 0, -1) if entry.path[:n] in at), None
        )
        if entry.id and entry.id not in equal and above:
            broader[entry.id] = above
    labels = read(data / "esco" / "labels.jsonl")
    others = alternatives(labels, read(data / "esco" / "alternatives.jsonl"))
    names = {LabelId(row["id"]): str(row["name"]) for row in labels}
    esco = {LabelId(str(labels[row]["id"])): tuple(texts) for row, texts in others.items()}
    thesaurus = read_labels(data / "stw" / "stw-skos.ttl")
    stw = {label.id: label.alternatives for label in thesaurus.labels}
    return [
        Task("equal", shopify, google, equal),
        Task("broader", shopify, google, broader),
        renamed("esco", names, esco),
        renamed("stw", {label.id: label.name for label in thesaurus.labels}, stw),
        renamed_tree("stw tree", thesaurus, stw),
    ]


def renamed_tree(name: str, file: LabelFile, others: Mapping[LabelId, Sequence[str]]) -> Task:
    """Return a task to find labels that have alternative names, or not, where they stand."""
    flat_task = renamed(name, {label.id: label.name for label in file.labels}, others)
    names = {entry.id: entry.name for entry in flat_task.source.labels}
    bare = [replace(row, label=Label(row.label.id, row.label.name)) for row in file.rows]
    called = [
        replace(row, label=Label(row.label.id, names.get(row.label.id, row.label.name))) for row in bare
    ]
    source, target = (set_from_file(LabelFile(name, tuple(rows))) for rows in (called, bare))
    return Task(name, source, target, flat_task.gold)


def renamed(name: str, names: Mapping[LabelId, str], others: Mapping[LabelId, Sequence[str]]) -> Task:
    """Return a task to find labels by an alternative name that no two of them share."""
    taken = Counter(text.casefold() for texts in others.values() for text in texts)
    taken.update(text.casefold() for text in names.values())
    source = {}
    for id_, texts in others.items():
        alone = sorted((each for each in texts if taken[each.casefold()] == 1), key=_hash)
        if alone:
            source[id_] = alone[0]
    return Task(name, flat(name, source), flat(name, names), {id_: id_ for id_ in source})


def flat(name: str, names: Mapping[LabelId, str]) -> LabelSet:
    """Return a label set without a tree."""
    return set_from_file(LabelFile(name, tuple(LabelRow(Label(id_, text)) for id_, text in names.items())))


def halved(task: Task, half: int) -> Task:
    """Return a task with the known pairs of one half, by a hash of the id."""
    gold = {one: other for one, other in task.gold.items() if _hash(one)[0] % 2 == half}
    return Task(task.name, task.source, task.target, gold)


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


def report(task: Task, found: Sequence[LabelMatch]) -> str:
    """Return R@1, R@5, and what is right among the first matches with at least each score."""
    first, within = ranks(task, found)
    best = [match for match in found if match.rank == 1 and match.source.id in task.gold]
    right = np.array([task.gold[LabelId(str(match.source.id))] == match.target.id for match in best])
    scores = np.array([match.score for match in best])
    cells = [f"{len(task.gold):7,}", f"R@1 {first:5.1%}", f"R@{TOP} {within:5.1%}"]
    for cut in CUTS:
        kept = scores >= cut
        precise = right[kept].mean() if kept.any() else float("nan")
        cells.append(f"≥{cut}: {precise:4.0%} of {kept.mean():4.0%}")
    return "  ".join(cells)


def ranks(task: Task, found: Sequence[LabelMatch]) -> tuple[float, float]:
    """Return R@1 and R@5."""
    first = within = 0
    for match in found:
        if task.gold.get(LabelId(str(match.source.id))) == match.target.id:
            first += match.rank == 1
            within += 1
    return first / len(task.gold), within / len(task.gold)


def choose(tasks: Sequence[Task], embed: Embed) -> None:
    """Print R@1 of many weights, the best mean last."""
    lines = []
    for words, above, paths in itertools.product((0.0, 0.15, 0.3, 0.45), (0.0, 0.1, 0.2), (0.0, 0.2, 0.4)):
        names = 1 - words - above - paths
        if names < 0:
            continue
        weights = MatchWeights(words, above, names, paths)
        recalls = [
            ranks(task, match_sets(task.source, task.target, embed, top=TOP, weights=weights))[0]
            for task in tasks
        ]
        lines.append((sum(recalls) / len(recalls), weights, recalls))
        print(f"{lines[-1][0]:.4f} {weights} {[f'{each:.3f}' for each in recalls]}", flush=True)
    print("best", max(lines, key=lambda line: line[0]))


if __name__ == "__main__":
    main()
