"""The ledger: which labels items have, as gold files, people and experts said, and what walks made of these."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Literal, get_args

from taxonaut.state.db.connection import Database, next_ids
from taxonaut.state.errors import InputError
from taxonaut.state.ids import EventId, ItemId, LabelId, NodeId, RunId

Source = Literal["expert", "gold file", "review", "chat"]
"""Where a statement comes from: another expert's answers, a file of labelled items, or a person."""

Verdict = Literal["right", "wrong", "disputed", "withdrawn"]
"""What a statement says of a label. `disputed`: a file says both. `withdrawn`: what the source said is taken back."""

PathMark = Literal["hit", "error", "miss"]
"""A label answered and right, answered and wrong, right and not answered, or a node on the path to one
(XMC-Agent, 2.3)."""

MarkKind = PathMark | Literal["unknown"]
"""A mark of a label, which may be answered without anybody having said whether it is right."""

PEOPLE: frozenset[Source] = frozenset({"review", "chat"})
_RANKS: Mapping[Source, int] = {"expert": 0, "gold file": 1, "review": 2, "chat": 2}

WHOLE_ITEM = LabelId("")
"""The label of a row that is about the item as a whole: no label fits it, or all that was said is withdrawn."""

_TRUTHS = ("item", "unit", "label", "verdict", "complete", "source", "person", "weight", "statement")
_MARKS = ("item", "unit", "label", "node", "mark", "place", "opened", "run", "index_version", "models")

_RANKED = f"""
SELECT *, rowid AS row,
       CASE source {" ".join(f"WHEN '{name}' THEN {rank}" for name, rank in _RANKS.items())} END AS rank,
       CASE WHEN source = 'gold file' THEN '' ELSE person END AS party
FROM truths WHERE $1 IS NULL OR unit IN (SELECT unnest($1::VARCHAR[]))
"""
_HELD = f"""
WITH ranked AS ({_RANKED}),
since AS (
    SELECT *, max(CASE WHEN complete THEN statement ELSE 0 END) OVER (PARTITION BY rank, party, unit) AS first
    FROM ranked
)
SELECT item, unit, label, verdict, first > 0, source, person, weight, statement, made FROM since
WHERE statement >= first
QUALIFY row_number() OVER (PARTITION BY rank, party, unit, label ORDER BY statement DESC, row DESC) = 1
ORDER BY row
"""
"""The latest a source said about each label; what it said before its latest complete list of labels is void."""

_CONFUSED = """
WITH walks AS (
    SELECT unit, label, mark FROM marks WHERE label IS NOT NULL
    QUALIFY run = max(run) OVER (PARTITION BY unit)
)
SELECT other.label, count(*) FILTER (mine.mark = 'miss'), count(*) FILTER (mine.mark = 'error')
FROM walks AS mine JOIN walks AS other ON other.unit = mine.unit AND other.label <> mine.label
WHERE mine.label = $1
    AND ((mine.mark = 'miss' AND other.mark = 'error') OR (mine.mark = 'error' AND other.mark = 'miss'))
GROUP BY other.label ORDER BY count(*) DESC, other.label LIMIT $2
"""

_ITEMS_RIGHT = f"""
SELECT item FROM ({_HELD}) WHERE verdict = 'right' AND label = $2 ORDER BY statement DESC LIMIT $3
"""

_COUNT = f"""
SELECT count(DISTINCT (unit, label)) FROM ({_HELD})
WHERE verdict = 'right' AND label IN (SELECT unnest($2::VARCHAR[]))
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says about one item at once.

    `unit` names the item with its text (`unit_key`): of another text under the same id nothing is said. `complete`:
    the right labels are all that the item has; without any, no label fits it. `person` names a person, an expert, or
    a gold file that is given to learn from, "" for one that was evaluated. `forget`: all that this source said about
    the item is taken back. `weight`: how much it counts in learning.
    """

    item: ItemId
    unit: str
    right: Sequence[LabelId] = ()
    wrong: Sequence[LabelId] = ()
    disputed: Sequence[LabelId] = ()
    withdrawn: Sequence[LabelId] = ()
    complete: bool = False
    source: Source = "gold file"
    person: str = ""
    weight: float = 1.0
    forget: bool = False

    def verdicts(self) -> dict[LabelId, Verdict]:
        """Return the verdict on each label. Raises InputError for two on one."""
        found: dict[LabelId, Verdict] = {}
        for verdict in get_args(Verdict):
            for label in dict.fromkeys(getattr(self, verdict)):
                if label in found:
                    raise InputError(
                        f"label {label!r} of item {self.item!r} is said to be {found[label]} and {verdict}; "
                        "give one of the two"
                    )
                found[label] = verdict
        return found


