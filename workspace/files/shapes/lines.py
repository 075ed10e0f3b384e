"""Recognise how lines of text describe labels: names, paths, ids before paths, an indented outline."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from taxonaut.workspace.files.shapes.dialect import CODE
from taxonaut.workspace.files.shapes.paths import find_separator
from taxonaut.workspace.files.shapes.usual_names import is_known

PLAIN_LINES = "a name a line"
"""The shape of lines in which nothing was seen."""

_SHARE = 0.9
_DIVIDERS = ("\t", ";", "|")
_IDENTIFIED = (
    (re.compile(r"(\d[\w.\-]*)\s+-\s+(\S.*)"), "`id - path` a line"),
    (re.compile(r"(\S+)\s+:\s+(\S.*)"), "`id : path` a line"),
    (re.compile(r"(<?(?:https?://|urn:)\S+)\s+(\S.*)"), "`address name` a line"),
    (re.compile(r"(\d+(?:\.\d+)*)[.)]?\s+(\S.*)"), "`number name` a line"),
    (re.compile(r"([A-Z]{0,3}\d[\w.\-/]*)(?:\t|\s{2,})(\S.*)"), "`code name` a line"),
    (re.compile(r"([A-Z]{1,3}\d[\d.\-]*[A-Z]?)\s+(\S.*)"), "`code name` a line"),
)
_ORDER_FILE = re.compile(r"\d{5} (\S{3,8}) +([01]) (.{60}) (\S.*)")
"""ICD-10-CM and ICD-10-PCS as the CMS publishes them: a number, a code, 1 for a code that is used, two titles."""
_TAGGED = re.compile(r"([a-z]{2,3}):\s*([^:\s][^:]*)\Z")
_FOOD_LINE = re.compile(r"(?:<\s*)?[a-z_]+:")
_FOOD_RULES = frozenset({"stopwords", "synonyms"})
_MARK = "__label__"
_INDENT = re.compile(r"[ \t\u3000]*")
_ITEM = r"[-*+•–]|\d+[.)]"
LIST_ITEM = re.compile(rf"(?:{_ITEM})\s+")
"""Begins an item of a list in Markdown."""

_BULLET = re.compile(rf"(?:{_ITEM}|#+)\s+")
_TREE_CHARACTERS = re.compile(r"[│├└─┬|`\- ]*(?:[├└]──?|\|--|`--|\+--)\s*")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines as rows of columns, what shape was seen, and what was passed over."""

    rows: list[tuple[int, dict[str, object]]]
    shape: str
    notes: tuple[str, ...] = ()
    separator: str = ""


def read_lines_shape(lines: Sequence[tuple[int, str]], plain: str, separator: str = "") -> Lines:
    """Return the rows that numbered lines describe. `separator` is that of paths, if the caller gave one.

    `#` lines before the first other line are passed over. A line of one id and one path gets the columns `id` and
    `path`, a path `path`, an indented outline a list as `path`, any other line the column `plain`.
    """
    kept = list(lines)
    notes: list[str] = []
    comments = 0
    while comments < len(kept) - 1 and kept[comments][1].lstrip().startswith("#"):
        comments += 1
    is_markdown = sum(line.lstrip().startswith("#") for _, line in kept) > comments and comments > 0
    if comments and not is_markdown:
        shown = ", ".join(repr(line.strip()[:60]) for _, line in kept[:3][:comments])
        notes.append(f"passed over {comments} comment lines: {shown}")
        kept = kept[comments:]
    outline = _read_outline(kept)
    if outline is not None:
        return Lines(outline, "an indented outline", tuple(notes))
    stripped = [(number, line.strip()) for number, line in kept]
    special = (
        _read_mesh(stripped, plain)
        or _read_food_taxonomy(stripped)
        or _read_order_file(stripped)
        or _read_marked(stripped, plain)
        or _read_divided(stripped)
    )
    if special is not None:
        return replace(special, notes=(*notes, *special.notes))
    for pattern, shape in _IDENTIFIED:
        matches = [pattern.fullmatch(line) for _, line in stripped]
        found = [match for match in matches if match]
        ids = {match[1] for match in found}
        if len(found) < max(2, _SHARE * len(stripped)) or len(ids) < len(found):
            continue
        paths = [match[2] for match in found]
        steps = separator or find_separator(paths)
        if "number" in shape and not _is_numbered(sorted(ids)):
            continue
        skipped = [line for (_, line), match in zip(stripped, matches, strict=True) if not match]
        if skipped:
            notes.append(f"passed over {len(skipped)} lines of another form, first {skipped[0][:60]!r}")
        column = "path" if steps else plain
        rows: list[tuple[int, dict[str, object]]] = [
            (number, {"id": match[1], column: match[2]})
            for (number, _), match in zip(stripped, matches, strict=True)
            if match
        ]
        return Lines(rows, shape if steps else shape.replace("path", "name"), tuple(notes), steps)
    texts = [line for _, line in stripped]
    steps = separator if separator and any(separator in text for text in texts) else find_separator(texts)
    if steps:
        return Lines(
            [(number, {"path": line}) for number, line in stripped], "a path a line", tuple(notes), steps
        )
    return Lines([(number, {plain: line}) for number, line in stripped], PLAIN_LINES, tuple(notes))


