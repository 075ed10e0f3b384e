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
from taxonaut.state.label_mappings import RENAMED, LabelResolution
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
    only. Ids and names of labels that were merged, replaced or renumbered become those of today; those of split
    and of retired labels are left out. Several in a cell may be divided by the separator that was asked for, `,`,
    `|` or line breaks, or be a list of Python. Without gold in its column, columns of levels, columns named like
    labels with 0 and 1, and columns usually called so are tried. Raises InputError for what matches no label, with
    the nearest ones, unless `keep_unknown`.
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
    former = Counter[LabelResolution]()
    for row in given:
        found: dict[LabelId, None] = {}
        for text in form(row):
            label, kind = names.find(text)
            past = names.find_former(text) if label is None else None
            if past is not None:
                former[past] += 1
                found |= dict.fromkeys(past.labels if past.kind == "mapped" else ())
            elif label is None:
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
    notes += _describe_former(former)
    if unknown and not keep_unknown:
        raise _unknown_error(unknown, names)
    return matched, notes


def find_labels(index: IndexReader, texts: Iterable[str]) -> dict[str, LabelId]:
    """Return the label that each text stands for, by id, name or path; texts that stand for none are missing."""
    names = _Names(index)
    return {text: label for text in texts if (label := names.find(text)[0]) is not None}


def _describe_former(former: Counter[LabelResolution]) -> list[str]:
    """Say what gold labels count as that name labels which are not answered any more."""
    notes = []
    for kind, said in (
        ("mapped", "read as what replaced them"),
        ("ambiguous", "of labels that were split, any part of which may be right; left out"),
        ("gone", "of retired labels without a replacement; left out, as no label"),
    ):
        some = [(past, count) for past, count in former.most_common() if past.kind == kind]
        if some:
            pairs = ", ".join(_former_text(past, count) for past, count in some[:_SHOWN])
            more = f" and {len(some) - _SHOWN:,} more" if len(some) > _SHOWN else ""
            total = sum(count for _, count in some)
            notes.append(f"{total:,} gold label{'' if total == 1 else 's'} {said}: {pairs}{more}")
    return notes


def _former_text(past: LabelResolution, count: int) -> str:
    to = " or ".join(map(repr, past.labels))
    return f"{past.given!r}{f' to {to}' if to else ''} ({count:,})"


class _Names:
    """What the labels of an index are known by."""

    def __init__(self, index: IndexReader) -> None:
        self._index = index
        self.ids = set(index.label_ids())
        self._mappings = {mapping.old: mapping for mapping in index.mappings()}

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
    def _notations(self) -> dict[str, set[LabelId]]:
        found: defaultdict[str, set[LabelId]] = defaultdict(set)
        for label in self._index.all_labels():
            if label.notation:
                found[label.notation.casefold()].add(label.id)
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
        kinds = (
            ("name", self.labels),
            ("notation", self._notations),
            ("alternative name", self._alternatives),
        )
        for kind, known in kinds:
            if len(found := known.get(plain.casefold(), ())) == 1:
                return next(iter(found)), kind
        for separator in SEPARATORS:
            if separator in plain:
                found = self.of_path(split_path(plain, separator))
                if len(found) == 1:
                    return next(iter(found)), "path"
        return None, ""

    def find_former(self, text: str) -> LabelResolution | None:
        """Return what a text stands for today that is the id or the name of a label no longer answered."""
        plain = text.strip()
        if plain.startswith("<") and plain.endswith(">"):
            plain = plain[1:-1].strip()
        for id in (text, plain, _FLOAT.sub(r"\1", plain)):
            if id in self._mappings:
                return self._index.resolve(LabelId(id))
        ids = self._retired.get(plain.casefold(), ())
        return self._index.resolve(next(iter(ids))) if len(ids) == 1 else None

    @cached_property
    def _retired(self) -> dict[str, set[LabelId]]:
        found: defaultdict[str, set[LabelId]] = defaultdict(set)
        for mapping in self._mappings.values():
            if mapping.kind != RENAMED:
                found[mapping.name.casefold()].add(mapping.old)
        return dict(found)

    def knows(self, text: str) -> bool:
        """Return whether a text stands for a label, or stood for one."""
        return self.find(text)[0] is not None or self.find_former(text) is not None

    def of_path(self, path: Iterable[str]) -> set[LabelId]:
        """Return the labels with a path."""
        return self._paths.get(tuple(step.casefold() for step in path), set())

    def nearest(self, text: str) -> str:
        """Return the label that a text, or a path's last step, is nearest to, for a message: its id and name."""
        last = next((split_path(text, each)[-1:] for each in SEPARATORS if each in text), [text])
        hit = process.extractOne((last or [text])[0].casefold(), list(self.labels), score_cutoff=60)
        if hit is None:
            return ""
        label = min(self.labels[hit[0]])
        name = self._index.labels([label])[0].name
        return repr(label) if label == name else f"{label!r} ({name})"


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
        share = sum(names.knows(text) for text in texts) / max(len(texts), 1)
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


def drop_unknown(index: IndexReader, rows: Sequence[ItemRow]) -> tuple[list[ItemRow], list[str]]:
    """Leave out gold labels that match no label of the index (`match_gold` with `keep_unknown`), and say which."""
    names = _Names(index)
    unknown: dict[str, ItemRow] = {}
    for row in rows:
        for label in row.gold:
            if label not in names.ids:
                unknown.setdefault(label, row)
    if not unknown:
        return list(rows), []
    kept = [replace(row, gold=tuple(label for label in row.gold if label in names.ids)) for row in rows]
    return kept, [f"{_describe_unknown(unknown, names)}; left out"]


def _unknown_error(unknown: Mapping[str, ItemRow], names: _Names) -> InputError:
    return InputError(
        f"{_describe_unknown(unknown, names)}. Import their labels, or correct them; a gold label is an id, a name "
        "or a path"
    )


def _describe_unknown(unknown: Mapping[str, ItemRow], names: _Names) -> str:
    shown = []
    for text, row in list(unknown.items())[:_SHOWN]:
        near = names.nearest(text)
        many = names.labels.get(text.casefold(), ())
        hint = f"; nearest is {near}" if near else ""
        if len(many) > 1:
            hint = f"; it is the name of {' and '.join(map(repr, sorted(many)[:2]))}"
        shown.append(f"{text!r} ({row.place or row.item.id}{hint})")
    more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
    count = "1 gold label matches" if len(unknown) == 1 else f"{len(unknown):,} gold labels match"
    return f"{count} no label of the index: {', '.join(shown)}{more}"
