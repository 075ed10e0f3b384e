"""Build a vocabulary and put it on items, killed at random moments, and print what is there in the end.

python vocabulary_kills.py FOLDER URL KILLS SEED: URL is the local server's, which plays architect and annotator. The
work is done in forked processes that are killed, until one ends by itself. Each round starts from an empty workspace;
the first is undisturbed. Prints one JSON object: how many were killed, the rounds, whether all came to the same, and
the longest round's seconds. The server's own log says what was asked and answered.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

sys.path.insert(0, str(Path(__file__).parents[2]))

from fakes import things, word_embedder

from taxonaut.graphs import assign_vocabulary, build_vocabulary  # noqa: F401  (loaded once, before the forks)
from taxonaut.models.llm import client as litellm_door
from taxonaut.models.llm import gateway  # noqa: F401
from taxonaut.workspace.vocabulary.reading import read_history, read_vocabulary
from taxonaut.workspace.workspace import Workspace

SETTINGS: dict[str, Any] = {
    "categories": 4,
    "split_threshold": 8,
    "per_descriptor": 2,
    "anomaly_threshold": 3,
    "items_per_request": 4,
    "sample": 12,
}


ITEMS = things()


def work(folder: Path, url: str, task: str) -> None:
    """Build and assign, from wherever a former process left it."""
    role = {"model": "hosted_vllm/test", "api_base": url, "concurrency": 2}
    models = {"architect": role, "annotator": role}
    if not folder.exists():
        Workspace.init(folder).close()
    with Workspace.open(
        folder,
        embedder=word_embedder(32, fading=True),
        vocabulary=SETTINGS,
        models=models,
        task={"description": task},
    ) as workspace:
        workspace.build_vocabulary(ITEMS)
        workspace.assign_vocabulary(ITEMS)


def described(folder: Path) -> Any:
    """Return the vocabulary, its history and the taggings as plain values."""
    with Workspace.open(folder) as workspace:
        vocabulary = read_vocabulary(workspace)
        return [
            [
                [each.id, each.path, each.node.description, each.node.examples]
                for each in vocabulary.descriptors
            ],
            [[group.node, group.level, group.refined.to_row()] for group in read_history(workspace)],
            sorted([each.item_id, each.path, each.others] for each in vocabulary.taggings),
            len(workspace.index.events.changes()),
        ]


def forked(folder: Path, url: str, task: str, kill_after: float | None) -> bool:
    """Do the work in a process of its own and kill it after a while. Says whether it ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            work(folder, url, task)
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
    base, url, wanted, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    litellm_door.litellm()
    chance = random.Random(seed)
    kills, rounds, longest = 0, 0, 0.0
    outcomes: list[str] = []
    while rounds == 0 or kills < wanted:
        folder = base / "round"
        shutil.rmtree(folder, ignore_errors=True)
        started = time.monotonic()
        task = f"BEHAVE:agents round {rounds}"
        while not forked(
            folder, url, task, chance.uniform(0, longest / 2) if rounds and kills < wanted else None
        ):
            kills += 1
        longest = longest or time.monotonic() - started
        rounds += 1
        outcomes.append(json.dumps(described(folder)))
    same = all(outcome == outcomes[0] for outcome in outcomes)
    sys.stdout.write(json.dumps({"kills": kills, "rounds": rounds, "same": same, "seconds": longest}))


if __name__ == "__main__":
    main()
