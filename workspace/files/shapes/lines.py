"""Recognise how lines of text describe labels: names, paths, ids before paths, an indented outline."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taxonaut.workspace.files.shapes.paths import find_separator

_SHARE = 0.9
_IDENTIFIED = (
    (re.compile(r"(\d[\w.\-]*)\s+-\s+(\S.*)"), "`id - path` a line"),
    (re.compile(r"(\S+)\s+:\s+(\S.*)"), "`id : path` a line"),
    (re.compile(r"(<?(?:https?://|urn:)\S+)\s+(\S.*)"), "`address name` a line"),
    (re.compile(r"(\d+(?:\.\d+)*)[.)]?\s+(\S.*)"), "`number name` a line"),
)
_INDENT = re.compile(r"[ \t\u3000]*")
_BULLET = re.compile(r"(?:[-*+•–]|#+|\d+[.)])\s+")
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
    return Lines([(number, {plain: line}) for number, line in stripped], "a name a line", tuple(notes))


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
