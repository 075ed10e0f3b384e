"""Do a piece of work again and again, killed at random moments, and print what is there in the end.

python kill_driver.py FOLDER WORK KILLS SEED: FOLDER holds a workspace as it is before the work (`build`, `add` or
`walk`). Each round copies it, does the work in forked processes until one ends by itself, and describes the result;
the first round is undisturbed. Prints one JSON object: kills, rounds, and whether all rounds came to the same; scores
may differ by NEAR, as an embedder's last digits depend on which texts it is given together.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

sys.path.insert(0, str(Path(__file__).parents[1]))

from killing import kill_repeatedly

from taxonaut.graphs import build_index, insert_labels, navigate  # noqa: F401  (loaded once, before the forks)
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.walk import classification  # noqa: F401
from taxonaut.workspace.workspace import Workspace

VERBS = [
    "clean",
    "repair",
    "sell",
    "teach",
    "paint",
    "drive",
    "cook",
    "measure",
    "plan",
    "test",
    "buy",
    "ship",
    "mix",
    "cut",
]
THINGS = [
    "cars",
    "bread",
    "children",
    "boats",
    "metal",
    "houses",
]
NAMES = [f"{verb} {thing}" for verb in VERBS for thing in THINGS]
LABELS = [Label(LabelId(f"l{number}"), name) for number, name in enumerate(NAMES)]
FIRST, LATER = LABELS[::2] + LABELS[1::4], LABELS[3::4]
TEXTS = [f"we {verb} {THINGS[at % len(THINGS)]} every day" for at, verb in enumerate(VERBS[:8])]
NEAR = 0.01
"""Quantized vectors differ by so much between batches on some processors, and a kill changes the batches."""
SMALL = {"terminal_size": 6, "centres": 5}


def build(folder: Path) -> object:
    with Workspace.open(folder) as workspace:
        workspace.build_index("agents", **SMALL)
    return None


def add(folder: Path) -> object:
    with Workspace.open(folder, build=SMALL) as workspace:
        workspace.add_labels(LATER)
    return None


def walk(folder: Path) -> object:
    with Workspace.open(folder, walk={"shortlist": "tree", "batch": 3}) as workspace:
        return {
            f"{result.item_id} {prediction.label_id} {prediction.path}": prediction.score
            for result in workspace.classify(TEXTS)
            for prediction in result.labels
        }


WORK: dict[str, Callable[[Path], object]] = {"build": build, "add": add, "walk": walk}


def described(folder: Path) -> object:
    """Return every label with all its paths, and what its nodes are like; the ids of a tree built anew differ."""
    with Workspace.open(folder) as workspace:
        index = workspace.index
        labels = index.all_labels()
        paths = index.paths_of([label.id for label in labels])
        nodes = [index.nodes(index.placements_of(label.id)) for label in labels]
        return [
            [label.id, label.name, paths[label.id], [(node.name, node.examples) for node in at]]
            for label, at in zip(labels, nodes, strict=True)
        ]


def same(first: Any, second: Any) -> bool:
    """Say whether two answers are the same but for the last digits of scores."""
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= NEAR
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    return bool(first == second)


def main() -> None:
    base, name, kills, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    folder = base.with_name("round")

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)

    found = kill_repeatedly(
        prepare,
        lambda _: WORK[name](folder),
        lambda done: [done, described(folder)],
        base.with_name("answer.json"),
        kills=kills,
        seed=seed,
    )
    found.write(lambda one, other: same(one[0], other[0]) and one[1] == other[1])


if __name__ == "__main__":
    main()
