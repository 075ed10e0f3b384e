"""Categorize products, killed at random moments, and print what is there in the end.

python categorizing_kills.py FOLDER URL KILLS SEED: URL is the local server's, which plays the general expert. Each
round starts from an empty workspace; the first is undisturbed. Prints one JSON object: how many were killed, the
rounds, whether all came to the same, and the first's seconds.
"""

import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

import langgraph.graph  # noqa: F401  (loaded once, before the forks)

from taxonaut.graphs import categorize  # noqa: F401  (loaded once, before the forks)
from taxonaut.models.llm import client as litellm_door
from taxonaut.models.llm import gateway  # noqa: F401
from taxonaut.workspace.expert import categorize as categorizing
from taxonaut.workspace.expert import experts
from taxonaut.workspace.workspace import Workspace

TEXTS = [f"boots for tents number {number}" for number in range(30)]
categorizing.IN_FLIGHT, categorizing.BESIDE = 3, 1


def helper() -> ModuleType:
    """Load the trained expert that the other tests have."""
    path = Path(__file__).parents[2] / "graphs" / "shop_expert.py"
    found = importlib.util.spec_from_file_location("shop_expert", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


SHOP = helper()
experts.Experts.classifier = SHOP.opened  # type: ignore[method-assign]


def work(folder: Path, url: str, task: str) -> None:
    """Categorize from wherever a former process left it."""
    role = {"model": "hosted_vllm/test", "api_base": url, "concurrency": 2}
    with Workspace.open(folder, models={"general_expert": role}, task={"description": task}) as workspace:
        found = workspace.categorize(TEXTS)
    rows = [[each.item_id, each.label_id, each.verdict, each.reason, each.ranking] for each in found]
    folder.with_name("found.json").write_text(json.dumps(rows))


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
    folder = base / "round"
    while rounds == 0 or kills < wanted:
        shutil.rmtree(folder, ignore_errors=True)
        SHOP.make(folder).close()
        started = time.monotonic()
        task = f"BEHAVE:call round {rounds}"
        while not forked(
            folder, url, task, chance.uniform(0.3, 0.9) * longest if rounds and kills < wanted else None
        ):
            kills += 1
        longest = longest or time.monotonic() - started
        rounds += 1
        outcomes.append((base / "found.json").read_text())
    same = all(outcome == outcomes[0] for outcome in outcomes)
    sys.stdout.write(json.dumps({"kills": kills, "rounds": rounds, "same": same, "seconds": longest}))


if __name__ == "__main__":
    main()
