"""An empty database for each test."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taxonaut.state.database import Database
    from taxonaut.state.index import Index


def pytest_sessionfinish() -> None:
    """Let go of the modules that Hypothesis caches, or DuckDB's bindings report them as leaks at exit."""
    constants = sys.modules.get("hypothesis.internal.constants_ast")
    if constants is not None:
        constants.constants_from_module.cache_clear()


@pytest.fixture
def database() -> "Iterator[Database]":
    from taxonaut.state.database import Database

    with Database.in_memory() as database:
        yield database


@pytest.fixture
def index(database: "Database") -> "Index":
    from taxonaut.state.index import Index

    return Index(database)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.duckdb"
