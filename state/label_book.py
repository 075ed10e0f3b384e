"""The labels by id and by import number."""

from collections.abc import Iterable, Sequence

from taxonaut.state.database import Database
from taxonaut.state.errors import NotFoundError
from taxonaut.state.ids import LabelId
from taxonaut.state.lookup import fetch_by_number
from taxonaut.state.records import Label

_MOST_KEPT = 32_768


class LabelBook:
    """All label ids in memory, their texts read when asked for and kept up to a limit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        rows = database.rows("SELECT number, id FROM labels ORDER BY number")
        self.numbers: dict[LabelId, int] = {LabelId(id_): number for number, id_ in rows}
        """The import number of each label, in import order."""
        self._ids: list[LabelId] = [LabelId("")] * (rows[-1][0] + 1 if rows else 0)
        for number, id_ in rows:
            self._ids[number] = LabelId(id_)
        self._kept: dict[int, Label] = {}

    def extend(self, labels: Iterable[tuple[int, LabelId]]) -> None:
        """Take in labels that were just added, with numbers above all others."""
        for number, id_ in labels:
            self._ids.extend([LabelId("")] * (number + 1 - len(self._ids)))
            self._ids[number] = LabelId(id_)
            self.numbers[LabelId(id_)] = number

    def forget(self, numbers: Iterable[int]) -> None:
        """Forget the texts of labels that were changed."""
        for number in numbers:
            self._kept.pop(number, None)

    @property
    def last(self) -> int:
        """The highest import number, 0 without labels."""
        return max(0, len(self._ids) - 1)

    def back_to(self, last: int) -> None:
        """Forget the labels above a number, which were taken out again, and the texts of all."""
        for id_ in self._ids[last + 1 :]:
            self.numbers.pop(id_, None)
        del self._ids[last + 1 :]
        self._kept.clear()

    def number(self, label: LabelId) -> int:
        """Return a label's import number. Raises NotFoundError for an unknown id."""
        number = self.numbers.get(label)
        if number is None:
            raise NotFoundError(f"no label {label!r} in the index; `taxonaut index show` lists what there is")
        return number

    def ids(self, numbers: Iterable[int]) -> list[LabelId]:
        """Return the ids behind import numbers."""
        return [self._ids[number] for number in numbers]

    def get(self, numbers: Sequence[int]) -> list[Label]:
        """Return the labels behind import numbers, in that order."""
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
        rows = fetch_by_number(
            self._database, "number, id, name, description, batch", "labels", "number", numbers
        )
        return {row[0]: Label(LabelId(row[1]), row[2], row[3], row[4]) for row in rows}

    def all(self) -> list[Label]:
        """Return every label in import order, read afresh and not kept."""
        rows = self._database.rows("SELECT id, name, description, batch FROM labels ORDER BY number")
        return [Label(LabelId(id_), name, description, batch) for id_, name, description, batch in rows]
