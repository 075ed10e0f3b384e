"""A workspace of eight labels whose embedder needs no weights: a text is the set of its words."""

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

LABELS = """\
id,name,path
shoes,Running shoes,Sport > Shoes > Running shoes
boots,Hiking boots,Sport > Shoes > Hiking boots
tents,Family tents,Sport > Camping > Family tents
stoves,Gas stoves,Sport > Camping > Gas stoves
apples,Red apples,Food > Fruit > Red apples
pears,Green pears,Food > Fruit > Green pears
bread,Rye bread,Food > Bakery > Rye bread
cakes,Sponge cakes,Food > Bakery > Sponge cakes
"""
TEXTS = {
    "one": ("hiking boots and running shoes", ("boots", "shoes")),
    "two": ("ripe red apples", ("apples",)),
    "three": ("rye bread, green pears", ("bread", "pears")),
    "four": ("snow", ()),
}


class WordEmbedder:
    """Adds up a random vector for each word; counts the texts it has embedded."""

    name = "words"
    dimension = 64

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Matrix:
        self.embedded += texts
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split() or ["."]:
                rng = np.random.default_rng(zlib.crc32(word.strip(".,>").encode()))
                row += rng.standard_normal(self.dimension).astype(np.float32)
        unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
        return unit


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> WordEmbedder:
    """Every embedder that is opened is this one."""
    one = WordEmbedder()
    monkeypatch.setattr("taxonaut.workspace.core.container.open_embedder", lambda settings: one)
    return one


@pytest.fixture
def shop(tmp_path: Path, embedder: WordEmbedder) -> Iterator[Workspace]:
    """Eight labels in a tree of their own."""
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    with Workspace.init(tmp_path / "shop") as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.csv"))
        yield workspace


@pytest.fixture
def rows() -> list[ItemRow]:
    """Four texts, three of them with gold labels."""
    return [
        ItemRow(Item(ItemId(name), text), tuple(map(LabelId, gold))) for name, (text, gold) in TEXTS.items()
    ]
