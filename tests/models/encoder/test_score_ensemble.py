"""Two models' scores on one scale."""

from collections.abc import Sequence
from typing import Any

import pytest

from taxonaut.models.encoder.score_ensemble import ScoreEnsemble, standardize
from taxonaut.models.requests import Choice, ModelReply, ModelRequest
from taxonaut.state.errors import ModelError, ModelTimeoutError
from taxonaut.state.records import ToolSpec, Usage


class Fixed:
    """Answers every request with one reply."""

    reads_prompts = True

    def __init__(self, name: str, reply: ModelReply | ModelError) -> None:
        self.name = name
        self.reply = reply

    async def answer(self, requests: Sequence[ModelRequest]) -> list[ModelReply | ModelError]:
        return [self.reply for _ in requests]


def request(most: int) -> ModelRequest:
    choices = tuple(Choice(number, (f"option {number}",)) for number in (1, 2, 3))
    return ModelRequest("s", "c", "i", "", "text", ToolSpec("t", "", {}), "options", choices, most)


def reply(scores: dict[int, float] | None, chosen: tuple[int, ...], **more: Any) -> ModelReply:
    return ModelReply(chosen, {"options": list(chosen)}, Usage(prompt_tokens=7), scores, **more)


async def joined(said: ModelReply | ModelError, seen: ModelReply | ModelError, most: int = 2) -> Any:
    answers = ScoreEnsemble(Fixed("small", said), Fixed("encoder", seen), weight=0.5)
    assert answers.name == "small+encoder"
    return (await answers.answer([request(most)]))[0]


async def test_scores_are_added_on_one_scale() -> None:
    said = reply({1: -10.0, 2: 0.0, 3: 10.0}, (3,))
    seen = reply({1: 0.3, 2: 0.2, 3: 0.1}, (1, 2), evidence={1: "one", 2: "two"})
    found = await joined(said, seen)
    root = (3 / 2) ** 0.5
    assert found.scores == pytest.approx({1: 0.5 * root, 2: 0.0, 3: -0.5 * root})
    assert (found.chosen, found.arguments, found.usage) == (
        (1, 2),
        {"options": [1, 2]},
        Usage(prompt_tokens=7),
    )
    assert found.evidence == {1: "one", 2: "two"}


async def test_what_the_encoder_finds_too_far_away_stays_unchosen() -> None:
    said = reply({1: 0.0, 2: 9.0, 3: 0.0}, (2,))
    seen = reply({1: 0.5, 2: 0.01, 3: 0.0}, (1,))
    assert (await joined(said, seen)).chosen == (1,)
    assert (await joined(said, reply({1: 0.01, 2: 0.0, 3: 0.0}, ()))).arguments == {"options": [0]}


async def test_without_scores_or_with_an_error_the_language_model_stands() -> None:
    plain, seen = reply(None, (2,)), reply({1: 1.0, 2: 0.0, 3: 0.0}, (1,))
    assert await joined(plain, seen) is plain
    error = ModelTimeoutError("late")
    assert await joined(error, seen) is error
    assert await joined(plain, error) is plain


def test_equal_scores_tell_nothing() -> None:
    assert standardize({1: 4.0, 2: 4.0}) == {1: 0.0, 2: 0.0}
    assert standardize({}) == {}
