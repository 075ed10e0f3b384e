"""How many cores this process may count on, and the thread that computes."""

import asyncio
import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "asimddp"})


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


@lru_cache(maxsize=1)
def has_fast_int8() -> bool:
    """Tell whether the CPU sums products of 8-bit numbers in one instruction (x86 VNNI, Arm dot products).

    False where that cannot be found out: Linux says so in /proc/cpuinfo, and every Mac with an Arm processor has it.
    """
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = {
        flag for line in lines if line.lower().startswith(("flags", "features")) for flag in line.split()
    }
    return not flags.isdisjoint(_INT8_FLAGS)
