"""A workspace of eight labels whose embedder needs no weights: a text is the set of its words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeEmbedder, word_embedder

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


@pytest.fixture
def embedder() -> FakeEmbedder:
    """The embedder of the shop."""
    return word_embedder()


@pytest.fixture
def shop(tmp_path: Path, embedder: FakeEmbedder) -> Iterator[Workspace]:
    """Eight labels in a tree of their own."""
    (tmp_path / "labels.csv").write_text(LABELS, encoding="utf-8")
    with Workspace.init(tmp_path / "shop", embedder=embedder) as workspace:
        workspace.import_labels(read_labels(tmp_path / "labels.csv"))
        yield workspace


@pytest.fixture
def rows() -> list[ItemRow]:
    """Four texts, three of them with gold labels."""
    return [
        ItemRow(Item(ItemId(name), text), tuple(map(LabelId, gold))) for name, (text, gold) in TEXTS.items()
    ]
