"""LangGraph state of `assign_vocabulary`: the position of each item in the vocabulary."""

from typing import NamedTuple

from typing_extensions import TypedDict

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, Item


class TreePosition(NamedTuple):
    """An item at the end of a path of descriptors; `passed` counts the better choices skipped on the way."""

    item: ItemId
    path: tuple[NodeId, ...]
    passed: int


class AssignInput(TypedDict):
    """The input: items."""

    items: list[Item]


class AssignState(AssignInput, total=False):
    """A batch on its way down: open and reached positions, errors, and taggings.

    `texts` are the items' texts as the annotator reads them.
    """

    texts: dict[ItemId, str]
    standing: list[TreePosition]
    reached: list[TreePosition]
    errors: dict[ItemId, str]
    decisions: list[Decision]
    taggings: dict[ItemId, Tagging]
