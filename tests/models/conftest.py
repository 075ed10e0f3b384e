"""Weights for the tests marked `local`; they are skipped, with the reason, where there are none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulled import require_weights


@pytest.fixture(scope="session")
def minilm() -> Path:
    return require_weights("all-minilm-l6-v2")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return require_weights("smollm2-135m-instruct")


@pytest.fixture(scope="session", autouse=True)
def _llama_cpp_leaves_nothing_open() -> Iterator[None]:
    """Close the two files that llama_cpp opens on import and never closes."""
    yield
    if (utilities := sys.modules.get("llama_cpp._utils")) is not None:
        utilities.outnull_file.close()
        utilities.errnull_file.close()
