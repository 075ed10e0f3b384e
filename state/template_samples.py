"""What templates were rendered with: the variables of a few real decisions of each."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from taxonaut.state.database import Database

KEPT = 8
"""Samples of a template that are kept, the newest."""


class TemplateSamples:
    """The samples of a workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, samples: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Keep templates' variables, which are plain values; of each template the newest stay."""
        if not samples:
            return
        rows = [(template, packed(variables)) for template, variables in samples]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO template_samples (template, key, variables, kept) "
                "VALUES (?, ?, ?, now() AT TIME ZONE 'UTC')",
                [[template, key_of(text), text] for template, text in dict.fromkeys(rows)],
            )
            connection.execute(
                """
                DELETE FROM template_samples WHERE (template, key) IN (
                    SELECT (template, key) FROM template_samples
                    QUALIFY row_number() OVER (PARTITION BY template ORDER BY kept DESC, rowid DESC) > ?
                )
                """,
                [KEPT],
            )

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Return the variables of each template's samples, the oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        sql = "SELECT template, variables FROM template_samples ORDER BY template, kept, rowid"
        for template, variables in self._database.rows(sql):
            found.setdefault(template, []).append(json.loads(variables))
        return found


def packed(variables: Mapping[str, Any]) -> str:
    """Write variables as JSON; in ASCII, as texts may hold halves of a sign."""
    return json.dumps(dict(variables), sort_keys=True)


def key_of(text: str) -> str:
    """What makes two samples the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