@dataclass(frozen=True, slots=True)
class Truth:
    """A stored statement about one label of an item. `made` is UTC, ISO 8601; `statement` orders them."""

    item: ItemId
    unit: str
    label: LabelId
    verdict: Verdict
    complete: bool
    source: Source
    person: str
    weight: float
    statement: int
    made: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """What people, or rows of a file, say against each other about one label of an item; the latest of each."""

    item: ItemId
    unit: str
    label: LabelId
    statements: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class ItemTruth:
    """What holds of one item: a person's word before a gold file's, and that before an expert's, of each the latest.

    `labels` has the statement that holds about each label, by the label's id of today. `complete`: every label that
    is not among them is wrong. Labels in `conflicts` are neither right nor wrong.
    """

    item: ItemId
    unit: str
    labels: Mapping[LabelId, Truth]
    complete: bool
    conflicts: tuple[Conflict, ...] = ()

    @property
    def right(self) -> tuple[LabelId, ...]:
        """The labels that are right, in the order in which they were stated."""
        return tuple(label for label, truth in self.labels.items() if truth.verdict == "right")

    @property
    def only_evaluated(self) -> bool:
        """Whether all is known from gold files that were evaluated, and not given to learn from."""
        return all(each.source == "gold file" and not each.person for each in self.labels.values())

    @property
    def wrong(self) -> tuple[LabelId, ...]:
        """The labels that were said to be wrong."""
        return tuple(label for label, truth in self.labels.items() if truth.verdict == "wrong")

    def is_right(self, label: LabelId) -> bool | None:
        """Return whether a label is right; None where nothing is known, or people contradict each other."""
        if label in self.labels:
            return self.labels[label].verdict == "right"
        if any(each.label == label for each in self.conflicts):
            return None
        return False if self.complete else None


@dataclass(frozen=True, slots=True)
class Mark:
    """What a walk made of a label, or of a node on the path to one. Only a label is ever `unknown`.

    `place`: the label's place in the answer, from 1, None if it was not answered. `opened`: whether the walk opened
    the node. `index_version` and `models` are those of the walk.
    """

    item: ItemId
    unit: str
    label: LabelId | None
    node: NodeId | None
    mark: MarkKind
    place: int | None
    opened: bool | None
    run: RunId
    index_version: EventId
    models: str


Today = Callable[[Iterable[LabelId]], Mapping[LabelId, LabelId]]
"""Returns the id of today for each label that is still answered as one label (`IndexReader.todays`)."""


def _as_stated(labels: Iterable[LabelId]) -> dict[LabelId, LabelId]:
    return {label: label for label in labels}


