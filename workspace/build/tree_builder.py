"""What every way of making an index has in common: labels in, a tree out."""

from collections.abc import Sequence
from typing import Protocol

from taxonaut.state.records import Label, Tree


class TreeBuilder(Protocol):
    """A way of making an index; `name` becomes the tree's `method`.

    Building may ask models and take long, hence a coroutine. Every label is placed at least once.
    """

    name: str

    async def build(self, labels: Sequence[Label]) -> Tree:
        """Put the labels into a tree."""
        ...
