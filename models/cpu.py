"""How many cores this process may count on, and the thread that computes."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")


def available_cores() -> int:
    """Count the cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chat_threads() -> int:
    """Take half of the cores for threads that wait for each other at every layer, at least 1, up to 8."""
    return max(1, min(8, available_cores() // 2))


def default_threads() -> int:
    """Take every core, up to 8, for work that runs side by side without waiting for each other."""
    return min(8, available_cores())


@lru_cache(maxsize=1)
def compute_thread() -> ThreadPoolExecutor:
    """Return the one thread that multiplies matrices.

    NumPy uses the cores by itself, and a second thread would keep a second set of freed arrays: the C library
    gives each thread memory of its own, which it seldom returns.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="taxonaut-compute")


async def computed(work: Callable[[], T]) -> T:
    """Run work on the compute thread and wait for it without blocking the event loop."""
    return await asyncio.get_running_loop().run_in_executor(compute_thread(), work)
