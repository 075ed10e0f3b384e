"""The in-memory cache of the index: shape, nodes and labels, with invalidation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from taxonaut.state.db.connection import Database, fetch_by_number
from taxonaut.state.db.json_codec import unpack
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.label_words import LabelWords
from taxonaut.state.index.shape import Shape
from taxonaut.state.label_mappings import MAPPING_COLUMNS, RENAMED, LabelMapping, describe_mapping
from taxonaut.state.records import Label, Node

_MOST_KEPT = 32_768

LABEL_COLUMNS = "number, id, name, description, batch, alternatives, notation"
"""The columns of a label's row, as `label_from_row` reads them."""


def label_from_row(row: Sequence[Any]) -> Label:
    """Return the label of a row of `LABEL_COLUMNS`. A row of an earlier version's event lacks the last columns."""
    _, id_, name, description, batch, alternatives, notation, *_ = (*row, "", "")
    return Label(LabelId(id_), name, description, batch, unpack(alternatives), notation)


class LabelBook:
    """All label ids in memory; texts are read on demand and cached up to a limit."""

    def __init__(self, database: Database, words: LabelWords) -> None:
        self._database = database
        self._words = words
        rows = database.rows("SELECT number, id FROM labels ORDER BY number")
        self.numbers: dict[LabelId, int] = {LabelId(id_): number for number, id_ in rows}
        """The import number of each label, in import order."""
        self._ids: list[LabelId] = [LabelId("")] * (rows[-1][0] + 1 if rows else 0)
        for number, id_ in rows:
            self._ids[number] = LabelId(id_)
        self._kept: dict[int, Label] = {}
        self._mappings: dict[LabelId, LabelMapping] | None = None

    @property
    def mappings(self) -> dict[LabelId, LabelMapping]:
        """Where each id went that is not answered any more, in order of time."""
        if self._mappings is None:
            rows = self._database.rows(
                f"SELECT {', '.join(MAPPING_COLUMNS)} FROM label_mappings ORDER BY made, rowid"
            )
            self._mappings = {
                LabelId(old): LabelMapping.of_row([old, unpack(new), *rest]) for old, new, *rest in rows
            }
        return self._mappings

    def forget_mappings(self) -> None:
        """Drop the mappings, after they were changed."""
        self._mappings = None

    def live(self) -> list[LabelId]:
        """Return the ids of the labels that are not retired, in import order."""
        mappings = self.mappings
        return [id_ for id_ in self.numbers if id_ not in mappings] if mappings else list(self.numbers)

    def is_live(self, label: LabelId) -> bool:
        """Return whether there is a label with this id that is not retired."""
        return label in self.numbers and label not in self.mappings

    def check_live(self, labels: Iterable[LabelId]) -> None:
        """Raise InputError for the first label that is retired."""
        mappings = self.mappings
        retired = next((label for label in labels if label in mappings), None) if mappings else None
        if retired is not None:
            raise InputError(
                f"label {retired!r} {describe_mapping(mappings[retired])}; restore it first: "
                f"taxonaut labels restore {retired}"
            )

    def knows(self, label: LabelId) -> bool:
        """Return whether an id is or was a label's."""
        return label in self.numbers or label in self.mappings

    def find(self, label: LabelId) -> int | None:
        """Return the import number of a label by its present or a former id, None for an unknown one."""
        while label not in self.numbers:
            mapping = self.mappings.get(label)
            if mapping is None or mapping.kind != RENAMED:
                return None
            label = mapping.new[0]
        return self.numbers[label]

    def extend(self, labels: Iterable[tuple[int, LabelId]]) -> None:
        """Add new labels, with numbers above all others."""
        for number, id_ in labels:
            self._ids.extend([LabelId("")] * (number + 1 - len(self._ids)))
            self._ids[number] = LabelId(id_)
            self.numbers[LabelId(id_)] = number
            self._words.touch([number])

    def forget(self, numbers: Iterable[int]) -> None:
        """Drop the cached texts of labels that were changed."""
        for number in numbers:
            self._kept.pop(number, None)
            self._words.touch([number])

    @property
    def last(self) -> int:
        """The highest import number, 0 without labels."""
        return max(0, len(self._ids) - 1)

    def back_to(self, last: int) -> None:
        """Drop the labels above a number, after a rollback, and all cached texts."""
        for id_ in self._ids[last + 1 :]:
            self.numbers.pop(id_, None)
        del self._ids[last + 1 :]
        self._kept.clear()
        self._mappings = None
        self._words.touch_again()

    def number(self, label: LabelId) -> int:
        """Return a label's import number. Raises NotFoundError for an unknown id."""
        number = self.numbers.get(label)
        if number is None:
            if label in self.mappings:
                raise NotFoundError(f"the id {label!r} {describe_mapping(self.mappings[label])}; use that")
            raise NotFoundError(f"no label {label!r} in the index; `taxonaut labels list` lists the labels")
        return number

    def ids(self, numbers: Iterable[int]) -> list[LabelId]:
        """Return the ids of import numbers."""
        return [self._ids[number] for number in numbers]

    def get(self, numbers: Sequence[int]) -> list[Label]:
        """Return the labels of import numbers, in that order."""
        missing = [number for number in dict.fromkeys(numbers) if number not in self._kept]
        if not missing:
            return [self._kept[number] for number in numbers]
        fresh = self._fetch(missing)
        fresh.update((number, self._kept[number]) for number in numbers if number in self._kept)
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        if len(fresh) <= _MOST_KEPT:
            self._kept.update(fresh)
        return [fresh[number] for number in numbers]

    def _fetch(self, numbers: Sequence[int]) -> dict[int, Label]:
        rows = fetch_by_number(self._database, LABEL_COLUMNS, "labels", "number", numbers)
        return {row[0]: label_from_row(row) for row in rows}

    def all(self, *, retired: bool = False) -> list[Label]:
        """Return every label that is not retired (or every one) in import order, read without caching."""
        mappings = {} if retired else self.mappings
        return [
            label_from_row(row)
            for row in self._database.rows(f"SELECT {LABEL_COLUMNS} FROM labels ORDER BY number")
            if row[1] not in mappings
        ]


