"""Result lists that convert to Arrow and pandas tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, TypeVar, cast, overload

from taxonaut.state.errors import MissingExtraError
from taxonaut.state.recommendations import Categorized
from taxonaut.state.records import ItemResult
from taxonaut.workspace.files.item_files import ItemFields
from taxonaut.workspace.files.table_writers.cells import cell_text, unique_names
from taxonaut.workspace.files.tables import clean_text

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

EXTRA = "tables"
PATH = "list"
"""Marks a column of string lists; other column types are Arrow type names."""

CATEGORY_COLUMNS = {
    "label": "string",
    "label_id": "string",
    "path": PATH,
    "confidence": "double",
    "verdict": "string",
    "reason": "string",
    "error": "string",
}
PREDICTION_COLUMNS = {
    "rank": "int32",
    "label": "string",
    "label_id": "string",
    "path": PATH,
    "score": "double",
    "evidence": "string",
    "reason": "string",
    "origin": "string",
    "error": "string",
}
R = TypeVar("R")


class Results(list[R]):
    """A list of results in item order that converts to a table: the input's columns, then those of the results.

    `fields` are the columns of the input, `given` its row for each result.
    """

    def __init__(
        self,
        results: Iterable[R] = (),
        fields: ItemFields | None = None,
        given: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(results)
        self.fields, self.given = fields, list(given)

    def columns(self, *, long: bool = False) -> Mapping[str, str]:
        """Return the columns of the results and their types."""
        raise NotImplementedError

    def cells(self, result: R, columns: Mapping[str, str], *, long: bool = False) -> Iterable[Sequence[Any]]:
        """Return a result's rows with these columns."""
        raise NotImplementedError

    def id_of(self, result: R) -> str:
        """Return the id of a result's item."""
        raise NotImplementedError

    def to_arrow(self, *, long: bool = False) -> "pyarrow.Table":
        """Convert to an Arrow table with a row an item, or with `long` a row a label.

        Columns of the input that have the name of another column are called `input_NAME`. Raises MissingExtraError
        without pyarrow.
        """
        try:
            import pyarrow
        except ImportError:
            raise MissingExtraError("pyarrow", EXTRA) from None
        own = self.columns(long=long)
        fields = self.fields or ItemFields()
        ids = ["item_id"] if not fields.id or not self.given else []
        names = unique_names(fields.names if self.given else (), [*ids, *own])
        cells: list[list[Any]] = [[] for _ in (*ids, *names, *own)]
        rows = self.given or [{}] * len(self)
        for result, row in zip(self, rows, strict=True):
            first = [clean_text(self.id_of(result))] if ids else []
            kept = [*first, *(row.get(name) for name in names)]
            for values in self.cells(result, own, long=long):
                for column, value in zip(cells, (*kept, *values), strict=True):
                    column.append(value)
        table = arrow_table(own, zip(*cells[len(ids) + len(names) :], strict=True))
        before = dict(zip((*ids, *names.values()), cells, strict=False))
        arrays = [
            pyarrow.array(values, pyarrow.string()) if name in ids else _array(pyarrow, values)
            for name, values in before.items()
        ]
        return pyarrow.table([*arrays, *table.columns], names=[*before, *own])

    def to_pandas(self, *, long: bool = False) -> "pandas.DataFrame":
        """Convert to a pandas data frame, as `to_arrow` does. Raises MissingExtraError without pyarrow or pandas."""
        return data_frame(self.to_arrow(long=long))

    def to_polars(self, *, long: bool = False) -> "polars.DataFrame":
        """Convert to a polars data frame, as `to_arrow` does. Raises MissingExtraError without pyarrow or polars."""
        try:
            import polars
        except ImportError:
            raise MissingExtraError("polars", EXTRA) from None
        return cast("polars.DataFrame", polars.from_arrow(self.to_arrow(long=long)))

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> R: ...

    @overload
    def __getitem__(self, key: slice, /) -> Self: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> R | Self:
        """Return a slice as results of the same type."""
        if isinstance(key, slice):
            return type(self)(super().__getitem__(key), self.fields, self.given[key])
        return super().__getitem__(key)


