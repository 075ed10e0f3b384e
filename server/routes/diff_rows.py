"""A diff of the index as rows of two sides: what was, and what is."""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel

from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.diff import IndexDiff, NodeEdit, NodeRef

Kind = Literal[
    "renamed", "described", "also called", "edited", "other id", "moved", "merged", "split", "added", "removed",
    "retired", "restored",
]  # fmt: skip
"""What happened, in the order in which rows are shown."""


class DiffRow(BaseModel):
    """One difference. `name` is the present name of the label or node, the former one of what is gone.

    `before` and `after` are its two sides: a text each, or paths as lists of names; empty where there is none.
    """

    kind: Kind
    what: Literal["label", "node"]
    label: LabelId | None = None
    node: NodeId | None = None
    name: str
    before: list[list[str]] = []
    after: list[list[str]] = []


def diff_rows(diff: IndexDiff) -> list[DiffRow]:
    """Return the differences: texts first, then places, what came and what went."""
    return [*_texts(diff), *_places(diff), *_arrivals(diff), *_departures(diff)]


def _texts(diff: IndexDiff) -> Iterator[DiffRow]:
    for label in diff.labels_renamed:
        yield _label("renamed", label.id, label.name, [[label.former]], [[label.present]])
    labels = {(label.id, label.present) for label in diff.labels_renamed}
    for edit in diff.edited:
        if "name" in edit.texts:
            former, present = (str(text) for text in edit.texts["name"])
            if edit.label is None or (edit.label, present) not in labels:
                yield _node("renamed", edit.node, [[former]], [[present]], name=present)
    for label in diff.labels_described:
        yield _label("described", label.id, label.name, [[label.former]], [[label.present]])
    for called in diff.labels_called:
        yield _label(
            "also called",
            called.id,
            called.name,
            [[each] for each in called.former],
            [[each] for each in called.present],
        )
    for edit in diff.edited:
        yield from _edits(edit)
    for other in diff.labels_reidentified:
        yield _label("other id", other.id, other.name, [[other.former]], [[other.id]])


def _edits(edit: NodeEdit) -> Iterator[DiffRow]:
    for field, (former, present) in edit.texts.items():
        if field == "name" or (field == "description" and edit.label is not None):
            continue
        yield _node("edited", edit.node, [[field, _text(former)]], [[field, _text(present)]])


def _text(value: object) -> str:
    return (
        ", ".join(map(str, value)) if isinstance(value, tuple | list) else "" if value is None else str(value)
    )


def _places(diff: IndexDiff) -> Iterator[DiffRow]:
    follows = {merge.node.id for merge in diff.merged} | {gone.node.id for gone in diff.removed}
    new = {node.id for node in diff.inserted}
    for move in diff.moved:
        lost, gained = {each.id for each in move.lost}, {each.id for each in move.gained}
        if lost <= follows and (lost or gained <= new):
            continue
        yield _node("moved", move.node, _paths(move.lost), _paths(move.gained))
    implied = {(split.node.id, part.id) for split in diff.split for part in split.into}
    implied |= {(merge.node.id, merge.into.id) for merge in diff.merged}
    implied |= {(gone.node.id, heir.id) for gone in diff.removed for heir in gone.heirs}
    for label in diff.labels_moved:
        pairs = {(lost.id, gained.id) for lost in label.lost for gained in label.gained}
        if not (pairs and pairs <= implied):
            yield _label("moved", label.id, label.name, _paths(label.lost), _paths(label.gained))
    for merge in diff.merged:
        yield _node("merged", merge.node, [list(merge.node.path)], [list(merge.into.path)])
    for split in diff.split:
        if split.labels == 1 and len(split.into) == 1:
            continue  # a label that has a node of its own now, as something is below it
        yield _node("split", split.node, [list(split.node.path)], _paths(split.into))


def _arrivals(diff: IndexDiff) -> Iterator[DiffRow]:
    parts = {part.id for split in diff.split for part in split.into}
    for node in diff.inserted:
        if node.id not in parts:
            yield _node("added", node, [], [list(node.path)])
    for label in diff.labels_inserted:
        yield _label("added", label.id, label.name, [], _paths(label.gained) or [[]])
    for label in diff.labels_restored:
        yield _label("restored", label.id, label.name, [], _paths(label.gained) or [[]])


def _departures(diff: IndexDiff) -> Iterator[DiffRow]:
    for gone in diff.removed:
        yield _node("removed", gone.node, [list(gone.node.path)], [])
    for label in diff.labels_gone:
        yield _label("removed", label.id, label.name, _paths(label.lost) or [[]], [])
    for retired in diff.labels_retired:
        kind: Kind = retired.mapping.kind if retired.mapping.kind in ("merged", "split") else "retired"
        into: list[list[str]] = [[each] for each in retired.mapping.new]
        yield _label(kind, retired.id, retired.name, _paths(retired.lost) or [[]], into)


def _paths(nodes: Sequence[NodeRef]) -> list[list[str]]:
    return [list(node.path) for node in nodes]


def _label(kind: Kind, id: LabelId, name: str, before: list[list[str]], after: list[list[str]]) -> DiffRow:
    return DiffRow(kind=kind, what="label", label=id, name=name, before=before, after=after)


def _node(
    kind: Kind, node: NodeRef, before: list[list[str]], after: list[list[str]], *, name: str = ""
) -> DiffRow:
    shown = name or (node.path[-1] if node.path else "")
    return DiffRow(kind=kind, what="node", node=node.id, name=shown, before=before, after=after)
