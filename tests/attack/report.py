"""What an attack found: a table of counts, and each loss in a line."""

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 20
"""So many losses are printed."""


@dataclass
class Report:
    """Counts by row and column, and losses. A loss names the case, so that it can be repeated."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)

    def count(self, row: str, **counts: int) -> None:
        """Add to the counts of a row; a column appears with its first count."""
        self.rows.setdefault(row, Counter()).update(counts)

    def lose(self, row: str, what: str) -> None:
        """Note a loss."""
        self.count(row, lost=1)
        self.losses.append(f"{row}: {what}")

    def table(self) -> str:
        """The table, with a row of sums, and the losses below it."""
        columns = list(
            dict.fromkeys(name for counts in self.rows.values() for name in counts if name != "lost")
        )
        columns.append("lost")
        body = [[row, *(str(counts[name]) for name in columns)] for row, counts in self.rows.items()]
        total = Counter[str]()
        for counts in self.rows.values():
            total.update(counts)
        lines = [["", *(name.replace("_", " ") for name in columns)], *body]
        lines.append(["all", *(str(total[name]) for name in columns)])
        widths = [max(len(line[at]) for line in lines) for at in range(len(columns) + 1)]
        text = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines
        ]
        text += [f"LOST {loss}" for loss in self.losses[:SHOWN]]
        if len(self.losses) > SHOWN:
            text.append(f"and {len(self.losses) - SHOWN} more")
        return "\n".join(text)
