"""The texts by which a label or a node is compared with an item, and shown in a prompt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from taxonaut.models.embedder import Matrix
from taxonaut.state.ids import Id, LabelId
from taxonaut.state.records import Label, Node

PATH_SEPARATOR = " > "
"""Between the names of a path; `models.encoder.option_vectors` reads it, `prompts` show it."""


TextOf = Callable[[str], str]
"""Gives an item's text by its id."""


def label_text(label: Label, path: Sequence[str], native: bool) -> str:
    """The text a label is compared by: its path in a native tree, else its name.

    The centres of an index that was built say nothing about a label that its name does not.
    """
    return path_text(path) if native and path else label.name


def node_text(node: Node, path: Sequence[str], native: bool) -> str:
    """The text a node is compared by: its path in a native tree, else its name.

    `path` runs from the top down to the node's parent.
    """
    return path_text((*path, node.name)) if native else node.name


def path_text(path: Sequence[str]) -> str:
    """A path as a person reads it, the root left out."""
    return PATH_SEPARATOR.join(path)


@dataclass(frozen=True)
class TextTable(Generic[Id]):
    """Labels (or items) in order, their texts, and their unit vectors, shape (labels, dimension)."""

    labels: Sequence[Id]
    texts: Sequence[str]
    vectors: Matrix

    @cached_property
    def rows(self) -> dict[Id, int]:
        """Where each label stands."""
        return {label: row for row, label in enumerate(self.labels)}


LabelTable = TextTable[LabelId]
