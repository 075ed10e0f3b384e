"""The state of an insertion as LangGraph carries it: which new label stands before which node."""

from collections.abc import Mapping
from typing import TypedDict

from taxonaut.state.ids import LabelId, NodeId

LabelsByNode = Mapping[NodeId, tuple[LabelId, ...]]
"""The labels before each node, in the order of the input."""


class InsertInput(TypedDict):
    """What a caller gives: ids of the new labels."""

    label_ids: list[LabelId]


class InsertState(InsertInput, total=False):
    """New labels on their way down.

    `standing` are to be compared next; `visited` says which labels were before each node already (a node may be
    reached in several ways); `inserted` where the others have arrived, `unfit` which of these arrived at an
    inner node because no branch of it fitted.
    """

    level: int
    standing: LabelsByNode
    visited: Mapping[NodeId, frozenset[LabelId]]
    inserted: Mapping[LabelId, tuple[NodeId, ...]]
    unfit: Mapping[LabelId, tuple[NodeId, ...]]
