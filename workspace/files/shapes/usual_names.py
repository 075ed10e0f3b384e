"""The usual names of columns and JSON keys, by what they hold."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

Role = Literal["id", "name", "path", "parents", "description", "level", "kind"]

USUAL: dict[Role, tuple[str, ...]] = {
    "id": (
        "id", "code", "uri", "iri", "identifier", "notation", "key", "gid", "uid", "hscode", "conceptid",
        "categoryid", "nodeid", "labelid", "topicid", "termid", "uniqueid", "catid", "conceptcode",
        "treenumber", "treenumbers",
    ),
    "name": (
        "name", "label", "preflabel", "title", "category", "categoryname", "displayname", "labelname", "term",
        "topic", "subject", "heading", "caption", "categorytitle", "text", "value", "child", "narrower", "hyponym",
        "target", "to", "description", "definition",
    ),
    "path": (
        "path", "categorypath", "fullpath", "fullname", "breadcrumb", "breadcrumbs", "hierarchy", "taxonomypath",
        "producttype", "googleproductcategory",
    ),
    "parents": (
        "parents", "parent", "parentid", "parentids", "parentcode", "parenturi", "parentuid", "parentkey", "broader",
        "broaderid", "broaderuri", "parentcategory", "parentcategoryid", "parentname", "parentlabel", "parentnode",
        "parentnodeid", "hypernym", "source", "from",
    ),
    "description": (
        "description", "definition", "desc", "scopenote", "note", "notes", "comment", "explanation", "gloss",
    ),
    "level": ("level", "depth", "indent", "indentation", "hierarchylevel", "tier", "lvl", "ebene", "niveau"),
    "kind": ("kind",),
}  # fmt: skip
"""Names without blanks and punctuation, the surest first."""

ITEM_NAMES = ("text", "labels", "labelids", "gold", "content", "body", "sentence", "subjects", "subjecturis")
CHILDREN = (
    "children", "child", "childs", "kids", "narrower", "subcategories", "subcategory", "subs", "subtopics",
    "subclasses", "nodes", "items", "topics", "concepts", "categories", "members", "childnodes", "descendants",
    "branches", "values",
)  # fmt: skip
"""Usual keys of the list of what is below, in nested JSON."""

_SURE = 3
_LEVEL = re.compile(
    r"(?:level|lvl|lev|l|cat|category|categorylevel|tier|ebene|niveau|depth|hierarchy|group|taxonomylevel|name|h)(\d{1,2})"
)
_SUB = re.compile(r"((?:sub)*)(?:category|cat|topic|group|class)")
_LANGUAGE_TAIL = re.compile(r"[ _@.:(\-]+([a-z]{2,3}|english|german|deutsch|french|spanish)\)?\Z", re.I)


def fold(name: str) -> str:
    """Return a column's name in lower case, without blanks and punctuation."""
    return "".join(character for character in name.casefold() if character.isalnum())


KNOWN = frozenset(name for names in USUAL.values() for name in names) | frozenset(ITEM_NAMES)


def is_known(name: str) -> bool:
    """Whether a cell is a usual name of a column."""
    folded = fold(name)
    return folded in KNOWN or bool(_LEVEL.fullmatch(folded)) or fold(_LANGUAGE_TAIL.sub("", name)) in KNOWN


def find_column(columns: Sequence[str], role: Role, taken: Iterable[str] = ()) -> str:
    """Return the column with the surest usual name of a role, or "".

    A name may end in a language, such as `label_fi`; English goes before others.
    """
    free = [column for column in columns if column not in set(taken)]
    folded = {fold(column): column for column in reversed(free)}
    for name in USUAL[role]:
        if name in folded:
            return folded[name]
        tagged = [column for column in free if fold(_LANGUAGE_TAIL.sub("", column)) == name]
        if tagged:
            english = [column for column in tagged if _language(column) in ("en", "eng", "english")]
            return (english or tagged)[0]
    for column in free:
        first = fold(re.split(r"[\s,;(\[/:]", column.strip(), maxsplit=1)[0])
        if first in USUAL[role][:_SURE]:
            return column
    return ""


def find_levels(columns: Sequence[str]) -> list[str]:
    """Return the columns of a path's steps from the top down, such as `level 1` … `level 4`; [] if there are none."""
    numbered: dict[str, dict[int, str]] = {}
    subs: dict[int, str] = {}
    for column in columns:
        folded = fold(column)
        if match := _LEVEL.fullmatch(folded):
            numbered.setdefault(folded[: match.start(1)], {})[int(match[1])] = column
        if match := _SUB.fullmatch(folded):
            subs.setdefault(len(match[1]) // 3, column)
    best = max(numbered.values(), key=len, default={})
    if len(best) < 2:
        best = subs if len(subs) > 1 and 0 in subs else {}
    return [column for _, column in sorted(best.items())]


def find_titled(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs of columns (code, title) of a path's steps, such as `Segment`, `Segment Title`, or []."""
    folded = {fold(column): column for column in columns}
    pairs = []
    for name, column in folded.items():
        for tail in ("title", "name", "description", "label"):
            code = name.removesuffix(tail)
            other = folded.get(code) or folded.get(f"{code}code") or folded.get(f"{code}id")
            if (
                code
                and code != name
                and other
                and code not in ("category", "concept", "label", "node", "parent")
            ):
                pairs.append((other, column))
                break
    return pairs if len(pairs) > 1 else []


def _language(column: str) -> str:
    match = _LANGUAGE_TAIL.search(column)
    return match[1].casefold() if match else ""
