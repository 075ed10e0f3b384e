"""Times as people say them: today, last week, since March, between 1 March and 15 March, 14 days."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taxonaut.state.errors import InputError

ALLOWED = "today, yesterday, last week, 14 days, in March, since 2026-11-01, between 1 May and 15 May, all"

_SINCE = re.compile(r"(?:since |from )?(\d{4})-(\d{1,2})-(\d{1,2})")
_COUNT = re.compile(
    r"(?:last |past )?(\d{1,4}|an?|one|two|three|four|five|six|seven|ten|few|couple of) "
    r"(hour|day|week|fortnight|month|quarter|year)s?(?: ago)?"
)
_NUMBERS = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "ten": 10,
}
_NUMBERS |= {"few": 3, "couple of": 2}
_HOURS = {
    "hour": 1,
    "day": 24,
    "week": 7 * 24,
    "fortnight": 14 * 24,
    "month": 30 * 24,
    "quarter": 91 * 24,
    "year": 365 * 24,
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(rf"(since )?(?:on )?(?:last |this )?({'|'.join(_DAYS)})")
_OF_MONTH = re.compile(r"since (?:the )?(\d{1,2})(?:st|nd|rd|th)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_CALENDAR = (
    re.compile(r"(?P<year>\d{4})-(?P<number>\d{1,2})-(?P<day>\d{1,2})"),
    re.compile(rf"(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: (?P<year>\d{{4}}))?"),
    re.compile(rf"{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: (?P<year>\d{{4}}))?"),
    re.compile(rf"{_MONTH}(?: (?P<year>\d{{4}}))?"),
)
_RANGE = re.compile(r"(?:between |from )?(.+?) (?:and|to|till|until|up to) (.+)")
_BEGINNING = re.compile(r"since (?:the )?(?:start|beginning) of (?:the |this )?(week|month|year)")
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
    if (day := _day(words, today)) is not None:
        return day
    words = re.sub(r"^since (?=(?:the )?(?:last|this) |.* ago$)", "", words)
    match words:
        case "" | "last week" | "past week" | "this week" | "week":
            return Period("the last 7 days", now - timedelta(days=7))
        case "today" | "so far today" | "since this morning" | "this morning":
            return Period("today", today)
        case "yesterday":
            return Period("yesterday", today - timedelta(days=1), today)
        case "last month" | "past month" | "this month" | "month":
            return Period("the last 30 days", now - timedelta(days=30))
        case "last quarter" | "past quarter" | "this quarter":
            return Period("the last 91 days", now - timedelta(days=91))
        case "last fortnight" | "past fortnight" | "this fortnight":
            return Period("the last 14 days", now - timedelta(days=14))
        case "last year" | "past year" | "this year":
            return Period("the last 365 days", now - timedelta(days=365))
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
    if (days := _dates(words.removeprefix("on "), today)) is not None:
        return days
    if found := _COUNT.fullmatch(words):
        count = _NUMBERS.get(found[1]) or int(found[1])
        unit = found[2]
        if count:
            return Period(
                f"the last {f'{count} {unit}s' if count > 1 else unit}",
                now - timedelta(hours=count * _HOURS[unit]),
            )
    raise InputError(f"{said!r} is no time that can be read; say one of: {ALLOWED}")


def _day(words: str, today: datetime) -> Period | None:
    """Read a weekday, the last one before today, or a day of the month, the last one up to today."""
    if found := _DAY.fullmatch(words):
        back = (today.weekday() - _DAYS.index(found[2]) - 1) % 7 + 1
        start = today - timedelta(days=back)
        if found[1]:
            return Period(f"since {found[2].capitalize()}", start)
        return Period(found[2].capitalize(), start, start + timedelta(days=1))
    if found := _OF_MONTH.fullmatch(words):
        for back in range(62):
            start = today - timedelta(days=back)
            if start.day == int(found[1]):
                return Period(f"since {start:%Y-%m-%d}", start)
    return None


def _dates(words: str, today: datetime) -> Period | None:
    """Read days and months of the calendar: one, since one, or from one to the end of another."""
    if found := _BEGINNING.fullmatch(words):
        monday = today - timedelta(days=today.weekday())
        start = {"week": monday, "month": today.replace(day=1), "year": today.replace(month=1, day=1)}[
            found[1]
        ]
        return Period(f"since {start:%Y-%m-%d}", start)
    if words.startswith("since ") and (span := _span(words.removeprefix("since "), today)) is not None:
        return Period(f"since {span[0]:%Y-%m-%d}", span[0])
    if (span := _span(words, today)) is not None:
        return Period(_said(*span), *span)
    if (found := _RANGE.fullmatch(words)) and (until := _span(found[2], today)) is not None:
        since = _span(found[1], today)
        if since is not None and since[0] > until[0]:
            since = _span(found[1], until[0])
        if since is not None and since[0] < until[1]:
            return Period(_said(since[0], until[1]), since[0], until[1])
    return None


def _span(words: str, today: datetime) -> tuple[datetime, datetime] | None:
    """Return the day or month that words mean, without its end: without a year the last one that has begun."""
    if words in ("today", "now", "yesterday"):
        start = today - timedelta(days=words == "yesterday")
        return start, start + timedelta(days=1)
    if (day := _day(words, today)) is not None:
        return (day.start, day.end) if day.start is not None and day.end is not None else None
    found = next(filter(None, (form.fullmatch(words) for form in _CALENDAR)), None)
    if found is None:
        return None
    said = found.groupdict()
    month = int(said["number"]) if "number" in said else _MONTHS.index(said["month"][:3]) + 1
    years = [int(said["year"])] if said["year"] else [today.year, today.year - 1]
    for year in years:
        try:
            start = datetime(year, month, int(said.get("day") or 1))
        except ValueError:
            continue
        if start <= today:
            following = datetime(year + month // 12, month % 12 + 1, 1)
            return start, start + timedelta(days=1) if said.get("day") else following
    return None


def _said(start: datetime, end: datetime) -> str:
    """Say a time by its first and its last day."""
    last = end - timedelta(days=1)
    return f"{start:%Y-%m-%d}" if last == start else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"


def utc_now() -> datetime:
    """Return the time as the workspace keeps times: UTC, without a zone."""
    from datetime import UTC

    return datetime.now(UTC).replace(tzinfo=None)
