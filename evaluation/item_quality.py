"""What a method answered for each item, next to what is right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taxonaut.evaluation.harness import Report
from taxonaut.state.ids import LabelId
from taxonaut.state.index.reader import IndexReader
from taxonaut.state.records import Item
from taxonaut.workspace.files.item_files import ItemRow

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemQuality:
    """One item under one method: its right labels, and the first `Report.set_size` answers, with their paths.

    `first_hit` is the rank of the first right label in the method's whole ranking, None if there is none.
    `failed`: a request about it failed.
    """

    method: str
    item: Item
    gold: tuple[LabelId, ...]
    gold_paths: tuple[Path, ...]
    answers: tuple[LabelId, ...]
    answer_paths: tuple[Path, ...]
    first_hit: int | None
    failed: bool

    @property
    def hits(self) -> tuple[LabelId, ...]:
        """The right labels that were answered."""
        return tuple(label for label in self.gold if label in self.answers)

    @property
    def missed(self) -> tuple[LabelId, ...]:
        """The right labels that were not answered."""
        return tuple(label for label in self.gold if label not in self.answers)

    @property
    def wrong(self) -> tuple[LabelId, ...]:
        """The answers that are not right."""
        return tuple(label for label in self.answers if label not in self.gold)


def measure_items(index: IndexReader, report: Report, rows: Sequence[ItemRow]) -> Iterator[ItemQuality]:
    """Yield every item under every method of a report, also items without right labels."""
    paths: dict[LabelId, Path] = {}

    def path_of(labels: Sequence[LabelId]) -> tuple[Path, ...]:
        new = [label for label in labels if label not in paths]
        found = index.paths_of(new)
        for label in index.labels(new):
            paths[label.id] = found[label.id][0] if found[label.id] else (label.name,)
        return tuple(paths[label] for label in labels)

    for method in report.methods:
        for row in rows:
            ranking = tuple(dict.fromkeys(method.predictions.get(row.item.id, ())))
            answers = ranking[: report.set_size]
            yield ItemQuality(
                method.method,
                row.item,
                row.gold,
                path_of(row.gold),
                answers,
                path_of(answers),
                next((rank for rank, label in enumerate(ranking, start=1) if label in row.gold), None),
                row.item.id in method.failed_items,
            )
