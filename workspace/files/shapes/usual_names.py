"""The usual names of columns and JSON keys, by what they hold."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from unicodedata import normalize

Role = Literal["id", "name", "path", "parents", "description", "level", "kind"]

USUAL: dict[Role, tuple[str, ...]] = {
    "id": (
        "id", "code", "uri", "iri", "identifier", "notation", "key", "gid", "uid", "hscode", "conceptid",
        "categoryid", "nodeid", "labelid", "topicid", "termid", "uniqueid", "catid", "conceptcode",
        "treenumber", "treenumbers", "concepturi", "classuri", "termuri", "uuid", "guid",
        "nr", "nummer", "kennung", "schlussel", "numero", "codigo", "codice",
    ),
    "name": (
        "name", "label", "preflabel", "preferredlabel", "preferredterm", "preferredname", "canonicalname", "title",
        "category", "categoryname", "displayname", "labelname", "term", "topic", "subject", "heading", "caption",
        "categorytitle", "text", "value", "child", "narrower", "hyponym",
        "target", "to", "tag", "intent", "bezeichnung", "benennung", "titel", "kategorie", "nom", "libelle",
        "intitule", "categorie", "nombre", "denominacion", "categoria", "nome", "denominazione", "naam",
        "description", "definition",
    ),
    "path": (
        "path", "categorypath", "fullpath", "fullname", "breadcrumb", "breadcrumbs", "hierarchy", "taxonomypath",
        "producttype", "googleproductcategory", "nodepath", "browsepath", "treepath", "fullcategorypath",
        "fullyqualifiedname", "breadcrumbpath", "labelpath", "pathname",
        "pfad", "kategoriepfad", "chemin", "ruta",
    ),
    "parents": (
        "parents", "parent", "parentid", "parentids", "parentcode", "parenturi", "parentuid", "parentkey", "broader",
        "broaderid", "broaderuri", "parentcategory", "parentcategoryid", "parentname", "parentlabel", "parentnode",
        "parentnodeid", "hypernym", "source", "from", "oberbegriff", "oberkategorie", "ubergeordnet",
        "elternkategorie",
    ),
    "description": (
        "description", "definition", "desc", "scopenote", "note", "notes", "comment", "explanation", "gloss",
        "beschreibung", "definitionen", "descripcion", "descrizione", "omschrijving",
    ),
    "level": (
        "level", "depth", "indent", "indentation", "hierarchylevel", "tier", "lvl", "ebene", "niveau", "stufe",
        "nivel", "livello",
    ),
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

CHAINS = (
    ("segment", "family", "class", "brick"),
    ("segment", "family", "class", "commodity"),
    ("domain", "field", "subfield", "topic"),
    ("sector", "industrygroup", "industry", "subindustry"),
    ("section", "division", "group", "class"),
    ("division", "department", "category", "subcategory"),
    ("department", "category", "subcategory", "segment"),
    ("department", "class", "subclass"),
    ("area", "subarea", "topic"),
    ("kingdom", "phylum", "class", "order", "family", "genus", "species"),
)
"""Usual names of levels that have names of their own, from the top down."""

_SURE = 3
_LEVEL = re.compile(
    r"(?:level|lvl|lev|l|cat|category|categorylevel|tier|ebene|niveau|stufe|nivel|livello|kategorie|categorie|categoria|depth|hierarchy|group|taxonomylevel|name|h)(\d{1,2})"
)
_SUB = re.compile(
    r"((?:sub|unter|sous|sotto)*)(?:haupt)?(?:category|cat|topic|group|class|kategorie|gruppe|klasse|categorie|groupe|categoria|grupo)"
)
_CODE_WORDS = frozenset({"code", "codes", "id", "ids", "uri", "iri", "notation", "identifier"})
_OTHER_WORDS = frozenset(
    {
        "parent",
        "postal",
        "zip",
        "country",
        "language",
        "lang",
        "currency",
        "colour",
        "color",
        "file",
        "user",
        "brand",
    }
)
_BELOW = re.compile(r"sub|unter|sous|sotto")
_LANGUAGE_TAIL = re.compile(r"[ _@.:(\-]+([a-z]{2,3}|english|german|deutsch|french|spanish)\)?\Z", re.I)


def fold(name: str) -> str:
    """Return a column's name in lower case, without blanks, punctuation and accents."""
    plain = name if name.isascii() else normalize("NFKD", name)
    return "".join(character for character in plain.casefold() if character.isalnum())


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
            subs.setdefault(len(_BELOW.findall(match[1])), column)
    best = max(numbered.values(), key=len, default={})
    if len(best) < 2:
        best = subs if len(subs) > 1 and 0 in subs else {}
    return [column for _, column in sorted(best.items())] or _find_chain(columns)


def _find_chain(columns: Sequence[str]) -> list[str]:
    """Return the columns called like the levels of a usual chain, at least three of one."""
    folded = {fold(column): column for column in reversed(columns)}
    found = [[folded[name] for name in chain if name in folded] for chain in CHAINS]
    best = max(found, key=len)
    return best if len(best) >= _SURE else []


def find_code_column(columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> str:
    """Return the column whose name has the word code, id, number or uri, and whose cells are all there and differ."""
    for column in columns:
        words = _words(column)
        if not words & _CODE_WORDS or words & _OTHER_WORDS:
            continue
        cells = [str(row.get(column) or "").strip() for row in rows]
        if all(cells) and len(set(cells)) == len(cells):
            return column
    return ""


def find_worded(columns: Sequence[str], words: Sequence[str]) -> str:
    """Return the column with one of some words in its name, such as `NAICS_TITLE`, the first word's first.

    "" if several columns have a word.
    """
    for word in words:
        found = [
            column
            for column in columns
            if word in _words(column) and not _words(column) & (_OTHER_WORDS - {word})
        ]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""


def find_level_texts(columns: Sequence[str], titled: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return the column of each level's texts, such as `FamilyDefinition` next to `FamilyTitle`, or ""."""
    found = []
    for code, title in titled:
        stems = {fold(code).removesuffix("code").removesuffix("id")}
        names = {f"{stem}{word}" for stem in stems for word in ("definition", "description", "desc")}
        texts = [
            column
            for column in columns
            if column != title and any(fold(column) in (name, f"{name}includes") for name in names)
        ]
        found.append(texts[0] if texts else "")
    return tuple(found) if any(found) else ()


def _words(column: str) -> set[str]:
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", column)
    return {word.casefold() for word in re.findall(r"[^\W\d_]+", parted)}


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
