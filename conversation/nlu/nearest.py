"""Which tool's examples a message is worded like: kernel ridge regression on packaged vectors of the examples.

The kernel is the third power of the embeddings' cosine, which looks at near examples only (Saunders and others 1998).

    python -m taxonaut.conversation.nlu.nearest        # after any change of phrasings.txt
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taxonaut.conversation.nlu.examples import FILE as EXAMPLES
from taxonaut.conversation.nlu.examples import phrasings
from taxonaut.conversation.nlu.message import masked_example
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.workspace.workspace import Workspace

FILE = Path(__file__).with_name("phrasings.npz")
RIDGE = 0.3
"""How little a single example decides."""

_LEVELS = 31

Lookup = Callable[[Sequence[str]], Matrix]
Examples = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class NearestExample:
    """Scores tools by their examples; an example's own tool scores near 1."""

    tools: tuple[str, ...]
    vectors: Matrix
    weights: Matrix

    @classmethod
    def of(cls, examples: Examples, vectors_of: Lookup) -> "NearestExample":
        """Learn from the examples of each tool, in closed form."""
        tools = tuple(sorted(examples))
        counts = [len(compared({tool: examples[tool]})) for tool in tools]
        owners = np.repeat(np.arange(len(tools)), counts)
        vectors = vectors_of(compared(examples))
        kernel = (vectors @ vectors.T) ** 3
        sizes = np.sqrt(np.array(counts, np.float32)[owners])
        kernel[np.diag_indices_from(kernel)] += np.float32(RIDGE) * sizes / sizes.mean()
        wanted = np.eye(len(tools), dtype=np.float32)[owners] - np.float32(1 / len(tools))
        return cls(tools, vectors, np.linalg.solve(kernel, wanted).astype(np.float32))

    def scores(self, vectors: Matrix) -> dict[str, float]:
        """Score each tool for a message, best first: the mean over its vectors (n, d)."""
        found = (((vectors @ self.vectors.T) ** 3 @ self.weights).mean(axis=0) + 1 / len(self.tools)).tolist()
        return dict(sorted(zip(self.tools, found, strict=True), key=lambda each: -each[1]))


def compared(examples: Examples) -> list[str]:
    """Return the examples as they are compared, tool by tool."""
    return [text for tool in sorted(examples) for text in dict.fromkeys(map(masked_example, examples[tool]))]


def learner(embedder: Embedder, rest: Lookup) -> Callable[[Examples], NearestExample]:
    """Return what learns from examples; of the packaged ones it is packaged what comes of them, for one embedder.

    `rest` gives the vectors of others.
    """
    with np.load(FILE, allow_pickle=False) as file:
        if str(file["embedder"]) != embedder.name or int(file["stamp"]) != stamp():
            return lambda examples: NearestExample.of(examples, rest)
        vectors, weights = unit(file["vectors"]), file["weights"].astype(np.float32)

    def learn(examples: Examples) -> NearestExample:
        if {tool: tuple(each) for tool, each in examples.items()} == phrasings():
            return NearestExample(tuple(sorted(examples)), vectors, weights)
        known = dict(zip(compared(phrasings()), vectors, strict=True))
        missing = [text for text in compared(examples) if text not in known]
        known |= dict(zip(missing, rest(missing) if missing else (), strict=True))
        return NearestExample.of(examples, lambda wanted: np.stack([known[text] for text in wanted]))

    return learn


def stamp() -> int:
    """Return a number for the examples as they are."""
    return int.from_bytes(blake2b(EXAMPLES.read_bytes(), digest_size=7).digest(), "little")


def unit(steps: npt.NDArray[np.int8]) -> Matrix:
    """Return packaged vectors as rows of length 1."""
    rows: Matrix = steps.astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


def pack(embedder: Embedder) -> None:
    """Learn from all examples and write the file; each number of a vector is one of 63 steps."""
    vectors = embedder.embed(compared(phrasings()))
    steps = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * _LEVELS).astype(np.int8)
    weights = NearestExample.of(phrasings(), lambda _: unit(steps)).weights.astype(np.float16)
    name, number = np.array(embedder.name), np.array(stamp())
    np.savez_compressed(FILE, embedder=name, stamp=number, vectors=steps, weights=weights)


def main() -> None:
    """Write the file with the embedder of a fresh workspace."""
    with tempfile.TemporaryDirectory() as folder, Workspace.init(Path(folder) / "workspace") as workspace:
        pack(workspace.wiring.stored.embedder)
    sys.stdout.write(f"{FILE.name}: {len(compared(phrasings())):,} vectors, {FILE.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