def _after(columns: Mapping[str, str], name: str, more: Mapping[str, str]) -> Mapping[str, str]:
    """Return columns with more of them after the one called `name`."""
    found: dict[str, str] = {}
    for column, kind in columns.items():
        found[column] = kind
        found |= more if column == name else {}
    return found


class ItemResults(Results[ItemResult]):
    """Results of `classify`. A row an item has `label_1`, `label_id_1`, `path_1`, `score_1`, … and `error`.

    With `long` a row is a label, ranked from 1; an item without labels has one row, in which all but the item and
    `error` is null. Where any label has a notation, there are columns for them after the ids.
    """

    @property
    def _has_notations(self) -> bool:
        return any(label.notation for result in self for label in result.labels)

    def columns(self, *, long: bool = False) -> Mapping[str, str]:
        """Return the columns of the results and their types, for as many labels as any item has."""
        coded = self._has_notations
        if long:
            given = dict(PREDICTION_COLUMNS)
            return _after(given, "label_id", {"notation": "string"}) if coded else given
        most = max((len(result.labels) for result in self), default=0)
        ranks = range(1, max(most, 1) + 1)
        found: dict[str, str] = {}
        for rank in ranks:
            found |= {f"label_{rank}": "string", f"label_id_{rank}": "string"}
            found |= {f"notation_{rank}": "string"} if coded else {}
            found |= {f"path_{rank}": PATH, f"score_{rank}": "double"}
        return {**found, "error": "string"}

    def cells(
        self, result: ItemResult, columns: Mapping[str, str], *, long: bool = False
    ) -> Iterable[Sequence[Any]]:
        """Return an item's row, or with `long` a row for each label, the best first."""
        error = clean_text(result.error) or None
        coded = "notation" in columns or "notation_1" in columns
        if not long:
            width = len(columns) - 1
            found: list[Any] = []
            for label in result.labels:
                path = [clean_text(name) for name in label.path]
                found += [clean_text(label.name), clean_text(label.label_id)]
                found += [clean_text(label.notation) or None] if coded else []
                found += [path, label.score]
            return [[*found, *[None] * (width - len(found)), error]]
        rows: list[Sequence[Any]] = [
            (
                rank,
                clean_text(label.name),
                clean_text(label.label_id),
                *([clean_text(label.notation) or None] if coded else []),
                [clean_text(name) for name in label.path],
                label.score,
                clean_text(label.evidence),
                clean_text(label.reason),
                label.origin,
                error,
            )
            for rank, label in enumerate(result.labels, start=1)
        ]
        return rows or [(*[None] * (len(columns) - 1), error)]

    def id_of(self, result: ItemResult) -> str:
        """Return the id of a result's item."""
        return result.item_id


class CategorizedItems(Results[Categorized]):
    """Results of `categorize`: one row per item; without a category `label`, `label_id` and `path` are null.

    `confidence` is the domain expert's in its own first candidate, also where another model decided.
    """

    def columns(self, *, long: bool = False) -> Mapping[str, str]:
        """Return the columns of the results and their types."""
        return CATEGORY_COLUMNS

    def cells(
        self, result: Categorized, columns: Mapping[str, str], *, long: bool = False
    ) -> Iterable[Sequence[Any]]:
        """Return an item's row."""
        return [
            (
                clean_text(result.path[-1]) if result.path else None,
                None if result.label_id is None else clean_text(result.label_id),
                [clean_text(name) for name in result.path] or None,
                result.recommended.confidence,
                result.verdict,
                clean_text(result.reason),
                clean_text(result.error) or None,
            )
        ]

    def id_of(self, result: Categorized) -> str:
        """Return the id of a result's item."""
        return result.item_id


def _array(pyarrow: Any, values: Sequence[Any]) -> Any:
    """Return a column of the input as Arrow; as text where its values are of several types."""
    try:
        return pyarrow.array(values)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
        return pyarrow.array([None if value is None else cell_text(value) for value in values])


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
