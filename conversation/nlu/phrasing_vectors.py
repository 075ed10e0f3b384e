"""What the example phrasings come to with the embedder of our own, packaged so that a first turn need not wait.

python -m taxonaut.conversation.nlu.phrasing_vectors        # after any change of examples or of tools' arguments
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taxonaut.conversation.nlu.examples import OTHER, phrasings
from taxonaut.conversation.nlu.phrasebook import Phrasebook
from taxonaut.conversation.nlu.phrasing_answers import Learned, PhrasingSettings
from taxonaut.conversation.tools.toolbox import WorkspaceTools
from taxonaut.models.embedder import Matrix
from taxonaut.models.requests import Choice
from taxonaut.workspace.workspace import Workspace

FILE = Path(__file__).with_name("phrasings.npz")
_LEVELS = 31

Lookup = Callable[[Sequence[str]], Matrix]


class PackagedVectors:
    """Unit vectors of examples, in a byte a number; `rest` gives those of texts that are not there."""

    def __init__(self, rest: Lookup) -> None:
        self._rest = rest

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return the texts' unit vectors (n, d), in order."""
        rows, vectors = packaged()[1:]
        found = [rows.get(key(text), -1) for text in texts]
        missing = [text for text, row in zip(texts, found, strict=True) if row < 0]
        if not missing:
            return unit(vectors[found])
        others = self._rest(missing)
        if len(missing) == len(texts):
            return others
        matrix = np.empty((len(texts), vectors.shape[1]), np.float32)
        there = np.array(found) >= 0
        matrix[there] = unit(vectors[[row for row in found if row >= 0]])
        matrix[~there] = others
        return matrix


@cache
def packaged() -> tuple[str, dict[int, int], npt.NDArray[np.int8]]:
    """Return the embedder's name, where each text's vector is, and the vectors (n, d) as they are packaged."""
    with np.load(FILE, allow_pickle=False) as file:
        name, keys, vectors = str(file["embedder"]), file["keys"], file["vectors"]
    return name, {int(each): row for row, each in enumerate(keys.tolist())}, vectors


def solved(choices: Sequence[Choice]) -> Matrix | None:
    """Return the weights that were solved for these options' examples, (n, options); None for any others."""
    with np.load(FILE, allow_pickle=False) as file:
        weights: Matrix = file["weights"].astype(np.float32)
        return weights if int(file["stamp"]) == stamp(choices) else None


def stamp(choices: Sequence[Choice]) -> int:
    """Return a number for the examples of options and how they are learned from."""
    texts = "\n".join(f"{choice.id} {text}" for choice in choices for text in choice.texts)
    return key(f"{PhrasingSettings()} {texts}")


def unit(vectors: npt.NDArray[np.int8]) -> Matrix:
    """Return packaged vectors as unit rows."""
    rows = vectors.astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
    return rows


def key(text: str) -> int:
    """Return the number that a text is kept under."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def pack(
    embedder: str,
    texts: Sequence[str],
    vectors: Matrix,
    file: Path = FILE,
    weights: Matrix | None = None,
    stamped: int = 0,
) -> None:
    """Write vectors (n, d) of texts: each number is rounded to one of 63 steps up to its row's largest."""
    steps = vectors / np.abs(vectors).max(axis=1, keepdims=True) * _LEVELS
    keys = np.array([key(text) for text in texts], np.uint64)
    np.savez_compressed(
        file,
        embedder=np.array(embedder),
        keys=keys,
        vectors=np.rint(steps).astype(np.int8),
        weights=np.zeros((0, 0), np.float32) if weights is None else weights,
        stamp=np.array(stamped, np.uint64),
    )


def main() -> None:
    """Embed all examples and write the file."""
    with tempfile.TemporaryDirectory() as folder, Workspace.init(Path(folder) / "workspace") as workspace:
        book = Phrasebook.of(WorkspaceTools(workspace).tools, phrasings()[OTHER])
        texts = list(dict.fromkeys(text for choice in book.choices for text in choice.texts))
        embedder = workspace.wiring.stored.embedder
        vectors = embedder.embed(texts)
        pack(embedder.name, texts, vectors)
        packaged.cache_clear()
        learned = Learned(book.choices, PackagedVectors(embedder.embed), PhrasingSettings())
        pack(embedder.name, texts, vectors, FILE, learned.weights, stamp(book.choices))
    sys.stdout.write(f"{FILE.name}: {len(texts):,} vectors, {FILE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
