"""Find which columns of a table of labels hold what: ids, names, paths, parents, levels, texts."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taxonaut.workspace.files.shapes.codes import CodeTree, find_code_tree
from taxonaut.workspace.files.shapes.dialect import CODE
from taxonaut.workspace.files.shapes.paths import SEPARATORS, find_separator
from taxonaut.workspace.files.shapes.usual_names import Role, find_column, find_levels, find_titled, fold

Cells = Mapping[str, object]

_SAMPLE = 2_000
_STRONG = SEPARATORS[:6]
_PATHS = ("categor", "taxonomy", "tree", "breadcrumb", "path", "producttype", "label")
_OWN_NAMES = {"name", "label", "preflabel", "categoryname", "labelname", "displayname", "term"}
_EDGES = {"child", "narrower", "hyponym", "target", "to"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold what; "" for what no column holds.

    `levels` are the columns of a path's steps, from the top down; `codes` those of their ids, in the same order.
    `code_tree` is the hierarchy in the ids, `separator` that of the steps of a path, `depth` the column with the
    number of a row's level. `is_edges`: each row is an edge from a parent's name to a child's.
    """

    id: str = ""
    name: str = ""
    path: str = ""
    parents: str = ""
    description: str = ""
    kind: str = ""
    depth: str = ""
    levels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    separator: str = " > "
    code_tree: CodeTree | None = None
    is_edges: bool = False
    notes: tuple[str, ...] = ()

    def _single(self) -> dict[str, str]:
        """Return the one column of each role that has one."""
        roles = {
            "id": self.id, "name": self.name, "path": self.path, "parents": self.parents, "level": self.depth,
            "description": self.description, "kind": self.kind,
        }  # fmt: skip
        return {role: column for role, column in roles.items() if column}

    def used(self) -> dict[str, str]:
        """Return what is read from which column, for people."""
        found = self._single()
        if self.levels:
            found["levels"] = ", ".join(self.levels)
        if self.codes:
            found["ids of levels"] = ", ".join(self.codes)
        return found

    @property
    def columns(self) -> set[str]:
        """All columns that are read."""
        return {*self._single().values(), *self.levels, *self.codes}


def find_layout(
    columns: Sequence[str],
    rows: Sequence[Cells],
    given: Mapping[str, str | None],
    *,
    tree: str = "auto",
    separator: str = "",
) -> Layout:
    """Choose the columns of each role.

    `given` has the column of each role that the caller named, "" for one not to be read, None for one to be found.
    `tree` is `auto`, `none` or `codes`; `separator` that of paths, if the caller gave one.
    """
    taken = {column for column in given.values() if column}
    sample = rows[:_SAMPLE]

    def choose(role: str, usual: str) -> str:
        named = given.get(role)
        found = usual if named is None else named
        taken.add(found)
        return found

    nameless = all(column.startswith("column ") for column in columns)
    by_content = find_by_content(columns, sample) if nameless else {}
    titled = find_titled(columns) if not given.get("name") and not given.get("path") else []
    levels = () if titled or given.get("path") or given.get("name") else tuple(find_levels(columns))
    if levels and not _are_levels(levels, sample):
        levels = ()
    if tree == "none":
        titled, levels = [], ()
    if titled:
        codes, levels = tuple(code for code, _ in titled), tuple(title for _, title in titled)
        return Layout(description=given.get("description") or "", levels=levels, codes=codes)
    path = choose("path", "" if levels else by_content.get("path", find_column(columns, "path", taken)))
    if (
        not path
        and given.get("path") is None
        and given.get("name") is None
        and not nameless
        and tree != "none"
    ):
        path = _find_paths(columns, sample, taken)
        taken.add(path)
    parents = choose("parents", by_content.get("parents", find_column(columns, "parents", {*taken, *levels})))
    id = choose("id", by_content.get("id", find_column(columns, "id", {*taken, *levels})))
    if levels:
        return _with_texts(Layout(id=id, levels=levels), columns, given, taken)
    name = choose("name", by_content.get("name", find_column(columns, "name", taken)))
    if path and given.get("name") is None and fold(name) not in _OWN_NAMES and not nameless:
        taken.discard(name)  # such as a product's title: the labels are the paths
        name = ""
    if not name and not path and given.get("name") is None:
        name = _only_text(columns, sample, taken)
        taken.add(name)
    notes: list[str] = []
    is_edges = bool(not id and given.get("id") is None and name.casefold() in _EDGES and parents)
    if is_edges:
        notes.append(f"each row is an edge from {parents!r} to {name!r}")
    if name and not path and not parents and given.get("path") is None and tree != "none":
        step = find_separator(_texts(sample, name), _STRONG)
        if step:
            notes.append(
                f"names in {name!r} look like paths; to read them so: --path-column {name!r} --name-column {name!r}"
            )
    found = _with_texts(Layout(id=id, name=name, path=path, parents=parents), columns, given, taken)
    steps = separator or " > "
    if path and not separator:
        steps = find_separator(_texts(sample, path)) or " > "
    code_tree, depth = None, ""
    if tree == "codes" or (tree == "auto" and not path and not parents):
        ids = _texts(rows, id or name)
        if len(ids) == len(rows):
            code_tree = find_code_tree(ids, asked=tree == "codes")
        depth = "" if code_tree else _find_depth(columns, rows, taken)
    if code_tree is not None:
        notes += code_tree.notes
    return replace(
        found, depth=depth, separator=steps, code_tree=code_tree, is_edges=is_edges, notes=tuple(notes)
    )


