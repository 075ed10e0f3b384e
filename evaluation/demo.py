"""The demo: label the installed Python packages with PyPI's topic classifiers, and score the result."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from importlib.metadata import Distribution, distributions
from pathlib import Path

from trove_classifiers import classifiers

from taxonaut.evaluation.harness import Report, aevaluate
from taxonaut.evaluation.measures.hierarchy import RELATIONS, Hierarchy, Relation
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.reader import IndexStats
from taxonaut.state.records import Item, ItemResult, Label
from taxonaut.state.stores.decisions import Totals
from taxonaut.state.workspace_folder import SETTINGS_FILE
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import LabelFile
from taxonaut.workspace.files.label_graph import LabelRow
from taxonaut.workspace.walk.explanation import Explanation
from taxonaut.workspace.workspace import Workspace

TOPIC = "Topic"
SEPARATOR = " :: "
LONGEST_TEXT = 450
"""Maximum characters of a package's text."""

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
    """An installed package: `text` is shown to the models, `gold` are the classifiers its author chose."""

    name: str
    summary: str
    text: str
    gold: tuple[LabelId, ...]

    @property
    def id(self) -> ItemId:
        """The id of the package's item."""
        return ItemId(self.name)


def topic_labels() -> LabelFile:
    """Return PyPI's `Topic :: …` classifiers as labels; a label's path is the classifier without `Topic`."""
    rows = []
    for classifier in sorted(classifiers):
        root, *path = classifier.split(SEPARATOR)
        if root == TOPIC and path:
            rows.append(LabelRow(Label(LabelId(classifier), path[-1]), tuple(path)))
    return LabelFile("PyPI's classifiers", tuple(rows))


def installed_packages(known: Iterable[LabelId]) -> list[Package]:
    """Return the packages of this environment that have a text, sorted by name."""
    labels = set(known)
    read = (read_package(distribution, labels) for distribution in distributions())
    found = {package.name: package for package in read}
    return [package for _, package in sorted(found.items(), key=lambda pair: pair[0].lower()) if package.text]


def read_package(distribution: Distribution, labels: set[LabelId]) -> Package:
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
    for sentence in prose_sentences(description):
        if sentence.casefold().rstrip(".") == summary.casefold().rstrip("."):
            continue
        if sum(map(len, parts)) + len(sentence) > LONGEST_TEXT:
            break
        parts.append(sentence)
    return " ".join(parts)


def prose_sentences(description: str) -> Iterator[str]:
    """Yield the sentences of a Markdown or reStructuredText description that are prose."""
    for paragraph in re.split(r"\n\s*\n", _FENCE.sub("\n\n", description[:20_000])):
        lines = paragraph.splitlines()
        if is_code(lines):
            continue
        kept = [line for line in lines if not _DIRECTIVE.match(line) and not _TABLE_OR_RULE.match(line)]
        for line in unwrap_lines(kept):
            prose = strip_markup(line)
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", prose):
                if is_prose(sentence):
                    yield sentence


def is_code(lines: list[str]) -> bool:
    """Whether a paragraph is an indented literal block."""
    return bool(lines) and all(line.startswith(("    ", "\t")) for line in lines if line.strip())


def unwrap_lines(lines: list[str]) -> Iterator[str]:
    """Join wrapped lines; a list entry or heading starts a new one."""
    block: list[str] = []
    for line in lines:
        if re.match(r"\s*([*+-]|\d+\.)\s|#", line) and block:
            yield " ".join(block)
            block = []
        if not line.lstrip().startswith("#"):
            block.append(line.strip())
    if block:
        yield " ".join(block)


def strip_markup(text: str) -> str:
    """Remove Markdown, reStructuredText and HTML markup from a line."""
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
    """Whether a sentence is complete, long enough, mostly letters, and no boilerplate."""
    words = sentence.split()
    if not 5 <= len(words) <= 60 or not sentence.endswith((".", "!", "?")):
        return False
    if SEPARATOR.strip() in sentence or _UNWANTED.search(sentence):
        return False
    letters = sum(character.isalpha() or character.isspace() for character in sentence)
    return letters / len(sentence) > 0.8


def as_item_rows(packages: Iterable[Package]) -> list[ItemRow]:
    """Return packages as items with gold labels."""
    return [
        ItemRow(Item(package.id, package.text), package.gold, f"package {package.name}")
        for package in packages
    ]


METHODS = ("both", "bm25")
"""The default of `classify`, and BM25."""

TEXT = "encrypt backups before they are uploaded to the cloud"
"""A text that is labelled before the packages; it is about two things."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the first label, and the closest of the first three, lie to those of the author.

    `closest` is the author's label that is closest to the first.
    """

    first: Relation
    among_three: Relation
    closest: LabelId


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The result of the demo.

    `example` is the result for `TEXT`, `walk` its walk. `results` and `compared` are those of the method `both`;
    packages whose author chose no classifier are not `compared`. `spent`: what this call asked and compared.
    """

    folder: Path
    stats: IndexStats
    example: ItemResult
    packages: tuple[Package, ...]
    results: Mapping[ItemId, ItemResult]
    compared: Mapping[ItemId, Comparison]
    report: Report
    walk: Explanation
    spent: Totals


async def arun_demo(folder: Path, limit: int | None = None) -> DemoReport:
    """Run the demo in a workspace under `folder`; finished work is reused."""
    labels = topic_labels()
    with open_demo_workspace(folder, labels) as workspace:
        packages = installed_packages(label.id for label in labels.labels)[:limit]
        rows = as_item_rows(packages)
        before = workspace.decisions.mark()
        report = await aevaluate(workspace, rows, METHODS)
        found = await workspace.aclassify([row.item for row in rows], shortlist="both")
        results = {result.item_id: result for result in found}
        (example,) = await workspace.aclassify([Item(ItemId("text"), TEXT)], shortlist="both")
        return DemoReport(
            folder=workspace.folder,
            stats=workspace.index.stats(),
            example=example,
            packages=tuple(packages),
            results=results,
            compared=compare_with_gold(workspace, packages, results),
            report=report,
            walk=workspace.explain(example.item_id),
            spent=workspace.decisions.totals_since(before),
        )


def open_demo_workspace(folder: Path, labels: LabelFile) -> Workspace:
    """Open or create the demo's workspace; each release of the classifiers has its own."""
    version = hashlib.sha256("\n".join(label.id for label in labels.labels).encode()).hexdigest()[:8]
    path = folder / f"classifiers-{version}"
    if (path / SETTINGS_FILE).is_file():
        workspace = Workspace.open(path)
        if workspace.index.label_ids():
            return workspace
    else:
        workspace = Workspace.init(path)
    workspace.import_labels(labels)
    return workspace


def compare_with_gold(
    workspace: Workspace, packages: list[Package], results: Mapping[ItemId, ItemResult]
) -> dict[ItemId, Comparison]:
    """Compare each package's first labels with its author's classifiers; packages without any are left out."""
    labels: list[LabelId] = workspace.index.label_ids()
    hierarchy = Hierarchy(workspace.index.paths_of(labels))
    found: dict[ItemId, Comparison] = {}
    for package in packages:
        predicted = [label.label_id for label in results[package.id].labels[:3]]
        if package.gold:
            by_relation = {label: hierarchy.best(predicted[:1], [label]) for label in package.gold}
            closest = min(package.gold, key=lambda label: RELATIONS.index(by_relation[label]))
            found[package.id] = Comparison(
                by_relation[closest], hierarchy.best(predicted, package.gold), closest
            )
    return found
