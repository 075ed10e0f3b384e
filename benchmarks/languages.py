"""Languages told of labels and texts: false alarms on English sets, and how many German labels it takes.

python benchmarks/languages.py
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from common import arguments, print_markdown
from taxonaut.models.encoder.languages import ENGLISH, guess_language

SETS = (
    "esco",
    "onet",
    "bigbasket",
    "flipkart",
    "clinc150",
    "goemotions",
    "google",
    "shopify",
    "amazon-office",
)
GROUP = 20
_STW_LABEL = re.compile(r'"((?:[^"\\]|\\.)*)"@(\w\w)')


def read(path: Path, field: str) -> list[str]:
    """Read the texts of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        return [row[field] for row in map(json.loads, file) if row.get(field)]


def english_sets(data: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the texts of each file."""
    for name in SETS:
        for path in sorted((data / name).glob("*.jsonl")):
            texts = read(path, "name" if path.stem == "labels" else "text")
            if texts:
                yield f"{name} {path.stem}", texts


def counted(texts: Sequence[str], language: str, size: int) -> list[str]:
    """Count all groups of texts, those told to be of the language, the unclear ones, and the others."""
    groups = [texts[start : start + size] for start in range(0, len(texts), size)]
    found = [guess_language(group) for group in groups]
    right, unclear = found.count(language), found.count(None)
    return [f"{len(groups):,}", f"{right:,}", f"{unclear:,}", f"{len(groups) - right - unclear:,}"]


def main() -> None:
    """Print a row a set and size of group."""
    options = arguments(__doc__)
    rows = [["set", "texts a group", "groups", "right", "unclear", "wrong"]]
    for title, texts in english_sets(options.data):
        for size in (1, GROUP, len(texts)):
            rows.append([title, f"{size:,}", *counted(texts, ENGLISH, size)])
    stw = _STW_LABEL.findall((options.data / "stw" / "stw-skos.ttl").read_text(encoding="utf-8"))
    for language in ("de", "en"):
        labels = list(dict.fromkeys(text for text, said in stw if said == language))
        for size in (1, 5, GROUP, 100, len(labels)):
            rows.append([f"stw, {language}", f"{size:,}", *counted(labels, language, size)])
    print_markdown(rows)


if __name__ == "__main__":
    main()
