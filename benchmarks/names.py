"""Names of groups of products without a language model: the noun phrase, class-based tf-idf, the nearest phrase.

python benchmarks/names.py                              # the dev parts, k-means seeds 0, 1, 2
python benchmarks/names.py --part train --seeds 1       # where the weights were chosen
python benchmarks/names.py --set amazon-office --show 40   # names to read; this set has no categories

Products are divided as `index build --method kmeans` divides labels, by the vectors of their first 400 characters,
until a group has at most 24. A group's name is compared with the name of its most frequent category: F1 of word
stems, and the cosine of both names' vectors. The smallest groups and those above them are reported apart. All
methods read the first 160 characters. c-TF-IDF joins a group's three best words (and its best alone), as names were
made before. *Nearest phrase* is KeyBERT's way: of all runs of one or two words of a group's products the one that
is nearest to the group's mean.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from common import arguments, print_markdown
from taxonaut.agents.support.group_names import CHARACTERS, GroupNamer
from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.phrases import PhraseSettings, phrases
from taxonaut.models.onnx.embedder import OnnxEmbedder
from taxonaut.state.text_words import stems
from taxonaut.tools.support.clustering import Indexes, part_count, spherical_kmeans, unit_rows
from taxonaut.tools.support.names import name_centres

READ = 400
TERMINAL, BRANCHES = 24, 16
OURS = "noun phrase"

Name = Callable[[Sequence[Sequence[str]], Matrix], list[str]]


def add(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--set", default="flipkart,bigbasket")
    parser.add_argument("--part", default="dev")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--show", type=int, default=0, help="names to print, drawn at random")


def main() -> None:
    """Print a table, and names if wanted."""
    options = arguments(__doc__, add)
    vectors = Vectors(options.workspaces / "vectors")
    rows = [["set", "method", "groups", "F1", "cosine", "exact", "above: F1", "cosine"]]
    for name in options.set.split(","):
        part = options.part if (options.data / name / f"{options.part}.jsonl").exists() else "items"
        texts, gold = read_products(options.data / name, part)
        matrix = vectors.of(f"{name}_{part}", [text[:READ] for text in texts])
        methods = {
            OURS: GroupNamer(lambda texts=texts: texts, vectors.phrases).name,
            "c-TF-IDF, three words": lambda groups, _: name_centres(groups),
            "c-TF-IDF, the best word": lambda groups, _: name_centres(groups, 1),
            "nearest phrase": lambda groups, centres: nearest(groups, centres, vectors.phrases),
        }
        if not any(gold):
            methods = {OURS: methods[OURS]}
        found = [families(matrix, seed) for seed in range(options.seeds)]
        for method, namer in methods.items():
            named = [each for run in found for each in name_families(run, texts, gold, matrix, namer)]
            rows.append([name, method, *measure(named, vectors.phrases)])
            if options.show and method == OURS:
                show(named, options.show)
    print_markdown(rows)


def show(named: Sequence[tuple[int, str, str]], count: int) -> None:
    """Print some names with their group's size and category."""
    for row in np.random.default_rng(0).permutation(len(named))[:count].tolist():
        size, name, category = named[row]
        print(f"{size:4}  {name:40} {category}".rstrip())


def read_products(folder: Path, part: str) -> tuple[list[str], list[str]]:
    """Return texts, and the names of their first categories, "" where there are none."""
    labels = folder / "labels.jsonl"
    names = {row["id"]: row["name"] for row in read_lines(labels)} if labels.exists() else {}
    rows = read_lines(folder / f"{part}.jsonl")
    gold = [names.get(row["labels"][0], "") if names else "" for row in rows]
    return [" ".join(row["text"].split()) for row in rows], gold


def read_lines(path: Path) -> list[dict[str, object]]:
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Vectors:
    """Vectors of products, kept in files, and of phrases, kept in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.embedder = OnnxEmbedder()
        self.known: dict[str, Matrix] = {}

    def of(self, name: str, texts: Sequence[str]) -> Matrix:
        """Return the vectors of a part."""
        path = self.folder / f"{name}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, self.embedder.embed(texts))
        return np.load(path)

    def phrases(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of short texts."""
        missing = [text for text in dict.fromkeys(texts) if text not in self.known]
        if missing:
            self.known.update(zip(missing, self.embedder.embed(missing), strict=True))
        return np.stack([self.known[text] for text in texts]) if texts else np.zeros((0, 0), np.float32)


def families(vectors: Matrix, seed: int) -> list[list[Indexes]]:
    """Divide products as the method `kmeans` does; return the siblings of each division."""
    rng = np.random.default_rng(seed)
    waiting, found = [np.arange(len(vectors))], []
    while waiting:
        rows = waiting.pop(0)
        parts = spherical_kmeans(vectors[rows], part_count(len(rows), TERMINAL, BRANCHES), rng)
        if len(parts) > 1:
            siblings = [rows[part] for part in parts]
            found.append(siblings)
            waiting += [part for part in siblings if len(part) > TERMINAL]
    return found


def name_families(
    found: Sequence[Sequence[Indexes]], texts: Sequence[str], gold: Sequence[str], vectors: Matrix, name: Name
) -> list[tuple[int, str, str]]:
    """Name all groups; return their sizes, names and most frequent categories."""
    named = []
    for siblings in found:
        groups = [[texts[row][:CHARACTERS] for row in rows[:400].tolist()] for rows in siblings]
        names = name(groups, unit_rows(np.stack([vectors[rows].sum(axis=0) for rows in siblings])))
        for rows, chosen in zip(siblings, names, strict=True):
            category = Counter(gold[row] for row in rows.tolist()).most_common(1)[0][0]
            named.append((len(rows), chosen, category))
    return named


def nearest(groups: Sequence[Sequence[str]], centres: Matrix, embed: Callable[..., Matrix]) -> list[str]:
    """Return the phrase of each group that is nearest to its mean vector."""
    settings = PhraseSettings(max_words=2)
    names = []
    for texts, centre in zip(groups, centres, strict=True):
        found = list(dict.fromkeys(phrase.lower() for text in texts for phrase in phrases(text, settings)))
        names.append(found[int(np.argmax(embed(found) @ centre))] if found else "")
    return names


def measure(named: Sequence[tuple[int, str, str]], embed: Callable[..., Matrix]) -> list[str]:
    """Compare names with categories: the number of groups, F1, cosine, and the share of equal names."""
    f1 = np.array([token_f1(name, category) for _, name, category in named])
    names, categories = ([each[at].lower() for each in named] for at in (1, 2))
    cosine = (embed(names) * embed(categories)).sum(axis=1)
    small = np.array([size <= TERMINAL for size, _, _ in named])
    cells = [f1[small], cosine[small], f1[small] == 1, f1[~small], cosine[~small]]
    return [
        f"{int(small.sum())} + {int((~small).sum())}",
        *(f"{100 * float(each.mean()):.1f}" for each in cells),
    ]


def token_f1(name: str, category: str) -> float:
    """Return F1 of the stems of two names."""
    first, second = Counter(stems(name)), Counter(stems(category))
    shared = (first & second).total()
    return 2 * shared / (first.total() + second.total()) if shared else 0.0


if __name__ == "__main__":
    main()
