"""The texts by which a label or a node is compared with an item, and shown in a prompt."""

from collections.abc import Sequence

from taxonaut.state.records import Label, Node

PATH_SEPARATOR = " > "


def label_text(label: Label, path: Sequence[str]) -> str:
    """The text a label is compared by: its name, or its path where a tree gives it one."""
    return label.name


def node_texts(node: Node) -> tuple[str, ...]:
    """The texts a node is compared by: its name, then the labels below it that stand for the rest."""
    return (node.name, *node.examples)


def path_text(path: Sequence[str]) -> str:
    """A path as a person reads it, the root left out."""
    return PATH_SEPARATOR.join(path)
