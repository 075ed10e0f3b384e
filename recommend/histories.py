"""Users' histories: events of a user, an item and a time, from tables as people have them, in order."""

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from taxonaut.recommend.interactions import Interactions, Query
from taxonaut.state.errors import InputError
from taxonaut.workspace.files.sources import Source, open_source, plain_suffix
from taxonaut.workspace.files.tables import Row, as_text, as_texts, missing_column, read_table
from taxonaut.workspace.vocabulary.item_tables import READ_AS_MISSING

UnknownItems = Literal["drop", "keep", "refuse"]
UNKNOWN_ITEMS: tuple[UnknownItems, ...] = get_args(UnknownItems)
"""What becomes of events with items that the vocabulary does not have."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "userid", "customer", "customerid", "reviewerid", "visitorid", "session", "sessionid", "uid"),
    "item": (
        "item", "itemid", "product", "productid", "articleid", "movieid", "asin", "parentasin", "sku",
        "history", "items", "itemidlist",
    ),
    "time": ("time", "timestamp", "date", "datetime", "unixreviewtime", "createdat", "tdat"),
}  # fmt: skip
"""Usual names of the columns, in lower case and without signs; the first that a file has is read."""

RECBOLE_SUFFIX = ".inter"
SEQUENCE_COLUMN = "item_id_list"
"""RecBole's name of a column with several items, divided by spaces."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """The columns of a file of events; "" for the usual names (`USUAL`)."""

    user: str = ""
    item: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An item that a user had, and when: in seconds since 1970, or the event's place in a file without times."""

    item: str
    time: float


@dataclass(frozen=True)
class Histories:
    """The events of each user, oldest first, and what was found while they were read.

    `rows` events were read. `unknown` are items that are not known, each with its number of events; `dropped` says
    whether these were left out. `duplicates` events were the same as an earlier one, time included, and left out.
    `timed` is False where the file has no times, and its order counts.
    """

    users: Mapping[str, tuple[Event, ...]]
    rows: int
    unknown: Mapping[str, int] = field(default_factory=dict)
    dropped: bool = False
    duplicates: int = 0
    timed: bool = True

    @property
    def events(self) -> int:
        """The number of events that are left."""
        return sum(map(len, self.users.values()))

    def notes(self) -> list[str]:
        """Say what was left out or is unusual, a sentence a line."""
        found = []
        if self.unknown:
            listed = ", ".join(map(repr, list(self.unknown)[:_SHOWN]))
            more = ", …" if len(self.unknown) > _SHOWN else ""
            done = "left out" if self.dropped else "kept"
            found.append(
                f"{sum(self.unknown.values()):,} of {self.rows:,} events name unknown items "
                f"({len(self.unknown):,} different: {listed}{more}); they are {done}"
            )
        if self.duplicates:
            found.append(
                f"events that say the same as another, time included, are left out: {self.duplicates:,}"
            )
        if not self.timed:
            found.append(
                "the file has no times: its order counts, and an event's time is its place in the file"
            )
        return found


def read_histories(
    file: str | Path,
    known: Collection[str] | None = None,
    columns: HistoryColumns | None = None,
    *,
    unknown: UnknownItems = "drop",
    format: str | None = None,
    encoding: str = "utf-8",
) -> Histories:
    """Read events from CSV, TSV, Excel, JSON lines, Parquet or RecBole's `.inter`: a user, an item, a time.

    An item's cell may be a list, the user's history from old to new (its time, a list as long, or none). Times are
    numbers or ISO dates; dates without a zone are UTC. Events with one time stay in the order of the file. `known`
    are the items that there are, None for any.

    Raises:
        InputError: A column or a value is missing, a time is none, no event is left, or `unknown` is `refuse` and
            some item is not known.
    """
    if unknown not in UNKNOWN_ITEMS:
        raise InputError(
            f"unknown items: {unknown!r} is no choice; it can be one of {', '.join(UNKNOWN_ITEMS)}"
        )
    source = _open(file, format, encoding)
    users: dict[str, list[Event]] = {}
    seen: set[tuple[str, str, float]] = set()
    rows = duplicates = 0
    strange: Counter[str] = Counter()
    timed: bool | None = None
    for user, item, time in _events(source, columns or HistoryColumns()):
        rows += 1
        timed = time is not None if timed is None else timed
        if known is not None and item not in known:
            strange[item] += 1
            if unknown == "drop":
                continue
        if time is not None:
            if (user, item, time) in seen:
                duplicates += 1
                continue
            seen.add((user, item, time))
        users.setdefault(user, []).append(Event(item, float(rows) if time is None else time))
    if strange and unknown == "refuse":
        listed = ", ".join(map(repr, list(strange)[:_SHOWN]))
        raise InputError(
            f"{source.name}: {strange.total():,} of {rows:,} events name unknown items ({len(strange):,} different, "
            f"such as {listed}); assign them first (taxonaut vocabulary assign ITEMS), or choose drop or keep"
        )
    if not users:
        ids = ", ".join(map(repr, list(known or ())[:3]))
        names = ", ".join(map(repr, list(strange)[:3]))
        raise InputError(
            f"{source.name}: none of {rows:,} events names a known item; known are items such as {ids}, the events "
            f"name such as {names}; name the column with the items' ids with --item-column"
            if strange
            else f"{source.name} has no events"
        )
    ordered = {user: tuple(sorted(events, key=lambda event: event.time)) for user, events in users.items()}
    return Histories(ordered, rows, dict(strange), unknown == "drop", duplicates, bool(timed))


