"""Times as people say them: today, last week, since 2026-11-01, 14 days."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taxonaut.state.errors import InputError

ALLOWED = "today, yesterday, last week, last month, since 2026-11-01, 14 days, all"

_SINCE = re.compile(r"(?:since |from )?(\d{4})-(\d{1,2})-(\d{1,2})")
_COUNT = re.compile(r"(?:last |past )?(\d{1,4}|a|one|two|three) (hour|day|week|month)s?")
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3}
_HOURS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}
_FILLING = re.compile(r"^(?:in|over|during|for|of|within|from) ")


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment up to another, without it; None: from the beginning, up to now. Times are UTC."""

    said: str
    start: datetime | None = None
    end: datetime | None = None

    def meets(self, started: str, ended: str) -> bool:
        """Whether what ran between two ISO times has a moment in it; without an end it is running still."""
        if self.end is not None and datetime.fromisoformat(started) >= self.end:
            return False
        return self.start is None or not ended or datetime.fromisoformat(ended) >= self.start


def read_period(said: str, now: datetime) -> Period:
    """Read a time before `now` (UTC, without a zone); without words, the last 7 days.

    *Last week* and *last month* are the 7 and 30 days up to now. Raises InputError that names what can be said.
    """
    words = _FILLING.sub("", " ".join(said.casefold().split())).removeprefix("the ").strip(" .?!")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match words:
        case "" | "last week" | "past week" | "this week" | "week":
            return Period("the last 7 days", now - timedelta(days=7))
        case "today" | "so far today":
            return Period("today", today)
        case "yesterday":
            return Period("yesterday", today - timedelta(days=1), today)
        case "last month" | "past month" | "this month" | "month":
            return Period("the last 30 days", now - timedelta(days=30))
        case "all" | "ever" | "all time" | "so far" | "always" | "since the beginning" | "altogether":
            return Period("all runs")
        case "since yesterday":
            return Period("since yesterday", today - timedelta(days=1))
    if found := _SINCE.fullmatch(words):
        try:
            start = datetime(*map(int, found.groups()))  # type: ignore[arg-type]
        except ValueError:
            raise InputError(f"{said!r} is no day; say one of: {ALLOWED}") from None
        return Period(f"since {start:%Y-%m-%d}", start)
    if found := _COUNT.fullmatch(words):
        count = _NUMBERS.get(found[1]) or int(found[1])
        unit = found[2]
        if count:
            return Period(
                f"the last {f'{count} {unit}s' if count > 1 else unit}",
                now - timedelta(hours=count * _HOURS[unit]),
            )
    raise InputError(f"{said!r} is no time that can be read; say one of: {ALLOWED}")


def utc_now() -> datetime:
    """Return the time as the workspace keeps times: UTC, without a zone."""
    from datetime import UTC

    return datetime.now(UTC).replace(tzinfo=None)
