"""Corrections: what people say about the labels of items, kept in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, as_item
from taxonaut.state.stores.ledger import PEOPLE, Conflict, ItemTruth, Source, Statement
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.labels.label_changes import find_label
from taxonaut.workspace.walk.explanation import latest_walk


@dataclass(frozen=True, slots=True)
class Correction:
    """What a correction says, and what holds of its item before and after it.

    `is_new`: it said something that this person had not said already. `truth` is None where nothing holds any more.
    """

    item: Item
    right: tuple[LabelId, ...]
    wrong: tuple[LabelId, ...]
    complete: bool
    former: ItemTruth | None
    truth: ItemTruth | None
    is_new: bool

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """The labels of the item about which people contradict each other; they are not learned from."""
        return self.truth.conflicts if self.truth is not None else ()


def correct(
    workspace: Core,
    item: str | Item,
    right: str | Sequence[str] = (),
    wrong: str | Sequence[str] = (),
    *,
    person: str,
    complete: bool = False,
    source: Source = "review",
    weight: float = 1.0,
) -> Correction:
    """Keep what a person says about an item; see `Workspace.correct`."""
    if source not in PEOPLE:
        raise InputError(f"the source of a correction is {source!r}; give one of {', '.join(sorted(PEOPLE))}")
    good, bad = _find_labels(workspace, right), _find_labels(workspace, wrong)
    if not (good or bad or complete):
        raise InputError(
            "a correction says nothing: give labels that are right or wrong, or say that no label fits "
            "(complete=True, --only)"
        )
    found = find_item(workspace, item)
    statement = Statement(
        found.id, unit_key(found), good, bad, complete=complete, source=source, person=person, weight=weight
    )
    return _state(workspace, found, statement)


def take_back(workspace: Core, item: str | Item, *, person: str, source: Source = "review") -> Correction:
    """Take back all that a person said about an item; see `Workspace.take_back`."""
    found = find_item(workspace, item)
    statement = Statement(found.id, unit_key(found), source=source, person=person, forget=True)
    done = _state(workspace, found, statement)
    if not done.is_new:
        raise NotFoundError(
            f"{person.strip()!r} said nothing about item {found.id!r}: there is nothing to take back"
        )
    return done


def add_statements(
    workspace: Core,
    rows: Sequence[ItemRow],
    wrong: Sequence[Sequence[LabelId]] = (),
    *,
    source: Source,
    person: str,
    complete: bool,
    weight: float = 1.0,
) -> int:
    """Keep what a file says about items: right labels, and `wrong` ones of each row.

    Returns how many said something new. Rows that name no label say nothing. Raises what `Ledger.state` does.
    """
    bad = wrong or [()] * len(rows)
    given = [(row, labels) for row, labels in zip(rows, bad, strict=True) if row.gold or labels]
    with workspace.database.write():
        workspace.items.put(row.item for row, _ in given)
        return workspace.ledger.state(
            Statement(
                row.item.id,
                unit_key(row.item),
                row.gold,
                labels,
                complete=complete and bool(row.gold),
                source=source,
                person=person,
                weight=weight,
            )
            for row, labels in given
        )


def find_item(workspace: Core, item: str | Item) -> Item:
    """Find an item by its id or its text; one that is given as an `Item` need not be known.

    Raises NotFoundError for an unknown one, InputError for a text that several items have.
    """
    if isinstance(item, Item):
        return item
    if not isinstance(item, str):
        raise InputError(
            f"an item is {item!r} ({type(item).__name__}); give its id, its text, or Item(id, text)"
        )
    known = workspace.items.known([ItemId(item), as_item(item).id])
    if known:
        return known[0]
    same = workspace.items.with_text(item)
    if len(same) > 1:
        shown = ", ".join(repr(each.id) for each in same[:5])
        raise InputError(
            f"{len(same):,} items have the text {item!r}: {shown}; give the id of the one you mean"
        )
    if same:
        return same[0]
    raise NotFoundError(
        f"no item {item!r} in this workspace; give the id or the text of a labelled item, or label it first: "
        "taxonaut classify"
    )


def latest_answer(workspace: Core, item: Item) -> tuple[LabelId, ...]:
    """Return the labels of an item's latest stored answer, best first, by their ids of today; none without one."""
    try:
        run, _ = latest_walk(workspace, item.id)
    except NotFoundError:
        return ()
    kept = workspace.runs.finished(run.id, [unit_key(item)])
    answered = [LabelId(label["label_id"]) for row in kept.values() for label in row["labels"]]
    return tuple(dict.fromkeys(workspace.index.todays(answered).values()))


def _find_labels(workspace: Core, given: str | Sequence[str]) -> list[LabelId]:
    names = [given] if isinstance(given, str) else list(given)
    return [find_label(workspace.index, name) for name in names]


def _state(workspace: Core, item: Item, statement: Statement) -> Correction:
    with workspace.database.write():
        workspace.items.put([item])
        former = workspace.ledger.truths([statement.unit]).get(statement.unit)
        is_new = bool(workspace.ledger.state([statement]))
        truth = workspace.ledger.truths([statement.unit]).get(statement.unit)
    right, wrong = tuple(statement.right), tuple(statement.wrong)
    return Correction(item, right, wrong, statement.complete, former, truth, is_new)
