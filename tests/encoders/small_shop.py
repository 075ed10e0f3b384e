"""A shop of eight categories with some sixty products, one category without any, and an expert for it."""

import zlib
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.models.expert.finetune import make_synthetic_texts
from taxonaut.models.expert.fitting import Fitting, FittingInput, Products, fit
from taxonaut.models.expert.heads import HeadSettings
from taxonaut.state.ids import LabelId

SHOP = {
    ("Food", "Tea"): ("green tea", "black tea", "mint tea"),
    ("Food", "Coffee"): ("ground coffee", "espresso beans", "filter coffee"),
    ("Food", "Salt"): ("sea salt", "rock salt", "table salt"),
    ("Clothing", "Shoes", "Boots"): ("hiking boots", "leather boots", "rubber boots"),
    ("Clothing", "Shoes", "Sandals"): ("beach sandals", "leather sandals", "bath sandals"),
    ("Clothing", "Hats"): ("straw hat", "wool hat", "sun hat"),
    ("Books", "Novels"): ("crime novel", "love novel", "sea novel"),
    ("Books", "Maps"): ("road map", "hiking map", "world map"),
    ("Clothing", "Umbrellas"): (),
}
PATHS = list(SHOP)
LABELS = tuple(LabelId(path[-1].lower()) for path in PATHS)
PATH_TEXTS = [" > ".join(path) for path in PATHS]
ENDINGS = ("large. Made in Italy", "for every day", "- gift box")
NAMES = [(name, column) for column, names in enumerate(SHOP.values()) for name in names]
TRAIN = [(f"{name} {end}", column) for (name, column), end in product(NAMES, ENDINGS)]
DEV = [(f"Fine {name} by Acme", column) for name, column in NAMES]


def embed(texts: Sequence[str]) -> Matrix:
    """Embed texts as unit vectors of their words' beginnings."""
    rows = np.zeros((len(texts), 48), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().split():
            row[zlib.crc32(word[:5].encode("utf-8", "replace")) % 48] += 1
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def products(rows: Sequence[tuple[str, int]]) -> Products:
    """Return texts with their columns as products."""
    from scipy.sparse import csr_matrix

    targets: Any = csr_matrix(np.eye(len(PATHS), dtype=np.float32)[[column for _, column in rows]])
    texts = [text for text, _ in rows]
    return Products(texts, embed(texts), targets)


def material(rows: Sequence[tuple[str, int]] = TRAIN, augment: float = 0.5) -> FittingInput:
    """Return what an expert is made of."""
    made = make_synthetic_texts([text for text, _ in rows], [PATHS[column] for _, column in rows], augment, 0)
    names = [path[-1] for path in PATHS]
    return FittingInput(
        labels=LABELS,
        products=products(rows),
        synthetic=products([(text, rows[source][1]) for source, text in made]),
        sources=np.array([source for source, _ in made], np.int64),
        paths=PATHS,
        path_texts=PATH_TEXTS,
        path_vectors=embed(PATH_TEXTS),
        names=names,
        name_vectors=embed(names),
    )


def made(
    rows: Sequence[tuple[str, int]] = TRAIN,
    *,
    dev: bool = True,
    augment: float = 0.5,
    seed: int = 0,
    lexical: bool = True,
    gradient: bool = False,
) -> Fitting:
    """Fit an expert."""

    settings = HeadSettings(batch=16, seed=seed, epochs=4) if gradient else None
    dev_part = products(DEV) if dev else None
    return fit(material(rows, augment), dev_part, settings, seed=seed, lexical=lexical)
