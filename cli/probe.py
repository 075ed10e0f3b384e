"""Ask a model one tiny question with a tool call, to see whether it works and how quickly."""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taxonaut.state.errors import TaxonautError

if TYPE_CHECKING:
    from taxonaut.agents.asking import Answer
    from taxonaut.models.settings import ModelSettings
    from taxonaut.state.ids import NodeId
    from taxonaut.workspace.wiring import Wiring

TEXT = "a wooden chair with four legs"
BRANCHES = ("Fruit and vegetables", "Furniture", "Sports")
RIGHT = "Furniture"


@dataclass(frozen=True, slots=True)
class Probe:
    """What a model made of the question.

    `chose` is the name of its first choice, empty for an abstention and for an embedder, whose `dimension` is
    set. `seconds` is the time to the answer, loading included; `latency_s` that of the request alone.
    `scored` says whether its choice came with scores. `error` is set where it gave no valid answer.
    """

    chose: str = ""
    dimension: int = 0
    seconds: float = 0.0
    latency_s: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 0
    scored: bool = False
    error: str = ""
    exit_code: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Tokens written a second; 0 where none were."""
        return self.completion_tokens / self.latency_s if self.latency_s else 0.0


def probe_chooser(wiring: "Wiring", settings: "ModelSettings") -> Probe:
    """Let a model choose a branch as the navigator does."""
    started = time.perf_counter()
    try:
        answer = asyncio.run(_choose(wiring, settings))
    except TaxonautError as error:
        return Probe(error=str(error), exit_code=error.exit_code)
    seconds = time.perf_counter() - started
    usage = answer.decision.usage
    if answer.decision.error:
        return Probe(seconds=seconds, attempts=usage.attempts, error=answer.decision.error, exit_code=4)
    return Probe(
        chose=BRANCHES[answer.chosen[0] - 2] if answer.chosen else "",
        seconds=seconds,
        latency_s=usage.latency_s,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        attempts=usage.attempts,
        scored=bool(answer.decision.scores),
    )


async def _choose(wiring: "Wiring", settings: "ModelSettings") -> "Answer[NodeId]":
    from taxonaut.agents.navigator import Navigator
    from taxonaut.state.ids import ItemId, NodeId, RunId
    from taxonaut.state.records import Item, Node
    from taxonaut.tools.expand_node import Expansion

    root = NodeId(1)
    branches = tuple(Node(NodeId(place), name) for place, name in enumerate(BRANCHES, start=2))
    answers = await Navigator(wiring.answers(settings), wiring.prompts).choose(
        RunId(0), [(Item(ItemId("probe"), TEXT), root)], {root: Expansion(root, branches, ())}, {root: ()}
    )
    return answers[0]


def probe_embedder(wiring: "Wiring", settings: "ModelSettings") -> Probe:
    """Let an embedder embed the question's texts."""
    started = time.perf_counter()
    try:
        embedder = wiring.embedder_of(settings)
        loaded = time.perf_counter()
        vectors = embedder.embed([TEXT, *BRANCHES])
    except TaxonautError as error:
        return Probe(error=str(error), exit_code=error.exit_code)
    best = int((vectors[1:] @ vectors[0]).argmax())
    ended = time.perf_counter()
    return Probe(
        chose=BRANCHES[best],
        dimension=int(vectors.shape[1]),
        seconds=ended - started,
        latency_s=ended - loaded,
        attempts=1,
        scored=True,
    )
