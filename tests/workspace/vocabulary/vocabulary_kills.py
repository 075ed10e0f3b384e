"""Build a vocabulary and put it on items, killed at random moments, and print what is there in the end.

python vocabulary_kills.py FOLDER URL KILLS SEED: URL is the local server's, which plays architect and annotator. The
work is done in forked processes that are killed, until one ends by itself. Each round starts from an empty workspace;
the first is undisturbed. Prints one JSON object: how many were killed, the rounds, whether all came to the same, and
the longest round's seconds. The server's own log says what was asked and answered.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

sys.path.insert(0, str(Path(__file__).parents[2]))

from fakes import things, word_embedder
from killing import kill_repeatedly

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


def main() -> None:
    base, url, kills, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    litellm_door.litellm()
    folder = base / "round"
    found = kill_repeatedly(
        lambda: shutil.rmtree(folder, ignore_errors=True),
        lambda number: work(folder, url, f"BEHAVE:agents round {number}"),
        lambda _: described(folder),
        base / "answer.json",
        kills=kills,
        seed=seed,
        moments=(0.0, 0.5),
    )
    found.write(lambda one, other: bool(one == other))


if __name__ == "__main__":
    main()
