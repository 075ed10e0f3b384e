"""The loop of GEPA over candidates: which block is rewritten after which cases, and which candidates stay.

gepa chooses parents from the Pareto front of the items, samples cases and accepts what improves on them. It asks no
model and stores nothing here: its steps are calls of a `Scene`, which depend on a seed and on what these return.
"""

import asyncio
import random
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError as Cancelled
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from taxonaut.evaluation.trials.failures import Case
from taxonaut.evaluation.trials.trial_run import Role
from taxonaut.state.errors import BudgetSpentError, MissingExtraError
from taxonaut.workspace.files.item_files import ItemRow

if TYPE_CHECKING:
    from gepa.core.adapter import EvaluationBatch
    from gepa.core.data_loader import DataLoader
    from gepa.core.state import GEPAState

T = TypeVar("T")

Candidate = dict[str, str]

SPENT = "its share of the budget was spent; with a larger one the same call goes on"

IDLE = 10
"""Steps without a better candidate after which the evolution ends."""

WELL = 0.25
"""The share of the cases of a rewriting that went well, so that it sees what to keep."""

PERFECT = 1.0 - 1e-9


class Scene(Protocol):
    """What evolves: it scores candidates on items, and rewrites blocks."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """The role that reads each block."""

    async def evaluate(self, rows: Sequence[ItemRow], candidate: Mapping[str, str]) -> list[Case]:
        """Score a candidate on each item. Raises BudgetSpentError."""

    async def propose(self, name: str, text: str, cases: Sequence[Case]) -> str | None:
        """Return another text for a block, None for none. Raises BudgetSpentError."""


@dataclass(frozen=True, slots=True)
class Evolved:
    """The best candidate, {} if no other is better than the first; the mean score of each; why it ended."""

    best: Candidate
    scores: tuple[float, ...]
    ended: str


def require_gepa() -> None:
    """Raise MissingExtraError if gepa is not installed."""
    if find_spec("gepa") is None:
        raise MissingExtraError("gepa", "evolve")


async def evolve(
    first: Candidate, rows: Sequence[ItemRow], scene: Scene, *, minibatch: int, seed: int
) -> Evolved:
    """Evolve candidates from the first one until nothing improves any more or the budget is spent.

    Raises what the scene raises, except BudgetSpentError.
    """
    loop = Loop(first, list(rows), scene, minibatch, seed, asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(loop.run)
    except asyncio.CancelledError:
        await loop.cancel()
        raise


class Silent:
    """gepa's log, which nobody reads."""

    def log(self, message: str) -> None:
        """Drop a message."""


