"""Typed ids, so that a node cannot be passed where a label is meant."""

from typing import NewType

from typing_extensions import TypeVar

NodeId = NewType("NodeId", int)
"""A node of the index; given by the index, stable for as long as the workspace lives."""

LabelId = NewType("LabelId", str)
"""A label, as the person's own file names it."""

Place = NodeId | LabelId
"""A category: a node, or a label that is no node of its own or not yet (ids of labels are texts)."""

ItemId = NewType("ItemId", str)
"""A text to label, as the person's own file names it."""

RunId = NewType("RunId", int)
"""One long piece of work: a build, a classification, an evaluation."""

EventId = NewType("EventId", int)
"""One change to the index; the index's version is the id of its last event."""

Id = TypeVar("Id", bound=str, default=LabelId)
"""What is divided into parts: labels, or items that have none yet."""
