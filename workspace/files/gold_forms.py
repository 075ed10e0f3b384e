"""Match gold labels, in the forms people have them, to the labels of an index."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from rapidfuzz import process

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.shapes.layout import as_plain
from taxonaut.workspace.files.shapes.paths import SEPARATORS, split_path
from taxonaut.workspace.files.shapes.usual_names import find_levels, fold

_COLUMNS = (
    "label",
    "labelid",
    "labelids",
    "gold",
    "category",
    "categoryid",
    "categories",
    "subjects",
    "subjecturis",
)
_MARKS = {"0": False, "1": True, "false": False, "true": True, "": False, "no": False, "yes": True}
_SHOWN = 5
_FLOAT = re.compile(r"(-?\d+)\.0")
_ADDRESSES = re.compile(r"<([^<>]+)>")

Form = Callable[[ItemRow], Sequence[str]]


def match_gold(
    index: IndexReader, rows: Sequence[ItemRow], *, keep_unknown: bool = False
) -> tuple[list[ItemRow], list[str]]:
    """Return the items with the ids of their gold labels, and what was recognised, for the user.

    A gold label may be an id (in angle brackets, or with `.0`), a name, an alternative name or a path of one label
    only. Several in a cell may be divided by the separator that was asked for, `,`, `|` or line breaks, or be a list
    of Python. Without gold in its column, columns of levels, columns named like labels with 0 and 1, and columns
    usually called so are tried. Raises InputError for what matches no label, with the nearest ones, unless
    `keep_unknown`.
    """
    names = _Names(index)
    notes: list[str] = []
    given = list(rows)
    if not any(row.gold for row in given):
        given = _from_other_columns(given, names, notes)
    if all(label in names.ids for row in given for label in row.gold):
        return given, notes
    form, how = _find_form(given, names)
    if how:
        notes.append(f"gold labels are {how}")
    matched, kinds, unknown = [], Counter[str](), dict[str, ItemRow]()
    for row in given:
        found: dict[LabelId, None] = {}
        for text in form(row):
            label, kind = names.find(text)
            if label is None:
                unknown.setdefault(text, row)
                found[LabelId(text)] = None
            else:
                kinds[kind] += 1
                found[label] = None
        matched.append(replace(row, gold=tuple(found)))
    by = {kind: count for kind, count in kinds.items() if kind != "id"}
    if by:
        notes.append(
            "gold labels were matched by " + ", ".join(f"{kind} ({count:,})" for kind, count in by.items())
        )
    if unknown and not keep_unknown:
        raise _unknown_error(unknown, names)
    return matched, notes


class _Names:
    """What the labels of an index are known by."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index
        self.ids = set(index.label_ids())

    @cached_property
    def labels(self) -> dict[str, set[LabelId]]:
        """Labels by their names, ignoring case."""
        found: defaultdict[str, set[LabelId]] = defaultdict(set)
        for label in self._index.all_labels():
            found[label.name.casefold()].add(label.id)
        return dict(found)

    @cached_property
    def _alternatives(self) -> dict[str, set[LabelId]]:
        found: defaultdict[str, set[LabelId]] = defaultdict(set)
        for label in self._index.all_labels():
            for name in label.alternatives:
                found[name.casefold()].add(label.id)
        return dict(found)

    @cached_property
    def _paths(self) -> dict[tuple[str, ...], set[LabelId]]:
        found: defaultdict[tuple[str, ...], set[LabelId]] = defaultdict(set)
        for label, paths in self._index.paths_of(list(self._index.label_ids())).items():
            for path in paths:
                found[tuple(step.casefold() for step in path)].add(label)
        return dict(found)

    def find(self, text: str) -> tuple[LabelId | None, str]:
        """Return the one label that a text stands for, and by what; None if there is none, or several."""
        plain = text.strip()
        if plain.startswith("<") and plain.endswith(">"):
            plain = plain[1:-1].strip()
        for id in (text, plain, _FLOAT.sub(r"\1", plain)):
            if id in self.ids:
                return LabelId(id), "id"
        kinds = (("name", self.labels), ("alternative name", self._alternatives))
        for kind, known in kinds:
            if len(found := known.get(plain.casefold(), ())) == 1:
                return next(iter(found)), kind
        for separator in SEPARATORS:
            if separator in plain:
                found = self.of_path(split_path(plain, separator))
                if len(found) == 1:
                    return next(iter(found)), "path"
        return None, ""

    def of_path(self, path: Iterable[str]) -> set[LabelId]:
        """Return the labels with a path."""
        return self._paths.get(tuple(step.casefold() for step in path), set())

    def nearest(self, text: str) -> str:
        """Return the label that a text is nearest to, for a message."""
        hit = process.extractOne(text.casefold(), list(self.labels), score_cutoff=60)
        return min(self.labels[hit[0]]) if hit else ""


