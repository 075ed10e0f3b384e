"""Do work in a process of its own, killed at random moments, until it ends by itself; shared by the kill tests."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any


@dataclass
class Killed:
    """What came of it: kills, rounds, the seconds of the undisturbed round, and what each round came to."""

    kills: int = 0
    rounds: int = 0
    seconds: float = 0.0
    outcomes: list[Any] = field(default_factory=list)

    def write(self, same: Callable[[Any, Any], bool]) -> None:
        """Write one JSON object for the test: the counts, and whether all rounds came to the same."""
        alike = all(same(outcome, self.outcomes[0]) for outcome in self.outcomes)
        found = {"kills": self.kills, "rounds": self.rounds, "same": alike, "seconds": self.seconds}
        sys.stdout.write(json.dumps(found))


def kill_repeatedly(
    prepare: Callable[[], None],
    work: Callable[[int], Any],
    outcome: Callable[[Any], Any],
    answer: Path,
    *,
    kills: int,
    seed: int,
    moments: tuple[float, float] = (0.0, 1.0),
) -> Killed:
    """Do work, the first round undisturbed, then with so many kills.

    Each round: `prepare`, then `work` (given the round's number) in forked processes until one ends by itself, then
    `outcome` of what it returned; both go through JSON, by way of the file `answer`. A process is killed between two
    `moments`, as shares of the first round's time.
    """
    chance, found = random.Random(seed), Killed()
    first, last = moments
    while found.rounds == 0 or found.kills < kills:
        prepare()
        started = time.monotonic()
        while not ends_by_itself(
            lambda: work(found.rounds),
            answer,
            chance.uniform(first, last) * found.seconds if found.rounds and found.kills < kills else None,
        ):
            found.kills += 1
        found.seconds = found.seconds or time.monotonic() - started
        found.rounds += 1
        done = json.loads(answer.read_text())
        ends_by_itself(partial(outcome, done), answer)
        found.outcomes.append(json.loads(answer.read_text()))
    return found


def ends_by_itself(work: Callable[[], Any], answer: Path, kill_after: float | None = None) -> bool:
    """Do work in a forked process that writes what it returns as JSON; kill it after a while."""
    child = os.fork()
    if child == 0:
        try:
            answer.write_text(json.dumps(work(), default=str))
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
