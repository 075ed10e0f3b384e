"""Times as people say them."""

import re
from datetime import datetime, timedelta

import pytest

from taxonaut.conversation.nlu.periods import IN_TEXT, Period, read_period
from taxonaut.state.errors import InputError

NOW = datetime(2026, 11, 21, 15, 30)
TODAY = datetime(2026, 11, 21)


@pytest.mark.parametrize(
    ("said", "period"),
    [
        ("", Period("the last 7 days", NOW - timedelta(days=7))),
        ("last week", Period("the last 7 days", NOW - timedelta(days=7))),
        ("Today", Period("today", TODAY)),
        ("so far today", Period("today", TODAY)),
        ("yesterday?", Period("yesterday", TODAY - timedelta(days=1), TODAY)),
        ("since yesterday", Period("since yesterday", TODAY - timedelta(days=1))),
        ("in the last month", Period("the last 30 days", NOW - timedelta(days=30))),
        ("this quarter", Period("the last 91 days", NOW - timedelta(days=91))),
        ("since 2026-11-01", Period("since 2026-11-01", datetime(2026, 11, 1))),
        ("on 2026-11-01", Period("2026-11-01", datetime(2026, 11, 1), datetime(2026, 11, 2))),
        ("the last 14 days", Period("the last 14 days", NOW - timedelta(days=14))),
        ("over the last few days", Period("the last 3 days", NOW - timedelta(days=3))),
        ("2 weeks", Period("the last 14 days", NOW - timedelta(days=14))),
        ("3 days ago", Period("the last 3 days", NOW - timedelta(days=3))),
        ("last hour", Period("the last 1 hours", NOW - timedelta(hours=1))),
        ("all", Period("all runs")),
        (
            "between 2026-10-01 and 2026-10-15",
            Period("2026-10-01 to 2026-10-15", datetime(2026, 10, 1), datetime(2026, 10, 16)),
        ),
        (
            "from 2026-10-01 to today",
            Period("2026-10-01 to 2026-11-21", datetime(2026, 10, 1), TODAY + timedelta(days=1)),
        ),
    ],
)
def test_a_time_is_read(said: str, period: Period) -> None:
    assert read_period(said, NOW) == period


@pytest.mark.parametrize(
    "said",
    ["next week", "since 2026-13-01", "0 days", "soon", "since Easter", "between 2026-05-02 and 2026-05-01"],
)
def test_what_cannot_be_read_is_said(said: str) -> None:
    with pytest.raises(InputError, match="last week"):
        read_period(said, NOW)


@pytest.mark.parametrize("time", ["since Easter", "last week", "in March", "between 1 March and 15 March"])
def test_a_time_is_found_in_a_message(time: str) -> None:
    found = re.search(IN_TEXT, f"what was lost {time}?", re.IGNORECASE)
    assert found is not None
    assert found[0] == time


def test_a_run_is_in_a_time_it_has_a_moment_in() -> None:
    yesterday = read_period("yesterday", NOW)
    assert yesterday.overlaps("2026-11-19T10:00:00", "2026-11-20T01:00:00")
    assert yesterday.overlaps("2026-11-20T23:00:00", "")
    assert not yesterday.overlaps("2026-11-19T10:00:00", "2026-11-19T11:00:00")
    assert not yesterday.overlaps("2026-11-21T00:00:00", "")