@dataclass
class Loop:
    """One call of gepa, in a thread of its own; its steps run on the event loop that waits for it."""

    first: Candidate
    rows: list[ItemRow]
    scene: Scene
    minibatch: int
    seed: int
    events: asyncio.AbstractEventLoop
    error: BaseException | None = None
    ended: str = ""
    best: float = -1.0
    idle: int = 0
    scores: list[float] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    waiting: "Future[Any] | None" = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    propose_new_texts: Any = None

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.propose_new_texts = self.rewrite
        self.order = list(range(len(self.rows)))
        self.rng.shuffle(self.order)

    def run(self) -> Evolved:
        """Run gepa to its end."""
        from gepa.api import optimize

        try:
            optimize(
                seed_candidate=dict(self.first),
                trainset=self.rows,
                adapter=self,
                batch_sampler=self,
                module_selector=self.choose_block,
                stop_callbacks=self.should_stop,
                logger=Silent(),
                seed=self.seed,
            )
        except Exception as error:  # noqa: BLE001
            self.error = self.error or error
        finally:
            self.events.call_soon_threadsafe(self.finished.set)
        if self.error is not None and not isinstance(self.error, BudgetSpentError):
            raise self.error
        if not self.scores:
            raise BudgetSpentError
        top = max(self.scores)
        place = self.scores.index(top)
        return Evolved(
            dict(self.candidates[place]) if place else {},
            tuple(self.scores),
            self.ended or SPENT,
        )

    async def cancel(self) -> None:
        """End the loop: the step at work is cancelled, and no other begins."""
        self.error = self.error or Cancelled()
        if self.waiting is not None:
            self.waiting.cancel()
        await self.finished.wait()

    def wait(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a step on the event loop and wait for it; after an error no other step begins."""
        if self.error is not None:
            step.close()
            raise self.error
        self.waiting = asyncio.run_coroutine_threadsafe(step, self.events)
        try:
            found: T = self.waiting.result()
        except BaseException as error:
            self.error = self.error or error
            raise
        return found

    def should_stop(self, state: "GEPAState[Any, Any]") -> bool:
        """Say whether to end before the next step."""
        self.scores = [float(score) for score in state.program_full_scores_val_set]
        self.candidates = [dict(each) for each in state.program_candidates]
        top = max(self.scores)
        self.idle = 0 if top > self.best else self.idle + 1
        self.best = max(self.best, top)
        if top >= PERFECT:
            self.ended = "no item that it evolves on is wrong any more"
        elif self.idle >= IDLE:
            self.ended = f"{IDLE} steps in a row found nothing better"
        return bool(self.ended) or self.error is not None

    def evaluate(
        self, batch: list[ItemRow], candidate: Candidate, capture_traces: bool = False
    ) -> "EvaluationBatch[Case, Case]":
        """Score a candidate on items (gepa's adapter)."""
        from gepa.core.adapter import EvaluationBatch

        cases = self.wait(self.scene.evaluate(batch, candidate))
        return EvaluationBatch(
            outputs=list(cases),
            scores=[case.score for case in cases],
            trajectories=list(cases) if capture_traces else None,
        )

    def make_reflective_dataset(
        self, candidate: Candidate, eval_batch: "EvaluationBatch[Case, Case]", components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return the cases that a block is rewritten after (gepa's adapter)."""
        cases = eval_batch.trajectories or []
        return {name: [{"case": case} for case in cases] for name in components_to_update}

    def rewrite(
        self,
        candidate: Candidate,
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> Candidate:
        """Rewrite blocks (gepa's adapter); one without a usable proposal is left out."""
        found = {}
        for name in components_to_update:
            cases = [record["case"] for record in reflective_dataset[name]]
            text = self.wait(self.scene.propose(name, candidate[name], cases))
            if text is not None:
                found[name] = text
        return found

    def choose_block(
        self,
        state: "GEPAState[Any, Any]",
        trajectories: list[Case],
        subsample_scores: list[float],
        candidate_idx: int,
        candidate: Candidate,
    ) -> list[str]:
        """Return the block to rewrite: one of the role that made most mistakes, in turns (gepa's selector)."""
        mistakes = {
            name: sum(len(case.faults.get(role, ())) for case in trajectories)
            for name, role in self.scene.roles.items()
        }
        worst = [name for name, count in mistakes.items() if count == max(mistakes.values())]
        return [worst[state.i % len(worst)]]

    def next_minibatch_ids(
        self, loader: "DataLoader[int, ItemRow]", state: "GEPAState[Any, Any]"
    ) -> list[int]:
        """Return the items of a step: mostly such as the best candidate gets wrong (gepa's sampler)."""
        scores = state.program_full_scores_val_set
        known = state.prog_candidate_val_subscores[scores.index(max(scores))]
        wrong = [number for number in self.order if known.get(number, 0.0) < PERFECT]
        well = [number for number in self.order if number not in set(wrong)]
        size = min(self.minibatch, len(self.rows))
        few = min(len(well), int(size * WELL))
        few = max(few, size - len(wrong))
        return [*rotated(wrong, state.i, size - few), *rotated(well, state.i, few)]


def rotated(numbers: Sequence[int], turn: int, count: int) -> list[int]:
    """Return so many numbers, each turn the next ones."""
    if not numbers or not count:
        return []
    start = turn * count % len(numbers)
    return [numbers[(start + place) % len(numbers)] for place in range(min(count, len(numbers)))]
