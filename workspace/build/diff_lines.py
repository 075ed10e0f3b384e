"""Format a diff of the index as lines of plain text: a sign, the kind of change, its text."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from taxonaut.state.index.diff import (
    IndexDiff,
    LabelChange,
    LabelEdit,
    LabelNames,
    LabelRetirement,
    NodeEdit,
    NodeMove,
    NodeRef,
)
from taxonaut.state.label_mappings import LabelMapping
from taxonaut.workspace.core.text_format import PATH_SIGN, clipped, counted

LONGEST = 80
_TOP = "(top)"
_SHOWN_NAMES = 3

Line = tuple[str, str, str]
"""A sign (`+`, `-`, `~` or `>`), the kind of change, and its text."""


def diff_lines(diff: IndexDiff) -> list[list[Line]]:
    """Return the lines grouped by kind of change; names are clipped and may contain control characters."""
    parts = {part.id for split in diff.split for part in split.into}
    return [
        [
            *(("~", "renamed", _rename_text(edit)) for edit in diff.edited if "name" in edit.texts),
            *(("~", "renamed", _label_rename_text(label)) for label in _lone_label_renames(diff)),
        ],
        [
            ("~", "edited", f"{node_text(edit.node)}: {', '.join(texts)}")
            for edit in diff.edited
            if (texts := [name for name in edit.texts if name != "name"])
        ],
        [
            (">", "moved", f"{node_text(move.node)}{_from_to(move.lost, move.gained)}")
            for move in _real_moves(diff)
        ],
        [(">", "merged", f"{node_text(merge.node)} into {node_text(merge.into)}") for merge in diff.merged],
        [
            (
                ">",
                "split",
                f"{node_text(split.node)}{' (gone)' if split.gone else ''}: {counted(split.labels, 'label')} "
                f"into {', '.join(_last_step(part) for part in split.into)}",
            )
            for split in diff.split
        ],
        [("+", "node", node_text(node)) for node in diff.inserted if node.id not in parts],
        [
            (
                "-",
                "node",
                node_text(gone.node) + (f", its content to {_nodes_text(gone.heirs)}" if gone.heirs else ""),
            )
            for gone in diff.removed
        ],
        [
            (
                "+",
                "label",
                f"{_label_text(label)}"
                + (f" in {_nodes_text(label.gained)}" if label.gained else ", unplaced"),
            )
            for label in diff.labels_inserted
        ],
        [("-", "label", _label_text(label)) for label in diff.labels_gone],
        [
            ("-", "retired", f"{_label_text(label)}{_mapping_text(label.mapping)}")
            for label in diff.labels_retired
        ],
        [
            (
                "+",
                "restored",
                f"{_label_text(label)}"
                + (f" in {_nodes_text(label.gained)}" if label.gained else ", unplaced"),
            )
            for label in diff.labels_restored
        ],
        [
            ("~", "id", f"{clipped(label.name, LONGEST)!r}: {label.former!r} to {label.id!r}")
            for label in diff.labels_reidentified
        ],
        _label_moves(diff),
        [
            (
                "~",
                "described",
                f"{_label_text(edit)}: {clipped(edit.present, LONGEST) or 'nothing any more'}",
            )
            for edit in diff.labels_described
        ],
        [
            (
                "~",
                "alternatives",
                f"{_label_text(label)}: {clipped(', '.join(label.present), LONGEST) or 'none any more'}",
            )
            for label in diff.labels_called
        ],
    ]


def _mapping_text(mapping: LabelMapping) -> str:
    to = ", ".join(repr(clipped(id_, LONGEST)) for id_ in mapping.new)
    how = {"merged": "merged into", "split": "split into"}.get(mapping.kind, "replaced by")
    return f", {how} {to}" if to else ", replaced by nothing"


def _real_moves(diff: IndexDiff) -> list[NodeMove]:
    """Return the moves that do not follow from a merged, removed or new parent."""
    gone = {merge.node.id for merge in diff.merged} | {removal.node.id for removal in diff.removed}
    new = {node.id for node in diff.inserted}
    return [
        move
        for move in diff.moved
        if not (
            {parent.id for parent in move.lost} <= gone
            and (move.lost or {parent.id for parent in move.gained} <= new)
        )
    ]


def _label_moves(diff: IndexDiff) -> list[Line]:
    """Return the label moves that do not follow from a split, merge or removal, a line per pair of nodes."""
    implied = {(split.node.id, part.id) for split in diff.split for part in split.into}
    implied |= {(merge.node.id, merge.into.id) for merge in diff.merged}
    implied |= {(gone.node.id, heir.id) for gone in diff.removed for heir in gone.heirs}
    groups: defaultdict[tuple[tuple[NodeRef, ...], tuple[NodeRef, ...]], list[LabelChange]] = defaultdict(
        list
    )
    for label in diff.labels_moved:
        pairs = {(lost.id, gained.id) for lost in label.lost for gained in label.gained}
        if not (pairs and pairs <= implied):
            groups[label.lost, label.gained].append(label)
    return [
        (">", "labels", f"{_labels_text(labels)}{_from_to(lost, gained)}")
        for (lost, gained), labels in groups.items()
    ]


def _labels_text(labels: Sequence[LabelChange]) -> str:
    names = ", ".join(repr(clipped(label.name, LONGEST)) for label in labels[:_SHOWN_NAMES])
    more = len(labels) - _SHOWN_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def _from_to(lost: Sequence[NodeRef], gained: Sequence[NodeRef]) -> str:
    return (f" from {_nodes_text(lost)}" if lost else "") + (
        f" to {_nodes_text(gained)}"
        if lost and gained
        else f" also to {_nodes_text(gained)}"
        if gained
        else ""
    )


def _rename_text(edit: NodeEdit) -> str:
    old, new = (clipped(str(name), LONGEST) for name in edit.texts["name"])
    return (
        f"{node_text(edit.former)} to {new!r}"
        if edit.former.path
        else f"{_TOP} #{edit.former.id} {old!r} to {new!r}"
    )


def _lone_label_renames(diff: IndexDiff) -> list[LabelEdit]:
    """Return the renamed labels whose node was not renamed with them."""
    with_node = {(edit.label, edit.texts["name"][1]) for edit in diff.edited if "name" in edit.texts}
    return [label for label in diff.labels_renamed if (label.id, label.present) not in with_node]


def _label_rename_text(label: LabelEdit) -> str:
    former, present = (repr(clipped(name, LONGEST)) for name in (label.former, label.present))
    return f"{former} ({clipped(label.id, LONGEST)}) to {present}"


def _label_text(label: LabelChange | LabelEdit | LabelNames | LabelRetirement) -> str:
    return f"{clipped(label.name, LONGEST)!r} ({clipped(label.id, LONGEST)})"


def _last_step(node: NodeRef) -> str:
    return repr(clipped(node.path[-1], LONGEST)) if node.path else _TOP


def _nodes_text(nodes: Iterable[NodeRef]) -> str:
    return ", ".join(node_text(node) for node in nodes)


def node_text(node: NodeRef) -> str:
    """Return a node's path and number."""
    path = PATH_SIGN.join(clipped(step, LONGEST) for step in node.path) or _TOP
    return f"{path} #{node.id}"
