"""Stored template versions by hash, and sample variables of templates."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.state.db.connection import Database
from taxonaut.state.errors import NotFoundError

KEPT = 8
"""Number of samples stored per template, the newest ones."""


class TemplateSamples:
    """Sample variables with which templates were rendered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, samples: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Store (template, variables) samples of plain values, the newest `KEPT` per template."""
        if not samples:
            return
        rows = [(template, variables_json(variables)) for template, variables in samples]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO template_samples (template, key, variables, kept) "
                "VALUES (?, ?, ?, now() AT TIME ZONE 'UTC')",
                [[template, sample_key(text), text] for template, text in dict.fromkeys(rows)],
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


def variables_json(variables: Mapping[str, Any]) -> str:
    """Encode variables as JSON in ASCII, because texts may contain lone surrogates."""
    return json.dumps(dict(variables), sort_keys=True)


def sample_key(text: str) -> str:
    """Return a short hash that identifies a sample."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


_VERSIONS = "SELECT hash, name, text, kept FROM templates"


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """A stored template version. `text` is that of its main file; `kept` the time of storage, UTC, ISO 8601."""

    hash: str
    name: str
    text: str
    kept: str


class Templates:
    """Every template version that was ever used for a decision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, hash: str, name: str, text: str, files: Mapping[str, str] | None = None) -> None:
        """Store a template; a known hash is left unchanged.

        `files` maps loader names to all its sources: its own, and those it extends or includes.
        """
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO templates (hash, name, text) VALUES (?, ?, ?)", [hash, name, text]
            )
            for file, source in (files or {}).items():
                connection.execute(
                    "INSERT OR IGNORE INTO template_files (hash, file, text) VALUES (?, ?, ?)",
                    [hash, file, source],
                )

    def unkept(self, hashes: Sequence[str]) -> set[str]:
        """Return the hashes that are not stored with all their files."""
        sql = "SELECT hash FROM templates WHERE hash IN (SELECT hash FROM template_files)"
        return set(hashes) - {row[0] for row in self._database.rows(sql)}

    def text(self, hash: str) -> str:
        """Return the text of a template. Raises NotFoundError for an unknown hash."""
        rows = self._database.rows("SELECT text FROM templates WHERE hash = ?", [hash])
        if not rows:
            raise NotFoundError(f"no template with hash {hash!r} was kept; `taxonaut prompts log` shows them")
        return str(rows[0][0])

    def files(self, hash: str) -> dict[str, str]:
        """Return all sources of a hash by name; empty for one stored by an older taxonaut."""
        sql = "SELECT file, text FROM template_files WHERE hash = ? ORDER BY rowid"
        return dict(self._database.rows(sql, [hash]))

    def beginning(self, prefix: str) -> list[TemplateVersion]:
        """Return the versions whose hashes start with a prefix, oldest first."""
        sql = f"{_VERSIONS} WHERE starts_with(hash, ?) ORDER BY kept, hash"
        return [_version(row) for row in self._database.rows(sql, [prefix])]

    def history(self, name: str) -> list[str]:
        """Return the hashes of a template's versions, oldest first."""
        sql = "SELECT hash FROM templates WHERE name = ? ORDER BY kept, hash"
        return [row[0] for row in self._database.rows(sql, [name])]


def _version(row: tuple[object, ...]) -> TemplateVersion:
    hash_, name, text, kept = row
    return TemplateVersion(str(hash_), str(name), str(text), kept.isoformat(timespec="seconds"))  # type: ignore[attr-defined]
