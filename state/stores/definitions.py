"""Written definitions of labels, with descriptive names and their sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.db.json_codec import pack, unpack
from taxonaut.state.ids import ItemId, LabelId, RunId

_COLUMNS = (
    "label", "title", "definition", "fingerprint", "items", "template", "template_hash", "model", "run",
)  # fmt: skip
_READ = ", ".join(f"definitions.{column}" for column in (*_COLUMNS, "made"))
_STANDING = f"""
SELECT {_READ}
FROM definitions JOIN labels ON labels.id = definitions.label AND description = definition
WHERE $1 IS NULL OR label IN (SELECT unnest($1::VARCHAR[]))
ORDER BY definitions.rowid
"""


COMPOSED = "composed"
"""The `template` of a definition that an encoder composed."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A label's descriptive name and definition, written by a model or composed from terms.

    `fingerprint` covers all sources and settings; `items` are those that were shown. `made` is the time of storage in
    UTC, ISO 8601, empty before.
    """

    label: LabelId
    title: str
    definition: str
    fingerprint: str
    items: tuple[ItemId, ...]
    template: str
    template_hash: str
    model: str
    run: RunId
    made: str = ""


class Definitions:
    """All definitions ever written; the index determines which are current.

    A definition is current while it is its label's description, so that `undo` restores the title as well.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, definitions: Sequence[Definition]) -> None:
        """Store definitions; of two with the same label and text the last counts."""
        rows = [
            (
                each.label, each.title, each.definition, each.fingerprint, pack(each.items), each.template,
                each.template_hash, each.model, each.run,
            )
            for each in definitions
        ]  # fmt: skip
        if rows:
            self._database.append("definitions", _COLUMNS, rows)

    def standing(self, labels: Sequence[LabelId] | None = None) -> dict[LabelId, Definition]:
        """Return the current definitions, optionally of some labels."""
        rows = self._database.rows(_STANDING, [None if labels is None else list(labels)])
        return {LabelId(row[0]): _definition(row) for row in rows}


def _definition(row: Sequence[Any]) -> Definition:
    label, title, definition, fingerprint, items, template, template_hash, model, run, made = row
    return Definition(
        LabelId(label),
        title,
        definition,
        fingerprint,
        tuple(map(ItemId, unpack(items))),
        template,
        template_hash,
        model,
        RunId(run),
        made.isoformat(timespec="seconds"),
    )
