"""Decisions that come back in a table: what `review errors -o` wrote, with its column `decision` filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.text_format import clipped
from taxonaut.workspace.files.gold_forms import match_gold
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.sources import open_source
from taxonaut.workspace.files.table_writers.cells import LISTS
from taxonaut.workspace.files.tables import Row, as_text, as_texts, clean_text, read_table
from taxonaut.workspace.review.review_queue import DecisionKind, QueuedItem, ReviewDecision, ReviewQueue
from taxonaut.workspace.review.suspects import DECISION

WORDS: Mapping[str, DecisionKind] = {
    "keep": "keep", "k": "keep", "ok": "keep", "right": "keep",
    "none": "none", "n": "none", "none of these": "none",
    "undecided": "undecided", "?": "undecided", "cannot tell": "undecided",
    "skip": "skip", "s": "skip",
}  # fmt: skip
"""Words in the column `decision`; anything else is a label."""

FORM = "taxonaut review errors -o TABLE"


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken, and why; `place` is its line."""

    place: str
    item: str
    why: str


@dataclass(frozen=True, slots=True)
class TableDecisions:
    """The decisions of a table by the keys of their items; `blank` rows hold none, `refused` ones cannot be taken."""

    decisions: Mapping[str, ReviewDecision]
    blank: int
    refused: tuple[Refused, ...]


def read_decisions(workspace: Core, queue: ReviewQueue, path: str | Path) -> TableDecisions:
    """Read the decisions of a table and match them to the queue by item id.

    A row is refused whose item is not in the queue, or has another text or other labels there by now, and whose
    decision is no word of `WORDS` and no label of the index. Of two rows on one item the second is refused. Raises
    InputError for a table without the columns `id` and `decision`.
    """
    table = read_table(open_source(path, None), plain=DECISION)
    latest = {item.suspect.item.id: item for item in queue.items()}
    decisions: dict[str, ReviewDecision] = {}
    refused: list[Refused] = []
    blank = 0
    for row in table.rows():
        for column in ("id", DECISION):
            if column not in row.values:
                raise InputError(
                    f"{row.place}: there is no column {column!r}; give a table that was written by: {FORM}"
                )
        name, said = _plain(row, "id"), _plain(row, DECISION)
        if not said:
            blank += 1
            continue
        item = latest.get(name)  # type: ignore[call-overload]
        found = why_stale(row, item) if item is None or item.key not in decisions else "it has an earlier row"
        if not found:
            found = _decide(workspace, item, said, decisions)
        if found:
            refused.append(Refused(row.place, name, found))
    return TableDecisions(decisions, blank, tuple(refused))


def why_stale(row: Row, item: QueuedItem | None) -> str:
    """Return why a row does not fit the queue any more; "" if it does."""
    if item is None:
        return f"the queue has no such item; write the table anew: {FORM}"
    if "text" in row.values and _plain(row, "text") != _spaced(clean_text(item.suspect.item.text)):
        return f"its text is “{clipped(_spaced(item.suspect.item.text), 60)}” by now"
    if "given" in row.values:
        given = {_unguarded(each) for each in as_texts(row.values["given"], row, "given", LISTS.strip())}
        now = {clean_text(label) for label in item.suspect.given}
        if given != now:
            here, there = (", ".join(sorted(each)) or "none" for each in (given, now))
            return f"its labels are {there} by now, and {here} here"
    return ""


def _decide(workspace: Core, item: QueuedItem | None, said: str, decisions: dict[str, ReviewDecision]) -> str:
    """Add a decision; return why it cannot be taken, "" if it was."""
    assert item is not None
    kind = WORDS.get(said.casefold())
    if kind == "keep" and not item.suspect.given:
        return "it has no label to keep"
    if kind is not None:
        decisions[item.key] = ReviewDecision(kind)
        return ""
    try:
        labels = _labels(workspace, item, said)
    except InputError as error:
        return f"the decision {clipped(said, 60)!r} is no label ({error}), nor keep, none, undecided or skip"
    if not labels:
        return f"the label {clipped(said, 60)!r} was retired or split; give one of today"
    same = set(labels) == set(item.suspect.given)
    decisions[item.key] = ReviewDecision("keep") if same else ReviewDecision("label", tuple(labels))
    return ""


def _labels(workspace: Core, item: QueuedItem, said: str) -> Sequence[LabelId]:
    """Return the labels that a cell means: an id, a name or a path. Raises InputError for none."""
    row = ItemRow(item.suspect.item, (LabelId(said),), cell=said, values={"labels": said})
    (found,), _ = match_gold(workspace.index, [row])
    return workspace.index.present(found.gold)


def _plain(row: Row, column: str) -> str:
    return _spaced(_unguarded(as_text(row.values.get(column), row, column)))


def _unguarded(text: str) -> str:
    """Return a cell without the mark that keeps spreadsheets from running it."""
    return text.strip().removeprefix("'") if text.strip()[:2] in ("'=", "'+", "'-", "'@") else text.strip()


def _spaced(text: str) -> str:
    return " ".join(text.split())


def apply_decisions(queue: ReviewQueue, found: TableDecisions) -> int:
    """Answer the items of the queue as a table says; return how many this person had not answered so already."""
    standing = {key: {each.person: each.decision for each in said} for key, said in queue.answers().items()}
    new = [
        (key, decision)
        for key, decision in found.decisions.items()
        if standing.get(key, {}).get(queue.person) != decision and decision.kind != "skip"
    ]
    for key, decision in new:
        queue.answer(key, decision)
    return len(new)
