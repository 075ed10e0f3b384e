"""Cells of a table: as text, and made harmless where a spreadsheet would run them as formulas."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from taxonaut.workspace.files.tables import clean_text

LISTS = " | "
"""The separator of several texts in a cell."""

FORMULA = re.compile("[=+\\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)*|[.,]\d+)(?:[eE][+-]?\d+)?\s?%?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is written.

    `type` is DuckDB's name of its type, "" where it follows from the cells. `lists`: what its cells list.
    """

    name: str
    type: str = ""
    lists: Literal["", "path", "paths", "texts"] = ""


def runs_as_formula(text: str) -> bool:
    """Whether a spreadsheet would run a text as a formula: it begins with =, +, -, @, tab or CR and is no number."""
    return bool(FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def cell_text(
    value: object, column: Column | None = None, path_separator: str = " > ", *, decimal_comma: bool = False
) -> str:
    """Return a cell as text: paths joined by `path_separator`, lists of them by `|`; what else is nested as JSON."""
    if value is None or value != value:
        return ""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    lists = column.lists if column is not None and isinstance(value, (list, tuple)) else ""
    if lists and isinstance(value, (list, tuple)):
        texts = [path_separator.join(each) for each in value] if lists == "paths" else map(str, value)
        return clean_text((path_separator if lists == "path" else LISTS).join(texts))
    if isinstance(value, (list, tuple, dict)):
        return clean_text(json.dumps(value, ensure_ascii=False, default=str))
    text = str(value)
    return text.replace(".", ",") if decimal_comma and isinstance(value, float) else text


def unique_names(given: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Return a name for each given column: `input_NAME` where one of `taken` has its name, ignoring case."""
    used = {name.casefold() for name in taken}
    others = {name.casefold() for name in given}
    found = {}
    for name in given:
        chosen = name
        while chosen.casefold() in used or (chosen != name and chosen.casefold() in others):
            chosen = f"input_{chosen}"
        used.add(chosen.casefold())
        found[name] = chosen
    return found
