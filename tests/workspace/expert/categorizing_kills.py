"""Categorize products, killed at random moments, and print what is there in the end.

python categorizing_kills.py FOLDER URL KILLS SEED: URL is the local server's, which plays the general expert. Each
round starts from an empty workspace; the first is undisturbed. Prints one JSON object: how many were killed, the
rounds, whether all came to the same, and the first's seconds.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

sys.path.extend(str(Path(__file__).parents[2] / folder) for folder in ("", "graphs"))

import shop_expert
from killing import kill_repeatedly

from taxonaut.graphs import categorize  # noqa: F401  (loaded once, before the forks)
from taxonaut.models.llm import client as litellm_door
from taxonaut.models.llm import gateway  # noqa: F401
from taxonaut.workspace.expert import categorize as categorizing
from taxonaut.workspace.workspace import Workspace

TEXTS = [f"boots for tents number {number}" for number in range(30)]
categorizing.IN_FLIGHT, categorizing.ROUTED_FACTOR = 3, 1


def work(folder: Path, url: str, task: str) -> list[Any]:
    """Categorize from wherever a former process left it."""
    role = {"model": "hosted_vllm/test", "api_base": url, "concurrency": 2}
    models, classifier = {"general_expert": role}, shop_expert.WordExpert()
    with Workspace.open(
        folder, models=models, classifier=classifier, task={"description": task}
    ) as workspace:
        found = workspace.categorize(TEXTS)
    return [[each.item_id, each.label_id, each.verdict, each.reason, each.ranking] for each in found]


def main() -> None:
    base, url, kills, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    litellm_door.litellm()
    folder = base / "round"

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shop_expert.make(folder).close()

    found = kill_repeatedly(
        prepare,
        lambda number: work(folder, url, f"BEHAVE:call round {number}"),
        lambda rows: rows,
        base / "answer.json",
        kills=kills,
        seed=seed,
        moments=(0.3, 0.9),
    )
    found.write(lambda one, other: bool(one == other))


if __name__ == "__main__":
    main()