class Ledger:
    """The truths and marks of a workspace. Statements are only added; `today` follows labels that were changed."""

    def __init__(self, database: Database, today: Today = _as_stated) -> None:
        self._database = database
        self._today = today

    def state(self, statements: Iterable[Statement]) -> int:
        """Store statements, in order; return how many said something new.

        One that repeats what its source already says is not stored again. Raises InputError for a statement of a
        person or an expert without a name, an invalid weight, and two verdicts on one label.
        """
        given = [(each, check_statement(each)) for each in statements]
        if not given:
            return 0
        with self._database.write() as connection:
            said = self._said(list(dict.fromkeys(each.unit for each, _ in given)))
            new: list[tuple[Statement, dict[LabelId, Verdict]]] = []
            for each, verdicts in given:
                key = (
                    _RANKS[each.source],
                    "" if each.source == "gold file" else each.person.strip(),
                    each.unit,
                )
                former = said.get(key, _Said())
                now = former.after(each, verdicts)
                if now != former:
                    said[key] = now
                    new.append((each, verdicts))
            if not new:
                return 0
            first = next_ids(connection, "statement", len(new))
            rows = [
                (
                    each.item,
                    each.unit,
                    label,
                    verdict,
                    each.complete or each.forget,
                    each.source,
                    each.person.strip(),
                    float(each.weight),
                    first + place,
                )
                for place, (each, verdicts) in enumerate(new)
                for label, verdict in (verdicts or _about_the_whole(each)).items()
            ]
            self._database.append("truths", _TRUTHS, rows)
        return len(new)

    def truths(self, units: Sequence[str] | None = None) -> dict[str, ItemTruth]:
        """Return what holds of each item, by unit key, oldest first; optionally of some units."""
        return self._settle(self._held(units), lambda unit: unit)

    def truths_of(self, groups: Mapping[str, str]) -> dict[str, ItemTruth]:
        """Return what holds of groups of items that are one thing, such as equal texts; `groups` by unit key.

        Gold labels that differ between two items of a group contradict each other.
        """
        return self._settle(self._held(list(groups)), lambda unit: groups[unit])

    def _settle(self, held: Iterable[Truth], group: Callable[[str], str]) -> dict[str, ItemTruth]:
        grouped: dict[str, list[Truth]] = defaultdict(list)
        for each in held:
            grouped[group(each.unit)].append(each)
        today = self._today({each.label for rows in grouped.values() for each in rows} - {WHOLE_ITEM})
        found = {key: settle_truth(rows, today) for key, rows in grouped.items()}
        return {key: truth for key, truth in found.items() if truth is not None}

    def history(self, item: ItemId) -> list[Truth]:
        """Return all that was ever said about an item, oldest first."""
        sql = f"SELECT {', '.join(_TRUTHS)}, made FROM truths WHERE item = $1 ORDER BY rowid"
        return [_truth(row) for row in self._database.rows(sql, [item])]

    def items_with(self, label: LabelId, most: int) -> list[ItemId]:
        """Return items for which a label was said to be right, the latest first."""
        rows = self._database.rows(_ITEMS_RIGHT, [None, label, most])
        return [ItemId(item) for item in dict.fromkeys(row[0] for row in rows)]

    def confusions(self, label: LabelId, most: int) -> list[tuple[LabelId, int, int]]:
        """Return what a label is confused with in the latest walk of each item, most often first.

        Each with the number of items that lack this label and got the other instead, and that of the reverse.
        """
        rows = self._database.rows(_CONFUSED, [label, most])
        return [(LabelId(other), int(instead), int(for_it)) for other, instead, for_it in rows]

    def count(self, labels: Sequence[LabelId]) -> int:
        """Count for how many items some labels were said to be right, by the ids under which that was said."""
        return int(self._database.rows(_COUNT, [None, list(labels)])[0][0]) if labels else 0

    def __len__(self) -> int:
        """Count the items about which something was said."""
        return int(self._database.rows("SELECT count(DISTINCT unit) FROM truths")[0][0])

    def mark(self, run: RunId, units: Sequence[str], marks: Sequence[Mark]) -> None:
        """Store the marks of some items' walks in a run; they take the place of earlier ones."""
        if not units:
            return
        with self._database.write() as connection:
            sql = "DELETE FROM marks WHERE run = $1 AND unit IN (SELECT unnest($2::VARCHAR[]))"
            connection.execute(sql, [run, list(units)])
            self._database.append("marks", _MARKS, map(astuple, marks))

    def marks(self, run: RunId | None = None, units: Sequence[str] | None = None) -> list[Mark]:
        """Return marks in the order of their walks; optionally of one run, and of some items by unit key.

        Labels have the ids under which the walk answered them or the item had them when it was marked.
        """
        sql = f"""
        SELECT {", ".join(_MARKS)} FROM marks
        WHERE ($1 IS NULL OR run = $1) AND ($2 IS NULL OR unit IN (SELECT unnest($2::VARCHAR[]))) ORDER BY rowid
        """
        return [Mark(*row) for row in self._database.rows(sql, [run, None if units is None else list(units)])]

    def _held(self, units: Sequence[str] | None) -> list[Truth]:
        return [_truth(row) for row in self._database.rows(_HELD, [None if units is None else list(units)])]

    def _said(self, units: Sequence[str]) -> "dict[tuple[int, str, str], _Said]":
        """Return what each source says of each unit."""
        found: dict[tuple[int, str, str], list[Truth]] = defaultdict(list)
        for each in self._held(units):
            found[_party(each)].append(each)
        return {key: _Said.of(rows) for key, rows in found.items()}


@dataclass(frozen=True, slots=True)
class _Said:
    """What one source says about one item: a verdict and its weight for each label; `complete` as in a statement.

    `named`: by a gold file that is given to learn from.
    """

    labels: Mapping[LabelId, tuple[Verdict, float]] = field(default_factory=dict)
    complete: bool = False
    named: bool = False

    @classmethod
    def of(cls, rows: Sequence[Truth]) -> "_Said":
        """Read what a source's held rows say."""
        whole = any(each.label == WHOLE_ITEM and each.verdict == "withdrawn" for each in rows)
        labels = {each.label: (each.verdict, each.weight) for each in rows}
        return cls(
            {label: said for label, said in labels.items() if label != WHOLE_ITEM and said[0] != "withdrawn"},
            rows[0].complete and not whole,
            any(each.source == "gold file" and each.person != "" for each in rows),
        )

    def after(self, statement: Statement, verdicts: Mapping[LabelId, Verdict]) -> "_Said":
        """Return what the source says after one more statement."""
        if statement.forget:
            return _Said(named=self.named)
        known = {} if statement.complete else dict(self.labels)
        for label, verdict in verdicts.items():
            known.pop(label, None)
            if verdict != "withdrawn":
                known[label] = (verdict, float(statement.weight))
        complete = self.complete or statement.complete
        same = (known, complete) == (self.labels, self.complete)
        named = statement.source == "gold file" and statement.person != ""
        return _Said(known, complete, named or (same and self.named))