def _with_texts(
    layout: Layout, columns: Sequence[str], given: Mapping[str, str | None], taken: set[str]
) -> Layout:
    """Add the columns of descriptions and kinds."""

    def choose(role: Role) -> str:
        named = given.get(role)
        found = find_column(columns, role, taken) if named is None else named
        taken.add(found)
        return found

    return replace(layout, description=choose("description"), kind=choose("kind"))


def _find_paths(columns: Sequence[str], rows: Sequence[Cells], taken: set[str]) -> str:
    """Return the column called like a category that holds paths, such as `Kitchen > Kettles`."""
    for column in columns:
        is_category = column not in taken and any(word in fold(column) for word in _PATHS)
        if is_category and find_separator(_texts(rows, column), _STRONG):
            return column
    return ""


def as_plain(value: object) -> str:
    """Return a cell as one text; "" for anything nested."""
    if value is None or isinstance(value, (list, dict, tuple)) or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _texts(rows: Sequence[Cells], column: str) -> list[str]:
    return [text for row in rows if (text := as_plain(row.get(column)))]


def _are_levels(levels: Sequence[str], rows: Sequence[Cells]) -> bool:
    """Whether columns named like levels hold names: most cells have letters."""
    texts = [text for column in levels for text in _texts(rows, column)]
    return bool(texts) and sum(any(sign.isalpha() for sign in text) for text in texts) > 0.5 * len(texts)


def _only_text(columns: Sequence[str], rows: Sequence[Cells], taken: set[str]) -> str:
    """Return the only other column that holds texts with letters; "" if there are several."""
    found = []
    for column in columns:
        texts = _texts(rows, column)
        if (
            column
            and column not in taken
            and sum(any(s.isalpha() for s in text) for text in texts) > 0.5 * len(texts)
        ):
            found.append(column)
    return found[0] if len(found) == 1 and len(columns) > 1 else ""


def find_by_content(columns: Sequence[str], rows: Sequence[Cells]) -> dict[str, str]:
    """Choose columns without names by what is in them: codes, paths, names."""
    found = {"id": "", "name": "", "path": "", "parents": ""}
    for column in columns:
        texts = _texts(rows, column)
        if not texts:
            continue
        codes = sum(bool(CODE.fullmatch(text)) for text in texts) >= 0.9 * len(texts)
        if codes and len(set(texts)) == len(texts) and not found["id"]:
            found["id"] = column
        elif not codes and not found["path"] and find_separator(texts, _STRONG):
            found["path"] = column
        elif not codes and not found["name"]:
            found["name"] = column
    if not found["name"] and not found["path"]:
        found["name"] = next((column for column in columns if column != found["id"]), columns[0])
    return found


def _find_depth(columns: Sequence[str], rows: Sequence[Cells], taken: set[str]) -> str:
    """Return the column with the number of each row's level, if a level is never skipped on the way down."""
    column = find_column(columns, "level", taken)
    if not column:
        return ""
    numbers = [as_plain(row.get(column)) for row in rows]
    if not all(number.isdigit() for number in numbers) or len(set(numbers)) < 2:
        return ""
    rank = {number: place for place, number in enumerate(sorted({int(each) for each in numbers}))}
    depths = [rank[int(each)] for each in numbers]
    steps = itertools.pairwise(depths)
    return column if depths[0] == 0 and all(second <= first + 1 for first, second in steps) else ""
