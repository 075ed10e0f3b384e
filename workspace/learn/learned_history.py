"""What a workspace learned: its versions, which is in use, and how two of them differ on labelled items."""

import json
from collections.abc import Sequence

from taxonaut.state.errors import InputError
from taxonaut.workspace.core.core import Core, open_learned
from taxonaut.workspace.core.learned_versions import Adoption, LearnedCard, LearnedVersion, VersionStore
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.learn.gate import Comparison, MeasuredItem, Part, compare, score_parts
from taxonaut.workspace.learn.learning_run import ITEMS, adopt_version
from taxonaut.workspace.learn.round_gate import name_nodes

GIVEN = "given items"


class LearnedHistory:
    """The learned versions of a workspace (`Workspace.learned`)."""

    def __init__(self, workspace: Core) -> None:
        self.workspace = workspace
        self.versions = VersionStore(workspace.folder)

    def log(self) -> list[Adoption]:
        """Return from when on which version was in use, 0 for none, oldest first."""
        return self.versions.log()

    def cards(self) -> list[LearnedCard]:
        """Return the cards of all versions, oldest first."""
        return [self.versions.card(number) for number in self.versions.numbers()]

    def card(self, number: int) -> LearnedCard:
        """Return a version's card. Raises NotFoundError."""
        return self.versions.card(number)

    @property
    def in_use(self) -> int:
        """The version in use, 0 for none."""
        log = self.versions.log()
        return log[-1].number if log else 0

    def adopt(self, number: int, reason: str = "adopted by hand") -> Adoption:
        """Use a version from now on, 0 for none. Raises NotFoundError, InputError if it is in use already."""
        if number == self.in_use:
            what = f"version {number}" if number else "nothing that was learned"
            raise InputError(f"{what} is in use already")
        return adopt_version(self.workspace, number, reason)

    def undo(self) -> Adoption:
        """Use what was in use before the last change. Raises InputError if nothing was adopted yet."""
        done = self.versions.undo()
        self.workspace.wiring.use_learned(open_learned(self.workspace.folder))
        return done

    def compare(self, first: int, second: int, rows: Sequence[ItemRow]) -> Comparison:
        """Compare two versions, 0 for none, by exact search over all labels on labelled items.

        Raises InputError without labelled items, NotFoundError for an unknown version.
        """
        index = self.workspace.index
        items = [
            MeasuredItem(row.item.id, row.item.text, labels)
            for row in rows
            if (labels := index.present(row.gold)) and row.item.text.strip()
        ]
        if not items:
            raise InputError("no labelled item to compare on; give items with labels of the index")
        part = Part(GIVEN, items)
        before, after = (
            score_parts(self.workspace.wiring.with_learned(self.open(number)), [part])[0].rank()
            for number in (first, second)
        )
        return compare(part, before, after, name_nodes(self.workspace))

    def learned_from(self, number: int, rows: Sequence[ItemRow]) -> int:
        """Count the items that a version was learned from."""
        path = self.versions.path(number) / ITEMS
        if not number or not path.is_file():
            return 0
        with self.versions.reading(path):
            units = set(json.loads(path.read_text(encoding="utf-8")))
        return sum(unit_key(row.item) in units for row in rows)

    def open(self, number: int) -> LearnedVersion | None:
        """Open a version, None for 0. Raises NotFoundError."""
        return LearnedVersion(self.versions.card(number), self.versions.path(number)) if number else None
