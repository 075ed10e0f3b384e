"""Result lists that convert to Arrow and pandas tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, TypeVar, overload

from taxonaut.state.errors import MissingExtraError
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import ItemResult
from taxonaut.workspace.files.tables import clean_text

if TYPE_CHECKING:
    import pandas
    import pyarrow

EXTRA = "tables"
PATH = "list"
"""Marks a column of string lists; other column types are Arrow type names."""

PREDICTION_COLUMNS = {
    "item_id": "string",
    "rank": "int32",
    "label_id": "string",
    "name": "string",
    "path": PATH,
    "score": "double",
    "evidence": "string",
    "reason": "string",
    "origin": "string",
    "error": "string",
}
CATEGORY_COLUMNS = {
    "item_id": "string",
    "label_id": "string",
    "name": "string",
    "path": PATH,
    "confidence": "double",
    "verdict": "string",
    "reason": "string",
    "error": "string",
}
R = TypeVar("R")


class Results(list[R]):
    """A list of results in item order that converts to a table."""

    columns: Mapping[str, str] = {}
    """The table's columns and their types."""

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield the table's rows."""
        raise NotImplementedError

    def to_arrow(self) -> "pyarrow.Table":
        """Convert to an Arrow table. Raises MissingExtraError without pyarrow."""
        return arrow_table(self.columns, self.rows())

    def to_pandas(self) -> "pandas.DataFrame":
        """Convert to a pandas data frame. Raises MissingExtraError without pyarrow or pandas."""
        return data_frame(self.to_arrow())

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> R: ...

    @overload
    def __getitem__(self, key: slice, /) -> Self: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> R | Self:
        """Return a slice as results of the same type."""
        return type(self)(super().__getitem__(key)) if isinstance(key, slice) else super().__getitem__(key)


class ItemResults(Results[ItemResult]):
    """Results of `classify`: one row per label of each item.

    `rank` counts from 1. An item without labels has one row, in which all but `item_id` and `error` is null.
    """

    columns = PREDICTION_COLUMNS

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield a row for each label, the best first."""
        for result in self:
            item, error = clean_text(result.item_id), clean_text(result.error) or None
            for rank, label in enumerate(result.labels, start=1):
                yield (
                    item,
                    rank,
                    clean_text(label.label_id),
                    clean_text(label.name),
                    [clean_text(name) for name in label.path],
                    label.score,
                    clean_text(label.evidence),
                    clean_text(label.reason),
                    label.origin,
                    error,
                )
            if not result.labels:
                yield (item, *[None] * 8, error)


class CategorizedItems(Results[Categorized]):
    """Results of `categorize`: one row per item; without a category `label_id`, `name` and `path` are null.

    `confidence` is the domain expert's in its own first candidate, also where another model decided.
    """

    columns = CATEGORY_COLUMNS

    def rows(self) -> Iterator[Sequence[Any]]:
        """Yield a row for each item."""
        for each in self:
            yield (
                clean_text(each.item_id),
                None if each.label_id is None else clean_text(each.label_id),
                clean_text(each.path[-1]) if each.path else None,
                [clean_text(name) for name in each.path] or None,
                each.recommended.confidence,
                each.verdict,
                clean_text(each.reason),
                clean_text(each.error) or None,
            )


def arrow_table(columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> "pyarrow.Table":
    """Build an Arrow table from rows with cells in the order of `columns`."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("pyarrow", EXTRA) from None
    texts = pyarrow.list_(pyarrow.string())
    types = {name: texts if kind == PATH else pyarrow.type_for_alias(kind) for name, kind in columns.items()}
    cells = list(zip(*rows, strict=True)) or [()] * len(types)
    arrays = [pyarrow.array(each, kind) for each, kind in zip(cells, types.values(), strict=True)]
    return pyarrow.table(arrays, schema=pyarrow.schema(list(types.items())))


def data_frame(table: "pyarrow.Table") -> "pandas.DataFrame":
    """Convert an Arrow table to a pandas data frame."""
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise MissingExtraError("pandas", EXTRA) from None
    return table.to_pandas()
