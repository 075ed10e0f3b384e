"""Classify messages by tool: kernel ridge regression on packaged vectors of the example phrasings.

The kernel is the cube of the cosine, so that only near examples count (Saunders et al. 1998).

    python -m taxonaut.conversation.nlu.nearest        # after any change of phrasings.txt
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from taxonaut.conversation.nlu.examples import FILE as EXAMPLES
from taxonaut.conversation.nlu.examples import phrasings
from taxonaut.conversation.nlu.message import mask_example
from taxonaut.models.embedder import Embedder, Matrix
from taxonaut.models.onnx.embedder import INT8, OnnxEmbedder, OnnxSettings

FILE = Path(__file__).with_name("phrasings.npz")
RIDGE = 0.3
"""Regularisation strength."""

_LEVELS = 31

Lookup = Callable[[Sequence[str]], Matrix]
Examples = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class NearestExample:
    """Score tools by their examples; the tool of an example scores near 1 for it."""

    tools: tuple[str, ...]
    vectors: Matrix
    weights: Matrix

    @classmethod
    def fit(cls, examples: Examples, vectors_of: Lookup) -> "NearestExample":
        """Fit to the examples of each tool, in closed form."""
        tools = tuple(sorted(examples))
        counts = [len(masked_examples({tool: examples[tool]})) for tool in tools]
        owners = np.repeat(np.arange(len(tools)), counts)
        vectors = vectors_of(masked_examples(examples))
        kernel = (vectors @ vectors.T) ** 3
        sizes = np.sqrt(np.array(counts, np.float32)[owners])
        kernel[np.diag_indices_from(kernel)] += np.float32(RIDGE) * sizes / sizes.mean()
        wanted = np.eye(len(tools), dtype=np.float32)[owners] - np.float32(1 / len(tools))
        return cls(tools, vectors, np.linalg.solve(kernel, wanted).astype(np.float32))

    def scores(self, vectors: Matrix) -> dict[str, float]:
        """Score the tools for a message, best first; the mean over its vectors (n, d)."""
        found = (((vectors @ self.vectors.T) ** 3 @ self.weights).mean(axis=0) + 1 / len(self.tools)).tolist()
        return dict(sorted(zip(self.tools, found, strict=True), key=lambda each: -each[1]))


def masked_examples(examples: Examples) -> list[str]:
    """Return the distinct examples as they are compared, tool by tool."""
    return [text for tool in sorted(examples) for text in dict.fromkeys(map(mask_example, examples[tool]))]


def build_learner(embedder: Embedder, rest: Lookup) -> Callable[[Examples], NearestExample]:
    """Return a function that fits `NearestExample` to examples.

    Packaged vectors and weights are used for packaged examples and the embedder they were made with, in float32 or
    8 bits; `rest` embeds other examples.
    """
    with np.load(FILE, allow_pickle=False) as file:
        made_for = (str(file["embedder"]), file["vectors"].shape[1], int(file["stamp"]))
        if made_for != (embedder.name.removesuffix(INT8), embedder.dimension, stamp()):
            return lambda examples: NearestExample.fit(examples, rest)
        vectors, weights = unit_vectors(file["vectors"]), file["weights"].astype(np.float32)

    def learn(examples: Examples) -> NearestExample:
        if {tool: tuple(each) for tool, each in examples.items()} == phrasings():
            return NearestExample(tuple(sorted(examples)), vectors, weights)
        known = dict(zip(masked_examples(phrasings()), vectors, strict=True))
        missing = [text for text in masked_examples(examples) if text not in known]
        known |= dict(zip(missing, rest(missing) if missing else (), strict=True))
        return NearestExample.fit(examples, lambda wanted: np.stack([known[text] for text in wanted]))

    return learn


def stamp() -> int:
    """Hash the packaged examples."""
    return int.from_bytes(blake2b(EXAMPLES.read_bytes(), digest_size=7).digest(), "little")


def unit_vectors(steps: npt.NDArray[np.int8]) -> Matrix:
    """Normalise packaged vectors."""
    rows: Matrix = steps.astype(np.float32)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return rows


def pack(embedder: Embedder) -> None:
    """Fit to all examples and write the file, with vectors quantised to 63 steps."""
    vectors = embedder.embed(masked_examples(phrasings()))
    steps = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * _LEVELS).astype(np.int8)
    weights = NearestExample.fit(phrasings(), lambda _: unit_vectors(steps)).weights.astype(np.float16)
    name, number = np.array(embedder.name), np.array(stamp())
    np.savez_compressed(FILE, embedder=name, stamp=number, vectors=steps, weights=weights)


def main() -> None:
    """Write the file with the default embedder in float32."""
    pack(OnnxEmbedder(settings=OnnxSettings("fp32")))
    sys.stdout.write(
        f"{FILE.name}: {len(masked_examples(phrasings())):,} vectors, {FILE.stat().st_size:,} bytes\n"
    )


if __name__ == "__main__":
    main()