def check_statement(statement: Statement) -> dict[LabelId, Verdict]:
    """Return the verdicts of a statement. Raises InputError for what cannot be stored."""
    if statement.source != "gold file" and not statement.person.strip():
        what = "a correction" if statement.source in PEOPLE else "an expert's answer"
        raise InputError(
            f"{what} of item {statement.item!r} was given by nobody: person={statement.person!r}; give a name, "
            "so that two that contradict each other can be told apart"
        )
    if not (math.isfinite(statement.weight) and statement.weight > 0):
        raise InputError(
            f"item {statement.item!r} has the weight {statement.weight!r}; give a number above 0, 1 is usual"
        )
    return statement.verdicts()


def settle_truth(rows: Sequence[Truth], today: Mapping[LabelId, LabelId]) -> ItemTruth | None:
    """Return what holds of one item from the latest statements of its sources; None if all is withdrawn.

    `today` has the present id of each label; a label without one is left out, and then its source's list is not
    taken as complete, for a successor may be right.
    """
    parties: dict[tuple[int, str, str], list[Truth]] = defaultdict(list)
    for each in rows:
        parties[_party(each)].append(each)
    ranked: dict[int, list[_Voice]] = defaultdict(list)
    for key, said in parties.items():
        ranked[key[0]].append(_voice(said, today))
    named = dict.fromkeys(label for voices in ranked.values() for voice in voices for label in voice.labels)
    labels: dict[LabelId, Truth] = {}
    conflicts: list[Conflict] = []
    for label in named:
        for rank in sorted(ranked, reverse=True):
            votes = [vote for voice in ranked[rank] if (vote := voice.vote(label)) is not None]
            if not votes:
                continue
            if len({vote.verdict for vote in votes}) > 1 or votes[0].verdict == "disputed":
                conflicts.append(Conflict(rows[0].item, rows[0].unit, label, tuple(votes)))
            else:
                labels[label] = max(votes, key=lambda vote: vote.weight)
            break
    complete = any(voice.complete is not None for voices in ranked.values() for voice in voices)
    if not (labels or conflicts or complete):
        return None
    return ItemTruth(rows[0].item, rows[0].unit, labels, complete, tuple(conflicts))


@dataclass(frozen=True, slots=True)
class _Voice:
    """What one source says about one item, by today's labels; `complete` is any row of a complete list of labels."""

    labels: Mapping[LabelId, Truth]
    complete: Truth | None

    def vote(self, label: LabelId) -> Truth | None:
        """Return what the source says of a label; one that its complete list lacks is wrong."""
        said = self.labels.get(label)
        if said is None and self.complete is not None:
            own = self.complete
            return Truth(
                own.item,
                own.unit,
                label,
                "wrong",
                True,
                own.source,
                own.person,
                own.weight,
                own.statement,
                own.made,
            )
        return said


def _voice(rows: Sequence[Truth], today: Mapping[LabelId, LabelId]) -> _Voice:
    labels: dict[LabelId, Truth] = {}
    lost = withdrawn = False
    for each in rows:
        if each.label == WHOLE_ITEM:
            withdrawn = withdrawn or each.verdict == "withdrawn"
        elif each.verdict != "withdrawn":
            now = today.get(each.label)
            lost = lost or (now is None and each.verdict != "wrong")
            former = labels.get(now) if now is not None else None
            if now is not None and (former is None or _later(each, former)):
                labels[now] = each
    return _Voice(labels, rows[0] if rows[0].complete and not (withdrawn or lost) else None)


def _later(one: Truth, other: Truth) -> bool:
    """Whether a statement counts instead of another of its source, on labels that became one."""
    return (one.statement, one.verdict == "right") > (other.statement, other.verdict == "right")


def _party(truth: Truth) -> tuple[int, str, str]:
    return _RANKS[truth.source], "" if truth.source == "gold file" else truth.person, truth.unit


def _about_the_whole(statement: Statement) -> dict[LabelId, Verdict]:
    return {WHOLE_ITEM: "withdrawn" if statement.forget else "wrong"}


def _truth(row: Sequence[Any]) -> Truth:
    item, unit, label, verdict, complete, source, person, weight, statement, made = row
    at = made.isoformat(timespec="seconds")
    return Truth(item, unit, label, verdict, complete, source, person, weight, statement, at)
