"""How many cores this process may count on."""

import os


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
