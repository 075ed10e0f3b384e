"""A path for a database file, and an index without a tree."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taxonaut.state.db.connection import Database
    from taxonaut.state.index.index import Index


@pytest.fixture
def index(database: "Database") -> "Index":
    from taxonaut.state.index.index import Index

    return Index(database)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.duckdb"
