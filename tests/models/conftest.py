"""Weights for the tests marked `local`; they are skipped, with the reason, where there are none."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taxonaut.models.weights import ModelCatalog


def _weights(name: str) -> Path:
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed")
    catalog = ModelCatalog()
    if not catalog.is_here(name):
        pytest.skip(f"no weights: taxonaut models pull {name}")
    return catalog.path(name)


@pytest.fixture(scope="session")
def minilm() -> Path:
    return _weights("all-minilm-l6-v2")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    return _weights("smollm2-135m-instruct")


@pytest.fixture(scope="session", autouse=True)
def _llama_cpp_leaves_nothing_open() -> Iterator[None]:
    """Close the two files that llama_cpp opens on import and never closes."""
    yield
    if (utilities := sys.modules.get("llama_cpp._utils")) is not None:
        utilities.outnull_file.close()
        utilities.errnull_file.close()
