"""Find which columns of a table of labels hold what: ids, names, paths, parents, levels, texts."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taxonaut.workspace.files.shapes.codes import CodeTree, find_code_tree
from taxonaut.workspace.files.shapes.dialect import CODE
from taxonaut.workspace.files.shapes.paths import SEPARATORS, are_dotted, find_separator
from taxonaut.workspace.files.shapes.usual_names import (
    Role,
    find_code_column,
    find_column,
    find_level_texts,
    find_levels,
    find_titled,
    find_worded,
    fold,
)
from taxonaut.workspace.files.sources import WrittenFloat

Cells = Mapping[str, object]

_SAMPLE = 2_000
_INDENT = re.compile(r"(?:[ \t\u3000\xa0]*[-–](?=[ \t]))*[ \t\u3000\xa0]*")
_STRONG = SEPARATORS[:8]
_PATHS = ("categor", "taxonomy", "tree", "breadcrumb", "path", "producttype", "label")
_OWN_NAMES = {"name", "label", "preflabel", "categoryname", "labelname", "displayname", "term"}
_NAME_WORDS = ("name", "label", "title", "heading", "description", "text")
_EDGES = {"child", "narrower", "hyponym", "target", "to"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns hold what; "" for what no column holds.

    `levels` are the columns of a path's steps, from the top down; `codes` those of their ids, `texts` those of
    their descriptions, in the same order.
    `code_tree` is the hierarchy in the ids, `separator` that of the steps of a path, `depth` the column with the
    number of a row's level. `is_edges`: each row is an edge from a parent's name to a child's. `is_outline`: blanks
    or dashes before a name say how deep it is.
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
    texts: tuple[str, ...] = ()
    separator: str = " > "
    code_tree: CodeTree | None = None
    is_edges: bool = False
    is_outline: bool = False
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
        if self.texts:
            found["descriptions of levels"] = ", ".join(filter(None, self.texts))
        return found

    @property
    def columns(self) -> set[str]:
        """All columns that are read."""
        return {*self._single().values(), *self.levels, *self.codes, *filter(None, self.texts)}


def find_layout(
    columns: Sequence[str],
    rows: Sequence[Cells],
    given: Mapping[str, str | None],
    *,
    tree: str = "auto",
    separator: str = "",
    outlines: bool = True,
) -> Layout:
    """Choose the columns of each role.

    `given` has the column of each role that the caller named, "" for one not to be read, None for one to be found.
    `tree` is `auto`, `none` or `codes`; `separator` that of paths, if the caller gave one. Without
    `outlines` what indents a name belongs to it.
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
    if by_content.get("description") and given.get("description") is None:
        given = {**given, "description": by_content["description"]}
    titled = find_titled(columns) if not given.get("name") and not given.get("path") else []
    levels = () if titled or given.get("path") or given.get("name") else tuple(find_levels(columns))
    if levels and not _are_levels(levels, sample):
        levels = ()
    if levels and _are_upside_down(levels, rows):
        levels = levels[::-1]
    if tree == "none":
        titled, levels = [], ()
    if titled:
        if _are_upside_down([code for code, _ in titled], rows):
            titled = titled[::-1]
        codes, levels = tuple(code for code, _ in titled), tuple(title for _, title in titled)
        level_texts = find_level_texts(columns, titled) if given.get("description") is None else ()
        made = Layout(levels=levels, codes=codes, texts=level_texts)
        return _with_texts(made, columns, given, {*taken, *codes, *levels, *level_texts})
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
    usual_id = find_column(columns, "id", {*taken, *levels})
    if not usual_id and not nameless:
        free = [column for column in columns if column not in {*taken, *levels}]
        usual_id = find_code_column(free, rows)
    id = choose("id", by_content.get("id", usual_id))
    if levels:
        return _with_texts(Layout(id=id, levels=levels), columns, given, taken)
    name = choose("name", by_content.get("name", find_column(columns, "name", taken)))
    if path and given.get("name") is None and fold(name) not in _OWN_NAMES and not nameless:
        taken.discard(name)  # such as a product's title: the labels are the paths
        name = ""
    if not name and not path and given.get("name") is None:
        name = _only_text(columns, sample, taken) or find_worded(
            [column for column in columns if column not in taken], _NAME_WORDS
        )
        taken.add(name)
    if not id and name and not path and given.get("id") is None and not nameless:
        id = _find_codes(columns[: columns.index(name)] if name in columns else (), rows, taken, name)
        taken.add(id)
    if not parents and id and not path and given.get("parents") is None and tree != "none":
        parents = _find_parents(columns, sample, taken)
        taken.add(parents)
    notes: list[str] = []
    is_edges = bool(not id and given.get("id") is None and name.casefold() in _EDGES and parents)
    if is_edges:
        notes.append(f"each row is an edge from {parents!r} to {name!r}")
    if name and not path and not parents and given.get("path") is None and tree != "none":
        texts = _texts(sample, name)
        if find_separator(texts, _STRONG):
            notes.append(
                f"names in {name!r} look like paths; to read them so: --path-column {name!r} --name-column {name!r}"
            )
        elif 10 * sum("/" in text for text in texts) >= 9 * len(texts):
            notes.append(
                f"names in {name!r} look like paths divided by '/'; to read them so: --path-column {name!r} "
                f"--name-column {name!r} --path-separator / (a / inside a name is written \\/)"
            )
    found = _with_texts(Layout(id=id, name=name, path=path, parents=parents), columns, given, taken)
    steps = separator or " > "
    if path and not separator:
        texts = _texts(sample, path)
        steps = find_separator(texts) or ("." if are_dotted(texts) else " > ")
    code_tree, depth = None, ""
    if tree == "codes" or (tree == "auto" and not path and not parents):
        ids = _texts(rows, id or name)
        if len(ids) == len(rows):
            code_tree = find_code_tree(ids, asked=tree == "codes")
        depth = "" if code_tree else _find_depth(columns, rows, taken)
    is_free = outlines and tree == "auto" and not (path or parents or depth)
    is_outline = is_free and _is_outline(_cells(rows, name))
    if is_outline:
        code_tree = None
    if code_tree is not None:
        notes += code_tree.notes
    return replace(
        found,
        depth=depth,
        separator=steps,
        code_tree=code_tree,
        is_edges=is_edges,
        is_outline=is_outline,
        notes=tuple(notes),
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


def _find_codes(columns: Sequence[str], rows: Sequence[Cells], taken: set[str], name: str) -> str:
    """Return the first column before that of names whose cells are codes, each once, and no row numbers.

    Where names repeat, as those of products' categories do, the codes must hold a hierarchy.
    """
    for column in columns:
        cells = [as_plain(row.get(column)) for row in rows]
        if column in taken or not all(CODE.fullmatch(cell.replace(" ", "")) for cell in cells):
            continue
        if len(set(cells)) < len(cells) or cells in (
            [str(number) for number in range(len(cells))],
            [str(number) for number in range(1, len(cells) + 1)],
        ):
            continue
        names = _texts(rows, name)
        if len(set(names)) == len(names) or find_code_tree(cells) is not None:
            return column
    return ""


def _find_parents(columns: Sequence[str], rows: Sequence[Cells], taken: set[str]) -> str:
    """Return a column with the word parent in its name, such as `PARENT_CNKEY`, whose values another one has."""
    column = find_worded([column for column in columns if column not in taken], ("parent", "broader"))
    values = {text for text in _texts(rows, column) if text.casefold() not in ("0", "-1", "null")}
    others = [set(_texts(rows, other)) for other in columns if other != column]
    return column if column and values and any(values <= other for other in others) else ""


def as_plain(value: object) -> str:
    """Return a cell as one text; "" for anything nested."""
    if value is None or isinstance(value, (list, dict, tuple)) or value != value:
        return ""
    if isinstance(value, WrittenFloat):
        return value.text
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _texts(rows: Sequence[Cells], column: str) -> list[str]:
    return [text for row in rows if (text := as_plain(row.get(column)))]


def _are_levels(levels: Sequence[str], rows: Sequence[Cells]) -> bool:
    """Whether columns named like levels hold names: most cells have letters."""
    texts = [text for column in levels for text in _texts(rows, column)]
    return bool(texts) and sum(any(sign.isalpha() for sign in text) for text in texts) > 0.5 * len(texts)


def _are_upside_down(levels: Sequence[str], rows: Sequence[Cells]) -> bool:
    """Whether columns of levels stand from the bottom up: each has fewer values than the one before, and follows it.

    The last one, then the top, has a value in every row.
    """
    if not all(as_plain(row.get(levels[-1])) for row in rows):
        return False
    counts = [len(set(_texts(rows, column))) for column in levels]
    if not all(second <= first for first, second in itertools.pairwise(counts)) or counts[0] == counts[-1]:
        return False
    pairs = {(as_plain(row.get(levels[0])), as_plain(row.get(levels[-1]))) for row in rows}
    return len(pairs) == len({low for low, _ in pairs})


def _cells(rows: Sequence[Cells], column: str) -> list[str]:
    """Return the cells of a column as they are written."""
    return (
        [cell for row in rows if isinstance(cell := row.get(column), str) and cell.strip()] if column else []
    )


def outline_depth(name: str) -> tuple[int, str]:
    """Return how far a name is indented, by blanks or by dashes such as `- - Cholera`, and the name."""
    match = _INDENT.match(name)
    assert match is not None
    dashes = match[0].count("-") + match[0].count("–")
    return (dashes or len(match[0].expandtabs(4))), name[match.end() :].strip()


def _is_outline(names: Sequence[str]) -> bool:
    """Whether the first name is at the top, two and a third are indented, and no level is skipped downwards."""
    depths = [outline_depth(name)[0] for name in names]
    if depths[:1] != [0] or sum(map(bool, depths)) < max(2, len(depths) / 3):
        return False
    rank = {depth: place for place, depth in enumerate(sorted(set(depths)))}
    return all(rank[second] <= rank[first] + 1 for first, second in itertools.pairwise(depths))


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
    found = {"id": "", "name": "", "path": "", "parents": "", "description": ""}
    for column in columns:
        texts = _texts(rows, column)
        if not texts:
            continue
        codes = sum(bool(CODE.fullmatch(text)) for text in texts) >= 0.8 * len(texts)
        if codes and len(set(texts)) == len(texts) and not found["id"]:
            found["id"] = column
        elif not codes and not found["path"] and find_separator(texts, _STRONG):
            found["path"] = column
        elif not codes and not found["name"]:
            found["name"] = column
        elif (
            not codes
            and found["name"]
            and not found["description"]
            and _are_longer(rows, column, found["name"])
        ):
            found["description"] = column
    if not found["name"] and not found["path"]:
        found["name"] = next((column for column in columns if column != found["id"]), columns[0])
    return found


def _are_longer(rows: Sequence[Cells], column: str, names: str) -> bool:
    """Whether the texts of a column have half as many characters again as names, and most rows have one."""
    texts, short = _texts(rows, column), _texts(rows, names)
    return 2 * len(texts) > len(rows) and 2 * sum(map(len, texts)) * len(short) > 3 * sum(
        map(len, short)
    ) * len(texts)


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
