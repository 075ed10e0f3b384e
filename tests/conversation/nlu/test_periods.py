"""Times as people say them."""

from datetime import datetime, timedelta

import pytest

from taxonaut.conversation.nlu.periods import Period, read_period
from taxonaut.state.errors import InputError

NOW = datetime(2026, 11, 21, 15, 30)
TODAY = datetime(2026, 11, 21)


@pytest.mark.parametrize(
    ("said", "period"),
    [
        ("", Period("the last 7 days", NOW - timedelta(days=7))),
        ("last week", Period("the last 7 days", NOW - timedelta(days=7))),
        ("Today", Period("today", TODAY)),
        ("yesterday?", Period("yesterday", TODAY - timedelta(days=1), TODAY)),
        ("in the last month", Period("the last 30 days", NOW - timedelta(days=30))),
        ("since 2026-11-01", Period("since 2026-11-01", datetime(2026, 11, 1))),
        ("the last 14 days", Period("the last 14 days", NOW - timedelta(days=14))),
        ("2 weeks", Period("the last 2 weeks", NOW - timedelta(days=14))),
        ("all", Period("all runs")),
        ("since this morning", Period("today", TODAY)),
        ("since Monday", Period("since Monday", datetime(2026, 11, 16))),
        ("since Saturday", Period("since Saturday", datetime(2026, 11, 14))),
        ("last Friday", Period("Friday", datetime(2026, 11, 20), TODAY)),
        ("since the 1st", Period("since 2026-11-01", datetime(2026, 11, 1))),
        ("since 30th", Period("since 2026-10-30", datetime(2026, 10, 30))),
        ("since last week", Period("the last 7 days", NOW - timedelta(days=7))),
        ("3 days ago", Period("the last 3 days", NOW - timedelta(days=3))),
        ("over the last few days", Period("the last 3 days", NOW - timedelta(days=3))),
        ("last fortnight", Period("the last 14 days", NOW - timedelta(days=14))),
        ("since March", Period("since 2026-03-01", datetime(2026, 3, 1))),
        ("since 3 May", Period("since 2026-05-03", datetime(2026, 5, 3))),
        ("since December", Period("since 2025-12-01", datetime(2025, 12, 1))),
        ("since the start of the year", Period("since 2026-01-01", datetime(2026, 1, 1))),
        ("in October", Period("2026-10-01 to 2026-10-31", datetime(2026, 10, 1), datetime(2026, 11, 1))),
        ("in Dec 2024", Period("2024-12-01 to 2024-12-31", datetime(2024, 12, 1), datetime(2025, 1, 1))),
        ("on March 2nd", Period("2026-03-02", datetime(2026, 3, 2), datetime(2026, 3, 3))),
        (
            "between 1 March and 15 March",
            Period("2026-03-01 to 2026-03-15", datetime(2026, 3, 1), datetime(2026, 3, 16)),
        ),
        (
            "from Monday to Wednesday",
            Period("2026-11-16 to 2026-11-18", datetime(2026, 11, 16), datetime(2026, 11, 19)),
        ),
        (
            "from Friday until Wednesday",
            Period("2026-11-13 to 2026-11-18", datetime(2026, 11, 13), datetime(2026, 11, 19)),
        ),
        (
            "between November and February",
            Period("2025-11-01 to 2026-02-28", datetime(2025, 11, 1), datetime(2026, 3, 1)),
        ),
        (
            "between 2026-10-01 and today",
            Period("2026-10-01 to 2026-11-21", datetime(2026, 10, 1), TODAY + timedelta(days=1)),
        ),
        ("this year", Period("the last 365 days", NOW - timedelta(days=365))),
    ],
)
def test_a_time_is_read(said: str, period: Period) -> None:
    assert read_period(said, NOW) == period


@pytest.mark.parametrize(
    "said",
    [
        "next week",
        "since 2026-13-01",
        "0 days",
        "soon",
        "since Easter",
        "between 30 February and May",
        "since 3 May 2027",
    ],
)
def test_what_cannot_be_read_is_said(said: str) -> None:
    with pytest.raises(InputError, match="last week"):
        read_period(said, NOW)


def test_a_run_is_in_a_time_it_has_a_moment_in() -> None:
    yesterday = read_period("yesterday", NOW)
    assert yesterday.meets("2026-11-19T10:00:00", "2026-11-20T01:00:00")
    assert yesterday.meets("2026-11-20T23:00:00", "")
    assert not yesterday.meets("2026-11-19T10:00:00", "2026-11-19T11:00:00")
    assert not yesterday.meets("2026-11-21T00:00:00", "")
