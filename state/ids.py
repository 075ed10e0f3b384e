"""Typed ids, so that a node cannot be passed where a label is meant."""

from typing import NewType

from typing_extensions import TypeVar

NodeId = NewType("NodeId", int)
"""A node of the index; assigned by the index, stable for the lifetime of the workspace."""

LabelId = NewType("LabelId", str)
"""A label, as in the user's label file."""

Place = NodeId | LabelId
"""A category: a node (int), or a label that has no node (str)."""

ItemId = NewType("ItemId", str)
"""A text to label, as in the user's file."""

RunId = NewType("RunId", int)
"""One long piece of work: a build, a classification, an evaluation."""

EventId = NewType("EventId", int)
"""One change to the index; the index's version is the id of its last event."""

Id = TypeVar("Id", bound=str, default=LabelId)
"""What a partition holds: labels, or items."""
