"""The demo: label the packages of this environment with PyPI's classifiers, and say how well it went."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taxonaut.evaluation.harness import OnProgress, Report, aevaluate
from taxonaut.evaluation.hierarchy import Hierarchy, Relation
from taxonaut.evaluation.packages import Package, installed_packages, item_rows, topic_labels
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index_stats import IndexStats
from taxonaut.state.records import ItemResult
from taxonaut.workspace.config import FILE_NAME
from taxonaut.workspace.explanation import Explanation
from taxonaut.workspace.label_files import LabelFile
from taxonaut.workspace.workspace import Workspace

METHODS = ("both", "tree", "dense", "bm25")
"""The walk joined with dense retrieval, as `classify` does it by default, and each of its halves alone."""

SHOWN_WALK = ("httpx", "rich", "sqlglot", "duckdb", "numpy")
"""Packages whose walk is shown, the first that is installed."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo found.

    `results` and `outcomes` are those of the walk; an outcome is None where the author chose no classifier.
    """

    folder: Path
    stats: IndexStats
    packages: tuple[Package, ...]
    results: Mapping[ItemId, ItemResult]
    outcomes: Mapping[ItemId, Relation | None]
    report: Report
    walk: Explanation
    asked: int


async def arun(folder: Path, on_progress: OnProgress | None = None, limit: int | None = None) -> DemoReport:
    """Run the demo in a workspace under `folder`; what was done before is not done again."""
    labels = topic_labels()
    with demo_workspace(folder, labels) as workspace:
        packages = installed_packages(label.id for label in labels.labels)[:limit]
        rows = item_rows(packages)
        report = await aevaluate(workspace, rows, METHODS, on_progress=on_progress)
        found = await workspace.aclassify([row.item for row in rows], shortlist="both")
        results = {result.item_id: result for result in found}
        names = {package.name.lower(): package.name for package in packages}
        shown = next((names[name] for name in SHOWN_WALK if name in names), packages[0].name)
        return DemoReport(
            folder=workspace.folder,
            stats=workspace.index.stats(),
            packages=tuple(packages),
            results=results,
            outcomes=outcomes(workspace, packages, results),
            report=report,
            walk=workspace.explain(ItemId(shown)),
            asked=sum(method.asked for method in report.methods),
        )


def demo_workspace(folder: Path, labels: LabelFile) -> Workspace:
    """Open the demo's workspace, or make it; a new release of the classifiers gets a workspace of its own."""
    version = hashlib.sha256("\n".join(label.id for label in labels.labels).encode()).hexdigest()[:8]
    path = folder / f"classifiers-{version}"
    if (path / FILE_NAME).is_file():
        workspace = Workspace.open(path)
        if workspace.index.label_ids():
            return workspace
    else:
        workspace = Workspace.init(path)
    workspace.import_labels(labels)
    return workspace


def outcomes(
    workspace: Workspace, packages: list[Package], results: Mapping[ItemId, ItemResult]
) -> dict[ItemId, Relation | None]:
    """Say of each package how the closest of its first three labels relates to what its author chose."""
    labels: list[LabelId] = workspace.index.label_ids()
    hierarchy = Hierarchy(workspace.index.paths_of(labels))
    found: dict[ItemId, Relation | None] = {}
    for package in packages:
        predicted = [label.label_id for label in results[package.id].labels[:3]]
        found[package.id] = hierarchy.best(predicted, package.gold) if package.gold else None
    return found
