"""A coroutine that may be dropped is one in all else."""

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from taxonaut.models.llm.client import droppable


async def answer(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError(number)
    return number


def dropped(call: Callable[..., Any]) -> list[str]:
    """What Python says when a call's result is dropped."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call(1)
        gc.collect()
    return [str(warning.message) for warning in said]


def test_one_that_is_dropped_says_nothing() -> None:
    assert dropped(answer) == ["coroutine 'answer' was never awaited"]
    assert dropped(droppable(answer)) == []


async def test_one_that_is_awaited_answers_raises_and_can_be_cancelled() -> None:
    made = droppable(answer)(1)
    assert asyncio.iscoroutine(made)
    assert await made == 1
    assert await asyncio.create_task(droppable(answer)(2)) == 2
    with pytest.raises(ValueError, match="-1"):
        await droppable(answer)(-1)
    task = asyncio.create_task(droppable(answer)(3))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_what_is_no_coroutine_is_handed_on() -> None:
    assert droppable(abs)(-3) == 3
