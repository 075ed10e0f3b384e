"""A trained expert that needs no training: it knows the words of five categories, or given ones, and little else."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fakes import in_every_role

from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.classifier import Classifier
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.expert.experts import ExpertCard
from taxonaut.workspace.expert.training_data import Example
from taxonaut.workspace.files.item_files import ItemRow
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

LABELS = """\
id,name,path
shoes,Running shoes,Sport > Shoes > Running shoes
boots,Hiking boots,Sport > Shoes > Hiking boots
tents,Family tents,Sport > Camping > Family tents
apples,Red apples,Food > Fruit > Red apples
pears,Green pears,Food > Fruit > Green pears
"""
PRODUCTS = {
    "fast running shoes": "shoes",
    "leather hiking boots": "boots",
    "four family tents": "tents",
    "crisp red apples": "apples",
    "soft green pears": "pears",
}
SURE, FAIR, TIE, LOST = 0.9902, 0.8339, 0.4653, 0.2
"""How sure it is of a text with two words of one category, with one, with one each of two, with none."""


class WordExpert:
    """The more words of a text are in a category's name, the likelier it is."""

    name = "expert/1"

    def __init__(self, names: Mapping[LabelId, str] | None = None) -> None:
        rows = [line.split(",") for line in LABELS.splitlines()[1:]]
        names = names or {LabelId(row[0]): row[1] for row in rows}
        self.labels = tuple(names)
        self.words = [set(name.casefold().split()) for name in names.values()]
        self.seen: list[str] = []

    def probabilities(self, texts: Sequence[str]) -> Any:
        """Probabilities, float32 of shape (len(texts), len(labels))."""
        self.seen += texts
        counts = [[len(words & set(text.casefold().split())) for words in self.words] for text in texts]
        powers = np.exp(3.0 * np.array(counts, np.float32))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def train(workspace: Workspace) -> ExpertCard:
    """Keep an expert that was trained on `PRODUCTS`."""
    examples = [
        Example(Item(ItemId(f"t{at}"), text), (LabelId(label),))
        for at, (text, label) in enumerate(PRODUCTS.items())
    ]
    return workspace.experts.save(
        ExpertCard("head", {"products": len(examples)}), lambda folder: None, examples
    )


def make(
    folder: Path,
    model: ScriptedModel | None = None,
    embedder: Embedder | None = None,
    classifier: Classifier | None = None,
    kind: type[Workspace] = Workspace,
) -> Workspace:
    """Make a workspace with the five categories and a trained expert; `model` answers in every role."""
    models = in_every_role(model) if model is not None else {}
    workspace = kind.init(folder, models=models, embedder=embedder, classifier=classifier or WordExpert())
    file = folder / "labels.csv"
    file.write_text(LABELS, encoding="utf-8")
    workspace.import_labels(read_labels(file))
    train(workspace)
    return workspace


def product(id: str, text: str, *gold: str) -> ItemRow:
    """A product with its gold labels."""
    return ItemRow(Item(ItemId(id), text), tuple(map(LabelId, gold)))
