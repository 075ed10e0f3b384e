"""What the index keeps in memory, and when that is stale."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from taxonaut.state.database import Database
from taxonaut.state.errors import NotFoundError
from taxonaut.state.label_book import LabelBook
from taxonaut.state.node_book import NodeBook
from taxonaut.state.shape import Shape


class IndexView:
    """The shape, the nodes and the labels as of the last change; made again after changes from elsewhere.

    Hold `database.lock` while using it. A change made through this view is noted by touching what it
    changed and calling `changed()`; a change that was rolled back, or made through another index on the
    same database, moves `database.changes` on and empties the view.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = -1
        self._shape: Shape | None = None
        self._labels: LabelBook | None = None
        self._nodes: NodeBook | None = None
        self._version: int | None = None

    def _refresh(self) -> None:
        if self._seen != self._database.changes:
            self.drop()
            self._seen = self._database.changes

    def drop(self) -> None:
        """Forget everything."""
        self._shape = self._labels = self._nodes = self._version = None

    def drop_labels(self) -> None:
        """Forget the labels, after some came or went."""
        self._labels = self._nodes = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is known over a transaction in the block that is rolled back: only what it touched is read again.

        Hold `database.lock` around it.
        """
        before, known = (self._seen, self._shape, self._labels, self._nodes), self._version
        there = self._labels.last if self._labels is not None else 0
        current = self._seen == self._database.changes
        yield
        if not current or before[1:] != (self._shape, self._labels, self._nodes):
            self.drop()
        if self._shape is not None:
            self._shape.read_again()
        if self._labels is not None:
            self._labels.back_to(there)
        if self._nodes is not None:
            self._nodes.forget_all()
        self._version = known if current else None
        self._seen = self._database.changes

    def changed(self) -> None:
        """Note that this view already knows the change that is being made."""
        self._database.changes += 1
        self._seen = self._database.changes

    def recorded(self, event: int) -> None:
        """Note the event under which the change that is being made is kept."""
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
            self._labels = LabelBook(self._database)
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
                raise NotFoundError(
                    f"no node {id_!r} in the index; the root is 1, `taxonaut index show` lists what is below"
                )
