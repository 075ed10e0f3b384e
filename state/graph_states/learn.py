"""LangGraph state of `learn`: the rounds, what each measured, and the version that comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import TypedDict


@dataclass(frozen=True, slots=True)
class WalkMarks:
    """What the walks of a round made of known labels (XMC-Agent 2.3), over so many items."""

    items: int = 0
    hits: int = 0
    errors: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class LearningRound:
    """One round: its walks, what the learners say, and what the gate measured, as JSON values.

    `sources` and `unknown` are those of a card. `gain` is what rounds are compared by: the mean change of the gate's
    measures.
    """

    number: int
    marks: WalkMarks
    learners: Mapping[str, Any]
    sources: Mapping[str, tuple[float, float]]
    unknown: Mapping[str, float]
    measures: Mapping[str, Any]
    gain: float
    passed: bool


class LearnInput(TypedDict):
    """The input: how many rounds there are at most."""

    rounds: int


class LearnState(LearnInput, total=False):
    """The number of the round, its marks and examples, the finished rounds, and the version that was proposed."""

    round: int
    marks: WalkMarks
    examples: int
    learners: Mapping[str, Any]
    finished: list[LearningRound]
    version: int
