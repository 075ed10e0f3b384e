"""Parse periods: today, last week, 14 days, since 2026-11-01, between two dates."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from taxonaut.state.errors import InputError

ALLOWED = "today, yesterday, last week, 14 days, since 2026-11-01, between 2026-05-01 and 2026-05-15, all"

_UNITS = {"hour": 1, "day": 24, "week": 7 * 24, "fortnight": 14 * 24, "month": 30 * 24, "quarter": 91 * 24}
_UNITS |= {"year": 365 * 24}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "few": 3}
_UNIT = rf"(?:{'|'.join(_UNITS)})s?"
_COUNT = rf"(?:\d{{1,4}}|{'|'.join(_NUMBERS)})"
_DATE = r"\d{4}-\d{2}-\d{2}"
_NAME = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:jan|febr)uary|march|april|may|june|july|august"
    r"|(?:septem|octo|novem|decem)ber|easter|christmas|spring|summer|autumn|winter)"
)
_NAMED = rf"(?:(?:the |early |late |last )?(?:\d{{1,2}} )?{_NAME}(?: \d{{1,2}}\b)?)"
IN_TEXT = (
    rf"(?:(?:(?:in|over|during|within|for) )?(?:the )?(?:last|past|this|previous) (?:{_COUNT} )?{_UNIT}"
    rf"|{_COUNT} {_UNIT} ago|(?:since|on|between|from) {_DATE}(?: (?:and|to|until) (?:{_DATE}|today))?"
    rf"|(?:since |so far )?today|(?:since )?yesterday"
    rf"|(?:since|in|last|between|from) {_NAMED}(?: (?:and|to|until) {_NAMED})?|{_DATE})"
)
"""Matches a period in a message, even one that cannot be parsed: the tool then lists what is allowed."""

_FILLING = re.compile(r"^(?:(?:in|over|during|for|of|within|on|so far|the) )+")
_RANGE = re.compile(rf"(?:between|from)?\s*({_DATE}|yesterday) (?:and|to|until) ({_DATE}|today|yesterday)")
_LAST = re.compile(rf"(?:last |past |this |previous )?(?:({_COUNT}) )?({'|'.join(_UNITS)})s?(?: ago)?")


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open interval of UTC times; None is unbounded. `said` describes it."""

    said: str
    start: datetime | None = None
    end: datetime | None = None

    def overlaps(self, started: str, ended: str) -> bool:
        """Return whether a run between two ISO times overlaps the period; an empty `ended` is still running."""
        if self.end is not None and datetime.fromisoformat(started) >= self.end:
            return False
        return self.start is None or not ended or datetime.fromisoformat(ended) >= self.start


def read_period(said: str, now: datetime) -> Period:
    """Parse a period before `now` (UTC, naive); the last 7 days if empty.

    *Last week* and *last month* are the 7 and 30 days up to now. Raises InputError that lists what is allowed.
    """
    words = _FILLING.sub("", " ".join(said.casefold().split()).strip(" .?!")) or "7 days"
    since = words.startswith("since ")
    words = words.removeprefix("since ")
    if words in ("all", "ever", "all time", "always", "the beginning"):
        return Period("all runs")
    if (day := _day(words, now)) is not None:
        end = None if since or words == "today" else day + timedelta(days=1)
        shown = words if words in ("today", "yesterday") else f"{day:%Y-%m-%d}"
        return Period(f"since {shown}" if since and words != "today" else shown, day, end)
    if (found := _RANGE.fullmatch(words)) and not since:
        start, last = _day(found[1], now), _day(found[2], now)
        if start is not None and last is not None and start <= last:
            return Period(f"{start:%Y-%m-%d} to {last:%Y-%m-%d}", start, last + timedelta(days=1))
    if found := _LAST.fullmatch(words):
        count = _NUMBERS.get(found[1] or "one") or int(found[1])
        hours = count * _UNITS[found[2]]
        if count:
            shown = f"{hours // 24} days" if hours > 24 else f"{hours} hours"
            return Period(f"the last {shown}", now - timedelta(hours=hours))
    raise InputError(f"{said!r} is not a period; use one of: {ALLOWED}")


def _day(words: str, now: datetime) -> datetime | None:
    """Return the start of today, yesterday or a date; None for other words."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if words in ("today", "yesterday"):
        return today - timedelta(days=words == "yesterday")
    try:
        return datetime.strptime(words, "%Y-%m-%d")
    except ValueError:
        return None


def utc_now() -> datetime:
    """Return the current time as stored in a workspace: UTC, naive."""
    return datetime.now(UTC).replace(tzinfo=None)
