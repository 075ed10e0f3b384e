"""Do work in a process of its own, killed at random moments, until it ends by itself; shared by the kill tests."""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any


@dataclass
class Killed:
    """What came of it: kills, rounds, the seconds of the undisturbed round, and what each round came to.

    `terminated` of the kills were by SIGTERM; after `unreadable` the check failed.
    """

    kills: int = 0
    terminated: int = 0
    unreadable: int = 0
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
    signals: Sequence[signal.Signals] = (signal.SIGKILL,),
    check: Callable[[], Any] | None = None,
) -> Killed:
    """Do work, the first round undisturbed, then with so many kills.

    Each round: `prepare`, then `work` (given the round's number) in forked processes until one ends by itself, then
    `outcome` of what it returned; both go through JSON, by way of the file `answer`. A process is killed between two
    `moments`, as shares of the first round's time, by one of `signals`; after each kill `check` must not fail.
    """
    chance, found = random.Random(seed), Killed()
    first, last = moments
    while found.rounds == 0 or found.kills < kills:
        prepare()
        started = time.monotonic()
        while True:
            by, wait = chance.choice(signals), chance.uniform(first, last) * found.seconds
            kills_now = found.rounds > 0 and found.kills < kills
            if ends_by_itself(lambda: work(found.rounds), answer, wait if kills_now else None, by):
                break
            found.kills += 1
            found.terminated += by == signal.SIGTERM
            if check is not None:
                found.unreadable += not succeeds(check)
        found.seconds = found.seconds or time.monotonic() - started
        found.rounds += 1
        done = json.loads(answer.read_text())
        ends_by_itself(partial(outcome, done), answer)
        found.outcomes.append(json.loads(answer.read_text()))
    return found


def ends_by_itself(
    work: Callable[[], Any],
    answer: Path,
    kill_after: float | None = None,
    by: signal.Signals = signal.SIGKILL,
) -> bool:
    """Do work in a forked process that writes what it returns as JSON; kill it after a while."""
    child = forked(lambda: answer.write_text(json.dumps(work(), default=str)))
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, by)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    if os.WEXITSTATUS(status):
        sys.exit("a process that was not killed failed")
    return True


def succeeds(work: Callable[[], Any]) -> bool:
    """Do work in a forked process; say whether it raised nothing."""
    _, status = os.waitpid(forked(work), 0)
    return status == 0


def forked(work: Callable[[], Any]) -> int:
    """Start a process that does work, and ends with 1 if it raises; returns its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:  # noqa: BLE001
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
    return child
