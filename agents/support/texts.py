"""Texts of labels and nodes: compared with items and shown in prompts."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from taxonaut.models.embedder import Matrix
from taxonaut.models.encoder.option_texts import Gists
from taxonaut.models.requests import OptionText
from taxonaut.state.ids import Id, LabelId
from taxonaut.state.records import Label, Node

PATH_SEPARATOR = " > "
"""Between the names of a path; parsed by `models.encoder.option_texts`, shown in prompts."""


Key = TypeVar("Key", bound=Hashable)

TextOf = Callable[[str], str]
"""Return an item's text by its id."""


def label_text(label: Label, path: Sequence[str], native: bool) -> str:
    """Return the text a label is compared by: its path in a native tree, else its name.

    The path in a built tree adds no information to a label's name.
    """
    return path_text(path) if native and path else label.name


def label_option(label: Label, path: Sequence[str], native: bool) -> OptionText:
    """Return all that a label is compared by: its text (`label_text`), alternative names and description."""
    return OptionText(label_text(label, path, native), label.alternatives, label.description)


def node_text(node: Node, path: Sequence[str], native: bool) -> str:
    """Return the text a node is compared by: its path in a native tree, else its name.

    `path` runs from the root to the node's parent.
    """
    return path_text((*path, node.name)) if native else node.name


def path_text(path: Sequence[str]) -> str:
    """Join the names of a path, without the root."""
    return PATH_SEPARATOR.join(path)


def tell_apart(names: Mapping[Key, str], ids: Mapping[Key, object]) -> dict[Key, str]:
    """Return the names of options as shown; equal ones are followed by their ids: `Other (01019000)`."""
    counts = Counter(names.values())
    return {
        key: name if counts[name] == 1 else f"{name} ({ids.get(key) or key})" for key, name in names.items()
    }


@dataclass(frozen=True)
class TextTable(Generic[Id]):
    """Labels (or items) with texts and unit vectors of shape (labels, dimension), in one order.

    `others` hold the alternative names and descriptions of labels, in the same order, and `gists` their vectors.
    `plain` are the texts without the names of their columns, where `texts`, which agents are shown, have these.
    """

    labels: Sequence[Id]
    texts: Sequence[str]
    vectors: Matrix
    others: Sequence[OptionText] = ()
    gists: Gists | None = None
    plain: Sequence[str] = ()

    @property
    def options(self) -> Sequence[str] | Sequence[OptionText]:
        """What items are compared with."""
        return self.others or self.texts

    @cached_property
    def rows(self) -> dict[Id, int]:
        """The row of each label."""
        return {label: row for row, label in enumerate(self.labels)}


LabelTable = TextTable[LabelId]