def _read_food_taxonomy(lines: Sequence[tuple[int, str]]) -> Lines | None:
    """Read a taxonomy of Open Food Facts: blocks of `< parent` lines, names by language, and properties.

    The first line with names gives the entry's language, its name and other names; those of other languages are
    alternative names, too. A parent is named by any name of its language.
    """
    above = sum(line.startswith("<") and bool(_TAGGED.match(line[1:].strip())) for _, line in lines)
    if not above or sum(bool(_FOOD_LINE.match(line)) for _, line in lines) < _SHARE * len(lines):
        return None
    blocks: list[list[tuple[int, str]]] = []
    for number, line in lines:
        if not blocks or number > blocks[-1][-1][0] + 1:
            blocks.append([])
        blocks[-1].append((number, line))
    rows: list[tuple[int, dict[str, object]]] = []
    ids: dict[str, str] = {}
    parents: list[list[str]] = []
    passed = 0
    for block in blocks:
        named = [(number, match) for number, line in block if (match := _TAGGED.match(line))]
        if not named or named[0][1][1] in _FOOD_RULES:
            passed += 1
            continue
        number, first = named[0]
        names = [[name.strip() for name in match[2].split(",")] for _, match in named]
        id = f"{first[1]}:{names[0][0]}"
        ids.update(
            {
                f"{match[1]}:{name}".casefold(): id
                for (_, match), own in zip(named, names, strict=True)
                for name in own
            }
        )
        parents.append([line[1:].strip() for _, line in block if line.startswith("<")])
        rows.append(
            (number, {"id": id, "name": names[0][0], "alternatives": [n for own in names for n in own][1:]})
        )
    for (_, row), over in zip(rows, parents, strict=True):
        tags = [_TAGGED.match(each) for each in over]
        row["parents"] = [
            ids.get(f"{tag[1]}:{tag[2].strip()}".casefold(), each)
            for tag, each in zip(tags, over, strict=True)
            if tag
        ]
    notes = (f"passed over {passed} blocks of rules, such as stop words",) if passed else ()
    return Lines(rows, "a taxonomy of Open Food Facts", notes)


def _read_order_file(lines: Sequence[tuple[int, str]]) -> Lines | None:
    """Read an order file of ICD-10: columns of fixed width."""
    matches = [_ORDER_FILE.fullmatch(line) for _, line in lines]
    rows: list[tuple[int, dict[str, object]]] = [
        (number, {"id": match[1], "name": match[4].strip()})
        for (number, _), match in zip(lines, matches, strict=True)
        if match
    ]
    return Lines(rows, "an order file of ICD-10") if rows and len(rows) == len(lines) else None


def _read_marked(lines: Sequence[tuple[int, str]], plain: str) -> Lines | None:
    """Read fastText's labels, `__label__name`; `-` and `_` in them stay."""
    if not all(line.startswith(_MARK) and " " not in line for _, line in lines):
        return None
    rows: list[tuple[int, dict[str, object]]] = [
        (number, {"id": line, plain: line.removeprefix(_MARK)}) for number, line in lines
    ]
    return Lines(rows, "fastText's labels")


def _read_divided(lines: Sequence[tuple[int, str]]) -> Lines | None:
    """Read lines of a name and a code, or a code and a name, divided by a tab, `;` or `|`."""
    for divider in _DIVIDERS:
        cells = [[cell.strip() for cell in line.split(divider)] for _, line in lines]
        if len(lines) < 2 or any(len(each) != 2 or not all(each) for each in cells):
            continue
        for at in (0, 1):
            codes = [each[at] for each in cells]
            if all(CODE.fullmatch(code) for code in codes) and len(set(codes)) > 1:
                rows: list[tuple[int, dict[str, object]]] = [
                    (number, {"id": each[at], "name": each[1 - at]})
                    for (number, _), each in zip(lines, cells, strict=True)
                ]
                shape = "`code{0}name` a line" if at == 0 else "`name{0}code` a line"
                return Lines(rows, shape.format({"\t": " (tab) "}.get(divider, divider)))
    return None


