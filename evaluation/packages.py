"""The demo's data: the Python packages of this environment, and PyPI's classifiers as a label tree.

A package's own classifiers are its gold labels. Its text is its summary and the first prose of its
description; classifiers and keywords never get into it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape
from importlib.metadata import Distribution, distributions

from taxonaut.state.errors import MissingExtraError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.item_files import ItemRow
from taxonaut.workspace.label_files import LabelFile
from taxonaut.workspace.label_graph import LabelRow

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