_COLUMNS = "id, name, description, includes, excludes, label, examples"


class NodeBook:
    """Nodes by id, cached up to a limit. Only the shape knows whether a node is in the current tree."""

    def __init__(self, database: Database, labels: LabelBook) -> None:
        self._database = database
        self._labels = labels
        self._kept: dict[int, Node] = {}

    def get(self, ids: Sequence[int]) -> list[Node]:
        """Return nodes in the order of `ids`, each of which must exist."""
        missing = [id_ for id_ in dict.fromkeys(ids) if id_ not in self._kept]
        if not missing:
            return [self._kept[id_] for id_ in ids]
        rows = fetch_by_number(self._database, _COLUMNS, "nodes", "id", missing)
        fresh = {row[0]: self._node(row) for row in rows}
        fresh.update((id_, self._kept[id_]) for id_ in ids if id_ in self._kept)
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        if len(fresh) <= _MOST_KEPT:
            self._kept.update(fresh)
        return [fresh[id_] for id_ in ids]

    def forget(self, ids: Iterable[int]) -> None:
        """Drop nodes from the cache."""
        for id_ in ids:
            self._kept.pop(id_, None)

    def forget_all(self) -> None:
        """Drop all nodes from the cache."""
        self._kept.clear()

    def _node(self, row: tuple[Any, ...]) -> Node:
        id_, name, description, includes, excludes, label, examples = row
        label_id = None if label is None else self._labels.ids([label])[0]
        return Node(
            NodeId(id_), name, description, unpack(includes), unpack(excludes), label_id, unpack(examples)
        )


class IndexView:
    """The cached shape, nodes and labels of the current tree.

    Hold `database.lock` while using it. A change made through this view marks what it touched and calls `changed()`;
    one that was rolled back, or made through another index on the same database, increments `database.changes`, which
    empties the view.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = -1
        self.words = LabelWords(database)
        """Finds labels by their words; empty until it is built, and kept when the rest is dropped."""
        self._shape: Shape | None = None
        self._labels: LabelBook | None = None
        self._nodes: NodeBook | None = None
        self._version: int | None = None

    def _refresh(self) -> None:
        if self._seen != self._database.changes:
            self.drop()
            self._seen = self._database.changes

    def drop(self) -> None:
        """Empty the cache."""
        self._shape = self._labels = self._nodes = self._version = None
        self.words.doubt()

    def drop_labels(self) -> None:
        """Drop labels and nodes, after labels were added or removed."""
        self._labels = self._nodes = None
        self.words.doubt()

    @contextmanager
    def preserve_over_rollback(self) -> Iterator[None]:
        """Keep the cache over a transaction that is rolled back in the block; only what it touched is read again.

        Hold `database.lock` around it.
        """
        before, known = (self._seen, self._shape, self._labels, self._nodes), self._version
        there = self._labels.last if self._labels is not None else 0
        current = self._seen == self._database.changes
        yield
        if not current or before[1:] != (self._shape, self._labels, self._nodes):
            self.drop()
        if self._shape is not None:
            self._shape.refresh()
        if self._labels is not None:
            self._labels.back_to(there)
        if self._nodes is not None:
            self._nodes.forget_all()
        self._version = known if current else None
        self._seen = self._database.changes

    def changed(self) -> None:
        """Mark this view as up to date with the change being made."""
        self._database.count_change()
        self._seen = self._database.changes

    def record_event(self, event: int) -> None:
        """Set the version to the event of the change being made."""
        self._refresh()
        self.changed()
        self._version = event

    @property
    def version(self) -> int:
        """The id of the last event, 0 before the first."""
        self._refresh()
        if self._version is None:
            self._version = int(self._database.rows("SELECT coalesce(max(id), 0) FROM events")[0][0])
        return self._version

    @property
    def shape(self) -> Shape:
        """The current tree's shape."""
        self._refresh()
        if self._shape is None:
            self._shape = Shape(self._database)
        return self._shape

    @property
    def labels(self) -> LabelBook:
        """All labels."""
        self._refresh()
        if self._labels is None:
            self._labels = LabelBook(self._database, self.words)
        return self._labels

    @property
    def nodes(self) -> NodeBook:
        """All nodes' texts."""
        self._refresh()
        if self._nodes is None:
            self._nodes = NodeBook(self._database, self.labels)
        return self._nodes

    def check_nodes(self, ids: Iterable[int]) -> None:
        """Raise NotFoundError for the first id that is not in the current tree."""
        shape = self.shape
        for id_ in ids:
            if not shape.has(id_):
                number = self.labels.numbers.get(LabelId(str(id_)))
                said = "the root is 1, `taxonaut index show` lists what is below"
                if number is not None:
                    name = self.labels.get([number])[0].name
                    said = (
                        f"{id_} is the id of the label {name!r}; see taxonaut labels move, merge and retire"
                    )
                raise NotFoundError(f"no node {id_!r} in the index; {said}")