def _read_mesh(lines: Sequence[tuple[int, str]], plain: str) -> Lines | None:
    """Read MeSH's descriptors in ASCII: records of `MH = …`, a tree by their tree numbers (MN)."""
    if not lines or lines[0][1] != "*NEWRECORD":
        return None
    records: list[tuple[int, dict[str, list[str]]]] = []
    for number, line in lines:
        if line == "*NEWRECORD":
            records.append((number, {}))
            continue
        key, divided, value = line.partition(" = ")
        if divided:
            records[-1][1].setdefault(key, []).append(value)
    named = [(number, fields) for number, fields in records if "MH" in fields and "UI" in fields]
    by_place = {place: fields["UI"][0] for _, fields in named for place in fields.get("MN", ())}
    rows: list[tuple[int, dict[str, object]]] = []
    for number, fields in named:
        above = [by_place.get(place.rpartition(".")[0]) for place in fields.get("MN", ())]
        others = [*fields.get("ENTRY", ()), *fields.get("PRINT ENTRY", ())]
        row: dict[str, object] = {
            "id": fields["UI"][0],
            plain: fields["MH"][0],
            "parents": [*dict.fromkeys(parent for parent in above if parent)],
            "description": " ".join(fields.get("MS", ())),
            "alternatives": [*dict.fromkeys(other.partition("|")[0] for other in others)],
        }
        rows.append((number, row))
    passed = len(records) - len(named)
    notes = (f"passed over {passed:,} records without a heading (MH)",) if passed else ()
    return Lines(rows, "descriptors of MeSH, a tree by their tree numbers", notes)


def find_table(lines: Sequence[tuple[int, str]]) -> str:
    """Return `tsv` or `csv` where lines are the rows of a table, "" where they are none.

    All lines have the same number of tabs; or the first is of quoted fields, or of usual names of columns, and all
    have as many fields.
    """
    texts = [line for _, line in lines if not line.startswith("#")]
    if len(texts) < 2:
        return ""
    tabs = {text.count("\t") for text in texts}
    if len(tabs) == 1 and tabs != {0} and not any(text.startswith("\t") for text in texts):
        return "tsv"
    for delimiter in ",;|":
        widths = {len(record) for record in csv.reader(texts, delimiter=delimiter)}
        names = next(csv.reader(texts[:1], delimiter=delimiter))
        known = sum(map(is_known, names)) > 1 or (texts[0].startswith('"') and texts[0].endswith('"'))
        if len(widths) == 1 and len(names) > 1 and known:
            return "csv"
    return ""


def _is_numbered(ids: Sequence[str]) -> bool:
    """Whether numbers such as 1, 1.1, 1.2 number an outline, and are no part of names such as `3 wheels`."""
    return sum("." in each for each in ids) >= 0.3 * len(ids)


def _read_outline(lines: Sequence[tuple[int, str]]) -> list[tuple[int, dict[str, object]]] | None:
    """Read lines whose indentation, bullets or tree characters say what is below what; None if none do."""
    drawn = sum(bool(_TREE_CHARACTERS.match(line)) for _, line in lines)
    entries: list[tuple[int, int, str]] = []
    for number, line in lines:
        text = line.rstrip()
        if drawn > 1:
            match = _TREE_CHARACTERS.match(text)
            depth, name = (match.end(), text[match.end() :]) if match else (0, text.strip())
        else:
            indent = _INDENT.match(text.expandtabs(4))
            depth, name = (indent.end() if indent else 0), text.strip()
            heading = re.match(r"(#{1,6})\s+", name)
            bullet = _BULLET.match(name)
            if heading:
                depth = len(heading[1]) - 100
            if bullet:
                name = name[bullet.end() :]
        if name.strip():
            entries.append((number, depth, name.strip()))
    depths = {depth for _, depth, _ in entries}
    below = [line for _, line in lines if line[:1] in " \t"]
    stray = drawn < 2 and len(below) == 1 and not below[0].startswith("\t") and len(entries) > 2
    if len(depths) < 2 or entries[0][1] != min(depths) or stray:
        return None
    rows: list[tuple[int, dict[str, object]]] = []
    above: list[tuple[int, str]] = []
    for number, depth, name in entries:
        while above and above[-1][0] >= depth:
            above.pop()
        above.append((depth, name))
        rows.append((number, {"path": [step for _, step in above]}))
    return rows
