"""The demo: label the packages of this environment with PyPI's classifiers, and say how well it went."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from importlib.metadata import Distribution, distributions
from pathlib import Path

from taxonaut.evaluation.harness import Report, aevaluate
from taxonaut.evaluation.measures.hierarchy import Hierarchy, Relation
from taxonaut.state.errors import MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.reader import IndexStats
from taxonaut.state.records import Item, ItemResult, Label
from taxonaut.workspace.core.config import FILE_NAME
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.walk.explanation import Explanation
from taxonaut.workspace.workspace import Workspace

TOPIC = "Topic"
SEPARATOR = " :: "
LONGEST_TEXT = 450
"""Characters of a package's text: its summary and the first prose that fits."""

_FENCE = re.compile(r"(?ms)^ *(```|~~~).*?^ *\1[^\n]*$")
_TABLE_OR_RULE = re.compile(r"^\s*([|+].*[|+]|[-=~*^#_\s]{3,})\s*$")
_DIRECTIVE = re.compile(r"^\s*(\.\.|:\w[^:]*:|\[[^\]]+\]:)")
_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])")
_BADGE = re.compile(r"\[\s*\](\([^)]*\)|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]+)\](\([^)]*\)|\[[^\]]*\])")
_RST_LINK = re.compile(r"`([^`<]+?)\s*<[^>]*>`_+")
_RST_ROLE = re.compile(r":[\w.:-]+:`([^`]*)`|`([^`]+)`_*")
_URL = re.compile(r"https?://\S+|www\.\S+")
_MARKUP = re.compile(r"\*\*|__|``?|^\s*[>*+-]\s+|^\s*\d+\.\s+|\|")
_UNWANTED = re.compile(
    r"(?i)licen[sc]|copyright|install|documentation|readme|\bdocs\b|github|git clone|click here"
    r"|badge|changelog|sponsor|donat|\$ |>>> "
)


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package: `text` is what the models see, `gold` what its author chose."""

    name: str
    summary: str
    text: str
    gold: tuple[LabelId, ...]

    @property
    def id(self) -> ItemId:
        """The package as an item."""
        return ItemId(self.name)


def topic_labels() -> LabelFile:
    """Return PyPI's `Topic :: …` classifiers as labels; a label's path is the classifier without `Topic`."""
    try:
        from trove_classifiers import classifiers
    except ImportError as error:
        raise MissingExtraError("trove-classifiers", "demo") from error
    rows = []
    for classifier in sorted(classifiers):
        root, *path = classifier.split(SEPARATOR)
        if root == TOPIC and path:
            rows.append(LabelRow(Label(LabelId(classifier), path[-1]), tuple(path)))
    return LabelFile("PyPI's classifiers", tuple(rows))


def installed_packages(known: Iterable[LabelId]) -> list[Package]:
    """Return the packages of this environment that say anything of themselves, by name."""
    labels = set(known)
    read = (package_of(distribution, labels) for distribution in distributions())
    found = {package.name: package for package in read}
    return [package for _, package in sorted(found.items(), key=lambda pair: pair[0].lower()) if package.text]


def package_of(distribution: Distribution, labels: set[LabelId]) -> Package:
    """Read one package's metadata."""
    fields = distribution.metadata
    given = fields["Summary"] if "Summary" in fields else ""  # noqa: SIM401 - it has no get
    summary = "" if given.strip() == "UNKNOWN" else " ".join(given.split())
    topics = {LabelId(c) for c in fields.get_all("Classifier") or [] if c.startswith(TOPIC + SEPARATOR)}
    described = fields["Description"] if "Description" in fields else fields.get_payload()  # type: ignore[attr-defined]
    return Package(
        name=fields["Name"],
        summary=summary,
        text=package_text(summary, str(described or "")),
        gold=tuple(sorted(topics & labels)),
    )


def package_text(summary: str, description: str) -> str:
    """Join the summary with the first prose of a description, up to LONGEST_TEXT characters."""
    parts = [summary.rstrip(".") + "."] if summary else []
    for sentence in sentences(description):
        if sentence.casefold().rstrip(".") == summary.casefold().rstrip("."):
            continue
        if sum(map(len, parts)) + len(sentence) > LONGEST_TEXT:
            break
        parts.append(sentence)
    return " ".join(parts)


def sentences(description: str) -> Iterator[str]:
    """Yield the sentences of a Markdown or reStructuredText description that are prose."""
    for paragraph in re.split(r"\n\s*\n", _FENCE.sub("\n\n", description[:20_000])):
        lines = paragraph.splitlines()
        if is_code(lines):
            continue
        kept = [line for line in lines if not _DIRECTIVE.match(line) and not _TABLE_OR_RULE.match(line)]
        for line in blocks(kept):
            prose = plain(line)
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", prose):
                if is_prose(sentence):
                    yield sentence


def is_code(lines: list[str]) -> bool:
    """Whether a paragraph is an indented literal block."""
    return bool(lines) and all(line.startswith(("    ", "\t")) for line in lines if line.strip())


def blocks(lines: list[str]) -> Iterator[str]:
    """Join wrapped lines; a list entry or heading begins a new block."""
    block: list[str] = []
    for line in lines:
        if re.match(r"\s*([*+-]|\d+\.)\s|#", line) and block:
            yield " ".join(block)
            block = []
        if not line.lstrip().startswith("#"):
            block.append(line.strip())
    if block:
        yield " ".join(block)


def plain(text: str) -> str:
    """Take markup out of a line of prose."""
    for pattern, replacement in (
        (_TAG, " "),
        (_IMAGE, " "),
        (_BADGE, " "),
        (_LINK, r"\1"),
        (_RST_LINK, r"\1"),
        (_RST_ROLE, r"\1\2"),
        (_URL, " "),
        (_MARKUP, " "),
    ):
        text = pattern.sub(replacement, text)
    text = " ".join(unescape(text).split())
    return re.sub(r"\s+([.,;:!?])", r"\1", text).rstrip(":").strip()


def is_prose(sentence: str) -> bool:
    """Whether a sentence says something: whole, long enough, mostly letters, no classifier or note."""
    words = sentence.split()
    if not 5 <= len(words) <= 60 or not sentence.endswith((".", "!", "?")):
        return False
    if SEPARATOR.strip() in sentence or _UNWANTED.search(sentence):
        return False
    letters = sum(character.isalpha() or character.isspace() for character in sentence)
    return letters / len(sentence) > 0.8


def item_rows(packages: Iterable[Package]) -> list[ItemRow]:
    """Return packages as items to evaluate; the item holds the text alone."""
    return [
        ItemRow(Item(package.id, package.text), package.gold, f"package {package.name}")
        for package in packages
    ]


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


async def arun(folder: Path, limit: int | None = None) -> DemoReport:
    """Run the demo in a workspace under `folder`; what was done before is not done again."""
    labels = topic_labels()
    with demo_workspace(folder, labels) as workspace:
        packages = installed_packages(label.id for label in labels.labels)[:limit]
        rows = item_rows(packages)
        report = await aevaluate(workspace, rows, METHODS)
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
