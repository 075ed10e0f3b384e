"""Settings of the database that it could not work with are refused before it is opened."""

import pytest

from taxonaut.state.errors import InputError
from taxonaut.workspace.core.config import LEAST_MEMORY, MOST_THREADS, load_config


@pytest.mark.parametrize("amount", ["64MB", "1GB", "0.5 GiB", "2gib"])
def test_amounts_of_memory(tmp_path, amount: str) -> None:
    config = load_config(tmp_path, {"database": {"memory_limit": amount, "threads": MOST_THREADS}})
    assert config.database.memory_limit == amount


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"memory_limit": "abc"}, "'abc' is no amount of memory; give one such as 512MB or 2GiB"),
        ({"memory_limit": "-1"}, "'-1' is no amount of memory"),
        ({"memory_limit": "1MB"}, f"'1MB' is too little; give at least {LEAST_MEMORY // 10**6}MB"),
        (
            {"threads": 100_000},
            f"100,000 threads are too many for this machine; give at most {MOST_THREADS}",
        ),
        ({"threads": 0}, "greater than 0"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, given: dict, said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(tmp_path, {"database": given})
    assert said in str(caught.value)
    assert "database" in str(caught.value)
