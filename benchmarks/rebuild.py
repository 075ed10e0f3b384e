"""Rebuild known trees from flat names: `index build --method agents` (encoder, no language model) next to k-means.

python benchmarks/rebuild.py                            # onet, and the first three levels of shopify
python benchmarks/rebuild.py --set onet --builds kmeans --terminal-size 24

The labels that have nothing below them are imported without their paths and put into a tree. Ancestor F1 is that of
the pairs (category, label below it): each node of the built tree stands for the category of the known tree whose
labels it shares most (Jaccard), one to one, the best pairs first; pairs of other nodes are wrong, those of other
categories are missed. Categories with all labels or with one do not count. *Names*: the cosine of a node's name and
its category's.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from common import BUILDS, arguments, print_markdown
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.build.builders import TreeSettings
from taxonaut.workspace.workspace import Workspace

DEPTHS = {"onet": 6, "shopify": 3}
SEEDS = 3

Sets = Mapping[tuple[str, ...], frozenset[str]]
"""The labels below each category or node; the last part of its key is its name."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default=",".join(DEPTHS))
    parser.add_argument("--builds", default=BUILDS)
    parser.add_argument("--terminal-size", type=int, help="unset: each builder's own")
    parser.add_argument("--k", type=int, help="most children of a node; unset: 16")
    parser.add_argument("--seeds", type=int, default=SEEDS)


def main() -> None:
    """Print a table."""
    options = arguments(__doc__, add)
    embedder = OnnxEmbedder()
    given = {"terminal_size": options.terminal_size, "k": options.k}
    chosen = {key: value for key, value in given.items() if value is not None}
    rows = [["tree", "labels", "categories", "build", "nodes", "precision", "recall", "ancestor F1", "names"]]
    for name in options.set.split(","):
        labels, categories = read_tree(options.data / name / "labels.jsonl", DEPTHS[name])
        with flat_workspace(labels, embedder) as workspace:
            for build in options.builds.split(","):
                size = {"centres" if build == "agents" and key == "k" else key: chosen[key] for key in chosen}
                runs = [
                    rebuild(workspace, labels, build, {**size, "seed": seed}) for seed in range(options.seeds)
                ]
                found = [compare(run, categories, embedder) for run in runs]
                nodes = " / ".join(str(len(run)) for run in runs)
                means = [f"{100 * float(np.mean([each[at] for each in found])):.1f}" for at in range(4)]
                rows.append([name, f"{len(labels):,}", str(len(categories)), build, nodes, *means])
    print_markdown(rows)


def read_tree(path: Path, depth: int) -> tuple[list[str], Sets]:
    """Return the distinct names of the lowest labels of the first `depth` levels, and the names below categories."""
    lines = path.read_text(encoding="utf-8").splitlines()
    paths = [tuple(json.loads(line)["path"]) for line in lines]
    kept = {path for path in paths if len(path) <= depth}
    inner = {path[:length] for path in kept for length in range(1, len(path))}
    below: dict[tuple[str, ...], set[str]] = defaultdict(set)
    leaves = sorted(kept - inner)
    for leaf in leaves:
        for length in range(1, len(leaf)):
            below[leaf[:length]].add(leaf[-1])
    names = list(dict.fromkeys(leaf[-1] for leaf in leaves))
    return names, {path: frozenset(under) for path, under in below.items() if 1 < len(under) < len(names)}


@contextmanager
def flat_workspace(labels: list[str], embedder: OnnxEmbedder) -> Iterator[Workspace]:
    """Open a workspace of labels without a tree, whose vectors are kept between builds."""
    with TemporaryDirectory() as folder:
        Workspace.init(Path(folder) / "flat").close()
        with Workspace.open(Path(folder) / "flat", embedder=embedder) as workspace:
            workspace.index.add_labels([Label(LabelId(str(row)), name) for row, name in enumerate(labels)])
            yield workspace


def rebuild(workspace: Workspace, labels: list[str], build: str, settings: TreeSettings) -> Sets:
    """Build a tree over flat labels and undo it; return the labels below its nodes."""
    tree = workspace.build_index(build, **settings)
    workspace.index.undo()
    parents: dict[int, list[int]] = defaultdict(list)
    for parent, child in tree.edges:
        parents[child].append(parent)
    below: dict[int, set[str]] = defaultdict(set)
    for node, label in tree.placements:
        waiting = [node]
        while waiting:
            key = waiting.pop()
            below[key].add(labels[int(label)])
            waiting += parents[key]
    return {
        (str(node.key), node.name): frozenset(below[node.key])
        for node in tree.nodes
        if 1 < len(below[node.key]) < len(labels)
    }


def compare(built: Sets, categories: Sets, embedder: OnnxEmbedder) -> tuple[float, float, float, float]:
    """Return precision, recall and F1 of ancestor pairs, and the mean cosine of the names of matched nodes."""
    likeness = [
        (len(labels & under) / len(labels | under), node, category)
        for node, labels in built.items()
        for category, under in categories.items()
        if not labels.isdisjoint(under)
    ]
    matches: dict[tuple[str, ...], tuple[str, ...]] = {}
    taken: set[tuple[str, ...]] = set()
    for _, node, category in sorted(likeness, key=lambda each: (-each[0], each[1], each[2])):
        if node not in matches and category not in taken:
            matches[node] = category
            taken.add(category)
    right = sum(len(built[node] & categories[category]) for node, category in matches.items())
    precision = right / sum(map(len, built.values()))
    recall = right / sum(map(len, categories.values()))
    ours = embedder.embed([node[-1].lower() for node in matches])
    theirs = embedder.embed([category[-1].lower() for category in matches.values()])
    return (
        precision,
        recall,
        2 * precision * recall / (precision + recall),
        float((ours * theirs).sum(axis=1).mean()),
    )


if __name__ == "__main__":
    main()