def _open(file: str | Path, format: str | None, encoding: str) -> Source:
    if format is None and plain_suffix(Path(file)) == RECBOLE_SUFFIX:
        format = "tsv"
    return open_source(file, format, encoding)


def _events(source: Source, columns: HistoryColumns) -> Iterator[tuple[str, str, float | None]]:
    """Give user, item and time of each event; the time is None where the file has no such column."""
    names: tuple[str, str, str] | None = None
    for row in read_table(source, "item").rows():
        if names is None:
            names = _find_columns(row, columns)
        user_column, item_column, time_column = names
        user = _cell(row, user_column)
        items = _list_of_items(row.values.get(item_column), row, item_column)
        if not isinstance(items, (list, tuple)):
            time = _time(row.values.get(time_column), row, time_column) if time_column else None
            yield user, _cell(row, item_column), time
            continue
        times = row.values.get(time_column) if time_column else None
        if isinstance(times, (list, tuple)) and len(times) != len(items):
            raise InputError(
                f"{row.place}: {len(items)} items and {len(times)} times; give a time for each item"
            )
        for place, item in enumerate(items):
            own = _time(times[place], row, time_column) if isinstance(times, (list, tuple)) else None
            if not (text := as_text(item, row, item_column).strip()):
                raise InputError(f"{row.place}: item {place + 1} of {item_column!r} is empty; leave it out")
            yield user, text, own


def _list_of_items(cell: object, row: Row, column: str) -> object:
    """Return the items of a cell that is a list: a JSON list in text, or RecBole's sequence; else the cell."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        return as_texts(cell, row, column, "\0")
    return cell.split() if isinstance(cell, str) and column.partition(":")[0] == SEQUENCE_COLUMN else cell


def _find_columns(row: Row, columns: HistoryColumns) -> tuple[str, str, str]:
    """Return the names of the columns as the file has them; "" for a time that it does not have."""
    plain: dict[str, str] = {}
    bare: dict[str, str] = {}
    for name in row.values:
        bare.setdefault(name.partition(":")[0], name)
        plain.setdefault(re.sub(r"[\W_]", "", name.partition(":")[0]).casefold(), name)
    found = []
    for what in ("user", "item", "time"):
        wanted = getattr(columns, what)
        name = wanted if wanted in row.values else bare.get(wanted, "")
        if not wanted:
            name = next((plain[usual] for usual in USUAL[what] if usual in plain), "")
        if not name and (wanted or what != "time"):
            raise missing_column(row.place, wanted or what, f"--{what}-column", list(row.values))
        found.append(name)
    return found[0], found[1], found[2]


def _cell(row: Row, column: str) -> str:
    text = as_text(row.values.get(column), row, column).strip()
    if not text:
        raise InputError(f"{row.place}: {column!r} is empty; every event needs a user and an item")
    return text


def _time(value: object, row: Row, column: str) -> float:
    """Return a time in seconds. Raises InputError for what is none."""
    found = math.nan
    if isinstance(value, datetime):
        found = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    elif isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                pass
            else:
                found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(found):
        raise InputError(
            f"{row.place}: {column!r} is {value!r}, not a time; give a number or an ISO date, such as "
            "2026-11-30T12:00:00"
        )
    return found


def write_inter(histories: Histories, raw: BinaryIO) -> int:
    """Write RecBole's atomic interaction file; return how many events have an id that it reads as missing.

    Columns: `user_id:token`, `item_id:token`, `timestamp:float`, a line an event, users in the order of the file.
    """
    text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
    minimal = csv.writer(text, delimiter="\t", lineterminator="\n")
    whole = csv.writer(text, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
    minimal.writerow(["user_id:token", "item_id:token", "timestamp:float"])
    lost = 0
    for user, events in histories.users.items():
        for event in events:
            writer = whole if "\r" in user + event.item else minimal
            time = int(event.time) if event.time.is_integer() else event.time
            writer.writerow([user, event.item, time])
            lost += not READ_AS_MISSING.isdisjoint((user, event.item))
    text.detach()
    return lost


def write_sequences(histories: Histories, raw: BinaryIO) -> None:
    """Write a JSON object a user: `{"user": …, "history": [item, …]}`, oldest first."""
    for user, events in histories.users.items():
        row = {"user": user, "history": [event.item for event in events]}
        raw.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def split_histories(histories: Histories, items: Iterable[str]) -> Interactions:
    """Hold out each user's last item for `test` and the one before for `valid` (leave one out).

    A user with two items has no valid line, one with a single item no test line either. `items` are all items that
    are ranked. Raises InputError for events of other items, and where nothing is left to choose or measure with.
    """
    all_items = tuple(items)
    rows = {item: row for row, item in enumerate(all_items)}
    train: dict[str, tuple[int, ...]] = {}
    valid, test = [], []
    for user, events in histories.users.items():
        strange = next((event.item for event in events if event.item not in rows), None)
        if strange is not None:
            raise InputError(
                f"user {user!r} had {strange!r}, which is not among the items; leave unknown items out (drop)"
            )
        had: Sequence[int] = [rows[event.item] for event in events]
        if len(had) >= 2:
            test.append(Query(user, tuple(had[:-1]), had[-1]))
        if len(had) >= 3:
            valid.append(Query(user, tuple(had[:-2]), had[-2]))
        train[user] = tuple(had[:-2] or had[:1])
    if not valid:
        raise InputError(
            f"no user of {len(histories.users):,} has three events: the last is for measuring, the one before for "
            "choosing, the rest for training; give longer histories"
        )
    return Interactions(all_items, train, tuple(valid), tuple(test))
