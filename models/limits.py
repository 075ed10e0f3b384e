"""How many requests may be in flight at once, and how close together they may start."""

import asyncio

INTERVAL_S = 0.004
"""About what a request costs in CPU time: LiteLLM cannot send them closer together for long."""


class Limit:
    """At most `most` holders at a time on one event loop, who start `INTERVAL_S` apart.

    Requests that start together are answered together, and the event loop then works on all the answers in
    turns, a little on each: all of them are late, the next ones start together again, and a server that
    answers in 500 ms is asked every 750 ms. Kept apart, each answer finds the loop free
    (`benchmarks/overhead.py`: 1,000 decisions at 64 in flight).
    """

    def __init__(self, most: int) -> None:
        self.places = asyncio.Semaphore(most)
        self.free_at = 0.0

    async def __aenter__(self) -> None:
        """Wait for a place, then for a turn to start."""
        await self.places.acquire()
        try:
            await self.turn()
        except BaseException:
            self.places.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the place to the next."""
        self.places.release()

    async def turn(self) -> None:
        """Wait until the last one started long enough ago."""
        now = asyncio.get_running_loop().time()
        start = max(now, self.free_at)
        self.free_at = start + INTERVAL_S
        if start > now:
            await asyncio.sleep(start - now)
