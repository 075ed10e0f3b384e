"""Are names in a second language worth matching? python benchmarks/label_languages.py [--file STW] [--queries N].

Labels are a thesaurus' concepts with English names. Queries are alternative names, in English and in German, of
concepts that have several; each is taken from its own concept. Compared: English alternative names alone, and German
names as further ones.
"""

import argparse
import random
import tempfile
from dataclasses import replace
from pathlib import Path

from taxonaut import Item, Label, Workspace, read_labels
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.workspace.files.index_formats.skos import ConceptReading, as_reading

DATA = Path("../shared/data/stw/stw-skos.ttl")
LANGUAGES = ("en", "de")
NAMES = ("prefLabel", "altLabel", "hiddenLabel")


def main() -> None:
    """Print P@1 and R@5 of both indexes for queries in both languages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=DATA)
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args()
    read = read_labels(options.file)
    if read.rdf is None:
        raise SystemExit(f"{options.file} is not SKOS")
    concepts = {row["label"]: as_reading(row) for row in read.rdf.reading["concepts"]}
    queries = {tag: choose(concepts, tag, options.queries) for tag in LANGUAGES}
    asked = {(label, text) for rows in queries.values() for label, text in rows}
    print("| alternative names | queries | P@1 | R@5 |\n|---|---|---|---|")
    for tags in (("en",), LANGUAGES):
        labels = [with_names(label, concepts[label.id], tags, asked) for label in read.labels]
        with tempfile.TemporaryDirectory() as folder, Workspace.init(Path(folder) / "w") as workspace:
            workspace.index.add_labels(labels)
            for tag, rows in queries.items():
                items = [Item(ItemId(str(at)), text) for at, (_, text) in enumerate(rows)]
                found = workspace.classify(items, shortlist="dense", top=5, min_score=0)
                ids = [[label.label_id for label in result.labels] for result in found]
                first = sum(each[:1] == [label] for each, (label, _) in zip(ids, rows, strict=True))
                among = sum(label in each for each, (label, _) in zip(ids, rows, strict=True))
                row = f"{100 * first / len(rows):.1f} | {100 * among / len(rows):.1f}"
                print(f"| {' and '.join(tags)} | {tag} | {row} |", flush=True)


def choose(concepts: dict[str, ConceptReading], tag: str, most: int) -> list[tuple[LabelId, str]]:
    """Return alternative names in a language, one of each of some concepts that have several."""
    found = []
    for label, one in sorted(concepts.items()):
        names = [text for kind, own, text in one.texts if kind == "altLabel" and own == tag]
        if len(names) > 1 and not one.deprecated:
            found.append((LabelId(label), names[0]))
    random.Random(0).shuffle(found)
    return found[:most]


def with_names(
    label: Label, one: ConceptReading, tags: tuple[str, ...], asked: set[tuple[LabelId, str]]
) -> Label:
    """Return a label with the alternative names of some languages, without those that are asked for."""
    names = (text for kind, own, text in one.texts if kind in NAMES and own in tags)
    kept = dict.fromkeys(text for text in names if (label.id, text) not in asked and text != label.name)
    return replace(label, alternatives=tuple(kept))


if __name__ == "__main__":
    main()
