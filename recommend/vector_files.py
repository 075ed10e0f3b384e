"""The vectors of a vocabulary's items as a NumPy file, with the items' ids next to it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import ItemId
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.vocabulary.vocabulary_agents import item_text


def item_vectors(workspace: Core, items: Sequence[ItemId]) -> Matrix:
    """Return unit vectors of items, float32 of shape (items, dimension), in their order.

    They are those of the workspace's embedder, of as much of a text as `[vocabulary] characters` says; missing ones
    are embedded and kept. Raises NotFoundError for an unknown item.
    """
    characters = workspace.config.vocabulary.characters
    texts = [item_text(item, characters) for item in workspace.items.get(items)]
    return workspace.wiring.stored.lookup(texts, "embedding items")


def write_vectors(vectors: Matrix, items: Sequence[ItemId], raw: BinaryIO, beside: BinaryIO) -> None:
    """Write an `.npy` file that `numpy.load` reads, and a JSON list of the ids: row n is that of id n."""
    np.save(raw, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
    beside.write(json.dumps(list(items), ensure_ascii=False).encode() + b"\n")


def ids_file(path: Path) -> Path:
    """Return the file of ids next to one of vectors: `vectors.ids.json` for `vectors.npy`."""
    return path.with_suffix(".ids.json")
