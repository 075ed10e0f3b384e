"""The limit: never more holders than places, starts kept apart, places given back whatever happens."""

import asyncio
from itertools import pairwise

import pytest

from taxonaut.models.llm import gateway as limits
from taxonaut.models.llm.gateway import Limit


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_holders_than_places(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(limits, "INTERVAL_S", 0.0)
    limit, held, peak = Limit(most), 0, 0

    async def hold() -> None:
        nonlocal held, peak
        async with limit:
            held += 1
            peak = max(peak, held)
            await asyncio.sleep(0)
            held -= 1

    await asyncio.gather(*(hold() for _ in range(10)))
    assert (held, peak) == (0, most)


async def test_starts_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INTERVAL_S", 0.01)
    limit, starts = Limit(10), []

    async def start() -> None:
        async with limit:
            starts.append(asyncio.get_running_loop().time())

    await asyncio.gather(*(start() for _ in range(5)))
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert sum(gaps) >= 0.04 - 0.002
    assert min(gaps) >= 0


async def test_a_place_comes_back_from_a_failure_and_from_a_cancelled_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "INTERVAL_S", 3600.0)
    limit = Limit(1)

    async def hold() -> None:
        async with limit:
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        await hold()
    waiting = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not limit.places.locked()
