"""Find items where the general expert contradicts a confident domain expert: wrong labels, or blind spots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from taxonaut.models.expert.classifier import Explains
from taxonaut.state.ids import LabelId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.text_format import clipped
from taxonaut.workspace.expert.audit_file import Audit, Audited
from taxonaut.workspace.expert.experts import Experts
from taxonaut.workspace.expert.training_data import Example
from taxonaut.workspace.files.result_files import RowFormat
from taxonaut.workspace.files.table_writers.cells import Column
from taxonaut.workspace.files.tables import clean_text

NEAREST = 2
"""Training products shown as the reason of the domain expert's choice."""

SHOWN = 80
"""Maximum characters shown of a training product."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item above the threshold on which the experts disagree.

    `domain`, `general` and `gold` are paths from the top to the category's name; `general` is None if the general
    expert found that no candidate fits. `domain_reason` has the domain expert's probability and the words and
    training products that support it.
    """

    row: Audited
    domain: tuple[str, ...]
    general: tuple[str, ...] | None
    gold: tuple[tuple[str, ...], ...]
    domain_reason: str
    general_reason: str

    @property
    def right(self) -> str:
        """Which expert is right: `domain`, `general` or `neither`; empty without gold labels."""
        if not self.row.gold:
            return ""
        if self.row.domain in self.row.gold:
            return "domain"
        return "general" if self.row.general in self.row.gold else "neither"


def find_disagreements(workspace: Core, audit: Audit, threshold: float) -> list[Disagreement]:
    """Return the items at or above a threshold on which the experts disagree, most confident first."""
    rows = [row for row in audit.rows if row.recommended.confidence >= threshold and disagrees(row)]
    rows.sort(key=lambda row: -row.recommended.confidence)
    named = {label for row in rows for label in (row.domain, row.general, *row.gold) if label is not None}
    known = set(workspace.index.label_ids())
    paths = workspace.index.paths_of(sorted(named & known))
    reasons = domain_reasons(workspace, audit.expert, rows)

    def path(label: LabelId) -> tuple[str, ...]:
        return (paths.get(label) or [(str(label),)])[0]

    return [
        Disagreement(
            row,
            path(row.recommended.labels[0]),
            None if row.general is None else path(row.general),
            tuple(map(path, row.gold)),
            reason,
            row.said.reason if row.said is not None else "",
        )
        for row, reason in zip(rows, reasons, strict=True)
    ]


def disagrees(row: Audited) -> bool:
    """Whether the general expert chose another category, or found that none fits."""
    return row.said is not None and (
        row.said.verdict == "none" or (row.said.verdict == "general" and row.general != row.domain)
    )


def domain_reasons(workspace: Core, expert: int, rows: Sequence[Audited]) -> list[str]:
    """Say for each item why the domain expert chose its category.

    By the words that speak for the category, if the classifier `Explains`, and by the nearest training products.
    """
    if not rows:
        return []
    experts = Experts(workspace)
    classifier = experts.classifier(expert)
    examples = experts.examples(expert)
    found = []
    for row in rows:
        label = row.recommended.labels[0]
        words = ""
        if isinstance(classifier, Explains) and label in classifier.labels:
            words = classifier.explain(row.item.text, label)
        like = describe_nearest(workspace, row.item.text, examples.get(label, ()))
        said = [f"{row.recommended.confidence:.1%}", *([f"for {words}"] if words else []), like]
        found.append("; ".join(said))
    return found


def describe_nearest(workspace: Core, text: str, examples: Sequence[Example]) -> str:
    """Name the training products of a category most similar to a text."""
    if not examples:
        return "no training product; known by the category's text"
    texts = list(dict.fromkeys(example.item.text for example in examples))
    vectors = workspace.wiring.stored.lookup([text, *texts])
    likeness = vectors[1:] @ vectors[0]
    best = sorted(range(len(texts)), key=lambda place: (-float(likeness[place]), place))[:NEAREST]
    return "like " + " and ".join(f"“{clipped(' '.join(texts[place].split()), SHOWN)}”" for place in best)


COLUMNS = (
    Column("text", "VARCHAR"),
    Column("confidence", "DOUBLE"),
    Column("domain", "VARCHAR"),
    Column("domain_path", "VARCHAR[]", "path"),
    Column("domain_reason", "VARCHAR"),
    Column("general", "VARCHAR"),
    Column("general_path", "VARCHAR[]", "path"),
    Column("general_reason", "VARCHAR"),
    Column("gold", "VARCHAR[]", "texts"),
    Column("gold_paths", "VARCHAR[][]", "paths"),
    Column("right", "VARCHAR"),
)


def disagreement_row(found: Disagreement) -> dict[str, Any]:
    """Return a disagreement's JSON object; `general` is null if that expert found that no candidate fits."""
    row = found.row
    return {
        "id": clean_text(row.item.id),
        "text": clean_text(row.item.text),
        "confidence": row.recommended.confidence,
        "domain": clean_text(row.recommended.labels[0]),
        "domain_path": [clean_text(step) for step in found.domain],
        "domain_reason": clean_text(found.domain_reason),
        "general": None if row.general is None else clean_text(row.general),
        "general_path": None if found.general is None else [clean_text(step) for step in found.general],
        "general_reason": clean_text(found.general_reason),
        "gold": [clean_text(label) for label in row.gold],
        "gold_paths": [[clean_text(step) for step in path] for path in found.gold],
        "right": found.right,
    }


def disagreement_cells(found: Disagreement) -> list[object]:
    """Return a disagreement's row of a table."""
    row = disagreement_row(found)
    return [row[column.name] for column in COLUMNS]


DISAGREEMENT = RowFormat([column.name for column in COLUMNS], disagreement_row, COLUMNS, disagreement_cells)
"""The output format of `taxonaut expert disagreements`."""
