"""Many token sequences with common beginnings, read by a language model at once: each beginning once."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

NONE = -1


class TokenTree:
    """A tree of tokens; each node sees its ancestors only, so a path through it is read as a sequence of its own.

    A template's instructions are the beginning of every prompt, and a prompt that of all its answers: a batch of
    them is a fraction of the tokens that its sequences have.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.depths: list[int] = []
        self._parents: list[int] = []
        self._children: dict[tuple[int, int], int] = {}
        self._answers: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        """The number of tokens that are read."""
        return len(self.tokens)

    def add(self, prompt: Sequence[int], answer: Sequence[int]) -> None:
        """Add an answer after a prompt; neither is empty. The last token of an answer is predicted, not read."""
        node = NONE
        for token in prompt:
            node = self._child(node, token)
        for place, token in enumerate(answer):
            self._answers.setdefault((node, token), len(self._answers))
            if place < len(answer) - 1:
                node = self._child(node, token)

    def _child(self, node: int, token: int) -> int:
        child = self._children.get((node, token))
        if child is None:
            child = self._children[node, token] = len(self.tokens)
            self.tokens.append(token)
            self._parents.append(node)
            self.depths.append(0 if node == NONE else self.depths[node] + 1)
        return child

    def ancestors(self) -> npt.NDArray[np.bool_]:
        """Return which tokens each sees: itself and those before it on its path, shape (tokens, tokens)."""
        seen = np.zeros((len(self), len(self)), bool)
        for node, parent in enumerate(self._parents):
            if parent != NONE:
                seen[node] = seen[parent]
            seen[node, node] = True
        return seen

    def predictions(self) -> tuple[list[int], list[int]]:
        """Return, of each distinct token of answers, the node before it and the token."""
        return [node for node, _ in self._answers], [token for _, token in self._answers]

    def answer_places(self, prompt: Sequence[int], answer: Sequence[int]) -> list[int]:
        """Return where the tokens of an added answer stand among the predictions."""
        node = NONE
        for token in prompt:
            node = self._children[node, token]
        places = []
        for place, token in enumerate(answer):
            places.append(self._answers[node, token])
            if place < len(answer) - 1:
                node = self._children[node, token]
        return places
