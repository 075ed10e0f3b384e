"""The state of an assignment as LangGraph carries it: where each item stands in the vocabulary."""

from typing import NamedTuple, TypedDict

from taxonaut.state.descriptors import Tagging
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Decision, Item


class TreePosition(NamedTuple):
    """An item at the end of a path of descriptors; `passed` better choices were passed over on the way."""

    item: ItemId
    path: tuple[NodeId, ...]
    passed: int


class AssignInput(TypedDict):
    """What a caller gives: the items."""

    items: list[Item]


class AssignState(AssignInput, total=False):
    """A batch on its way down: where items stand, where they have been, what went wrong, what they got.

    `texts` are the items' texts as the annotator reads them.
    """

    texts: dict[ItemId, str]
    standing: list[TreePosition]
    reached: list[TreePosition]
    errors: dict[ItemId, str]
    decisions: list[Decision]
    taggings: dict[ItemId, Tagging]
