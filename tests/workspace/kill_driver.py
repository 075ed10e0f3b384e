"""Do a piece of work again and again, killed at random moments, and print what is there in the end.

python kill_driver.py FOLDER WORK KILLS SEED: FOLDER holds a workspace as it is before the work (`build`, `add` or
`walk`). Each round copies it, does the work in forked processes until one ends by itself, and describes the result;
the first round is undisturbed. Prints one JSON object: kills, rounds, and whether all rounds came to the same; scores
may differ by NEAR, as an embedder's last digits depend on which texts it is given together.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

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
NEAR = 0.002
SMALL = {"terminal_size": 6, "centres": 5}


def build(folder: Path) -> object:
    with Workspace.open(folder) as workspace:
        workspace.build_index("agents", SMALL)
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


def forked(task: Callable[[], object], answer: Path, kill_after: float | None = None) -> bool:
    """Run a task in a process of its own that writes its answer; kill it after a while. Says whether it ended."""
    child = os.fork()
    if child == 0:
        try:
            answer.write_text(json.dumps(task(), default=str))
            os._exit(0)
        except BaseException as error:  # noqa: BLE001
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        sys.exit("a process that was not killed failed")
    return True


def main() -> None:
    base, name, wanted, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    folder, answer = base.with_name("round"), base.with_name("answer.json")
    kills, rounds, longest = 0, 0, 0.0
    outcomes: list[tuple[Any, Any]] = []
    while rounds == 0 or kills < wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        started = time.monotonic()
        while not forked(
            lambda: WORK[name](folder),
            answer,
            chance.uniform(0, longest) if rounds and kills < wanted else None,
        ):
            kills += 1
        longest = longest or time.monotonic() - started
        rounds += 1
        done = json.loads(answer.read_text())
        forked(lambda: described(folder), answer)
        outcomes.append((done, json.loads(answer.read_text())))
    alike = all(same(done, outcomes[0][0]) and tree == outcomes[0][1] for done, tree in outcomes)
    sys.stdout.write(json.dumps({"kills": kills, "rounds": rounds, "same": alike, "seconds": longest}))


if __name__ == "__main__":
    main()
