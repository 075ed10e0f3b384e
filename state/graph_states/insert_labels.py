"""LangGraph state of `insert_labels`: which new labels are at which node."""

from collections.abc import Mapping

from typing_extensions import TypedDict

from taxonaut.state.ids import LabelId, NodeId

LabelsByNode = Mapping[NodeId, tuple[LabelId, ...]]
"""The labels at each node, in the order of the input."""


class InsertInput(TypedDict):
    """The input: ids of the new labels."""

    label_ids: list[LabelId]


class InsertState(InsertInput, total=False):
    """New labels on their way down.

    `standing` are to be compared next; `visited` holds the labels that were already at each node (a node may be
    reached by several paths); `inserted` the final nodes of the others; `unfit` those of them that stayed at an inner
    node because no branch fits. `failed` has the error of each label about which a request failed; it is in none of
    the others.
    """

    level: int
    standing: LabelsByNode
    visited: Mapping[NodeId, frozenset[LabelId]]
    inserted: Mapping[LabelId, tuple[NodeId, ...]]
    unfit: Mapping[LabelId, tuple[NodeId, ...]]
    failed: Mapping[LabelId, str]
