"""Items with labels that are known to be right: what gold files say is kept, and read with what people said since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from taxonaut.state.ids import LabelId
from taxonaut.state.records import Item
from taxonaut.state.stores.ledger import ItemTruth, Statement
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow


def store_gold(workspace: Core, rows: Iterable[ItemRow], file: str = "", weight: float = 1.0) -> int:
    """Store items with gold labels: each row's are all labels of its item. Return how many said something new.

    `file` names the gold file; without a name it was evaluated, and not given to learn from.
    Labels that only some rows of one item have are disputed: they count neither as right nor as wrong.
    """
    texts: dict[str, Item] = {}
    given: dict[str, list[Sequence[LabelId]]] = defaultdict(list)
    for row in rows:
        if row.gold:
            unit = unit_key(row.item)
            texts[unit] = row.item
            given[unit].append(row.gold)
    with workspace.database.write():
        workspace.items.put(texts.values())
        return workspace.ledger.state(
            _gold_statement(texts[unit], unit, sets, file, weight) for unit, sets in given.items()
        )


def _gold_statement(
    item: Item, unit: str, sets: Sequence[Sequence[LabelId]], file: str, weight: float
) -> Statement:
    every = dict.fromkeys(label for labels in sets for label in labels)
    right = [label for label in every if all(label in labels for labels in sets)]
    disputed = [label for label in every if label not in right]
    return Statement(item.id, unit, right=right, disputed=disputed, complete=True, person=file, weight=weight)


def known_truths(workspace: Core, items: Iterable[Item] | None = None) -> list[tuple[Item, ItemTruth]]:
    """Return the items, optionally some of `items`, about which the ledger has something that holds.

    Items whose text has changed since are left out.
    """
    truths = workspace.ledger.truths(None if items is None else list(dict.fromkeys(map(unit_key, items))))
    return with_texts(workspace, truths)


def with_texts(workspace: Core, truths: Mapping[str, ItemTruth]) -> list[tuple[Item, ItemTruth]]:
    """Return truths with their items, without those whose text is not stored, or has changed since."""
    known = workspace.items.known(list(dict.fromkeys(each.item for each in truths.values())))
    return [(item, truths[unit]) for item in known if (unit := unit_key(item)) in truths]


def labelled_rows(workspace: Core, items: Iterable[Item] | None = None) -> list[ItemRow]:
    """Return the items, optionally some of `items`, with labels that are known to be right and that the index has."""
    return [ItemRow(item, truth.right) for item, truth in known_truths(workspace, items) if truth.right]
