"""The texts behind the template hashes that decisions name."""

from taxonaut.state.database import Database
from taxonaut.state.errors import NotFoundError


class Templates:
    """Every template that ever made a decision here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, hash: str, name: str, text: str) -> None:
        """Keep a template; a hash that is known stays as it is."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO templates (hash, name, text) VALUES (?, ?, ?)", [hash, name, text]
            )

    def text(self, hash: str) -> str:
        """Return the text of a template. Raises NotFoundError for a hash never kept."""
        rows = self._database.rows("SELECT text FROM templates WHERE hash = ?", [hash])
        if not rows:
            raise NotFoundError(
                f"no template with hash {hash!r} was kept; `taxonaut prompts list` shows them"
            )
        return str(rows[0][0])

    def history(self, name: str) -> list[str]:
        """Return the hashes of a template's versions, oldest first."""
        sql = "SELECT hash FROM templates WHERE name = ? ORDER BY kept, hash"
        return [row[0] for row in self._database.rows(sql, [name])]