def _find_form(rows: Sequence[ItemRow], names: _Names) -> tuple[Form, str]:
    """Return the reading of the cells under which most texts are labels, and its name."""
    forms: tuple[tuple[Form, str], ...] = (
        (lambda row: row.gold, ""),
        (_whole_cell, "one a cell"),
        (_python_list, "lists of Python"),
        (_divided_by(","), "divided by commas"),
        (_divided_by("|"), "divided by bars"),
        (_divided_by("\n"), "on lines of their own"),
        (_addresses, "addresses in angle brackets"),
    )
    best, most = forms[0], -1.0
    sample = rows[:2_000]
    for form in forms:
        texts = [text for row in sample for text in form[0](row)]
        share = sum(names.find(text)[0] is not None for text in texts) / max(len(texts), 1)
        if share > most + 1e-9:
            best, most = form, share
    return best


def _whole_cell(row: ItemRow) -> list[str]:
    text = row.cell if isinstance(row.cell, str) else ""
    return [text.strip()] if text.strip() else []


def _python_list(row: ItemRow) -> list[str]:
    text = row.cell.strip() if isinstance(row.cell, str) else ""
    if not text.startswith(("[", "(", "{")):
        return list(row.gold)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return list(row.gold)
    return [as_plain(each) for each in value] if isinstance(value, (list, tuple, set)) else list(row.gold)


def _divided_by(separator: str) -> Form:
    def divide(row: ItemRow) -> list[str]:
        text = row.cell if isinstance(row.cell, str) else ""
        return [part.strip() for part in text.split(separator) if part.strip()]

    return divide


def _addresses(row: ItemRow) -> list[str]:
    return _ADDRESSES.findall(row.cell) if isinstance(row.cell, str) else []


def _from_other_columns(rows: list[ItemRow], names: _Names, notes: list[str]) -> list[ItemRow]:
    """Take the gold labels from other columns, if these hold any."""
    columns = list(dict.fromkeys(column for row in rows[:100] for column in row.values))
    marked = {column: label for column in columns if (label := names.find(column)[0]) is not None}
    cells = {as_plain(row.values.get(column)).casefold() for row in rows[:500] for column in marked}
    if len(marked) > 1 and cells <= set(_MARKS):
        notes.append(f"gold labels are read from {len(marked)} columns with 0 or 1, named like labels")
        return [replace(row, gold=_marked(row.values, marked)) for row in rows]
    levels = find_levels(columns)
    if levels:
        found = [
            (row, names.of_path(step for level in levels if (step := as_plain(row.values.get(level)))))
            for row in rows
        ]
        if any(len(labels) == 1 for _, labels in found):
            notes.append(f"gold labels are read as paths from {', '.join(map(repr, levels))}")
            return [replace(row, gold=tuple(labels) if len(labels) == 1 else ()) for row, labels in found]
    for column in columns:
        if fold(column) in _COLUMNS:
            texts = [(row, as_plain(row.values.get(column))) for row in rows]
            if any(text for _, text in texts):
                notes.append(f"gold labels are read from the column {column!r}")
                return [replace(row, gold=(LabelId(text),) if text else (), cell=text) for row, text in texts]
    return rows


def _marked(values: Mapping[str, object], marked: Mapping[str, LabelId]) -> tuple[LabelId, ...]:
    return tuple(label for column, label in marked.items() if _MARKS[as_plain(values.get(column)).casefold()])


def _unknown_error(unknown: Mapping[str, ItemRow], names: _Names) -> InputError:
    shown = []
    for text, row in list(unknown.items())[:_SHOWN]:
        near = names.nearest(text)
        many = names.labels.get(text.casefold(), ())
        hint = f"; nearest is {near!r}" if near else ""
        if len(many) > 1:
            hint = f"; it is the name of {' and '.join(map(repr, sorted(many)[:2]))}"
        shown.append(f"{text!r} ({row.place or row.item.id}{hint})")
    more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
    return InputError(
        f"{len(unknown):,} gold labels match no label of the index: {', '.join(shown)}{more}. Import their labels, "
        "or correct them; a gold label is an id, a name or a path"
    )
