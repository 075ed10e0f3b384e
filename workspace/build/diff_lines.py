"""What changed in the index, as lines of plain text: a sign, the kind of change, what it came to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from taxonaut.state.index.diff import IndexDiff, LabelChange, LabelEdit, NodeEdit, NodeMove, NodeRef
from taxonaut.workspace.core.text_format import PATH_SIGN, clipped, counted

LONGEST = 80
_TOP = "(top)"
_SHOWN_NAMES = 3

Line = tuple[str, str, str]
"""A sign (`+`, `-`, `~` or `>`), the kind of change, and its text."""


def diff_lines(diff: IndexDiff) -> list[list[Line]]:
    """Return the lines of each kind of change; names are clipped, and may hold control signs."""
    parts = {part.id for split in diff.split for part in split.into}
    return [
        [
            *(("~", "renamed", _renamed(edit)) for edit in diff.edited if "name" in edit.texts),
            *(("~", "renamed", _renamed_label(label)) for label in _renamed_alone(diff)),
        ],
        [
            ("~", "edited", f"{named(edit.node)}: {', '.join(texts)}")
            for edit in diff.edited
            if (texts := [name for name in edit.texts if name != "name"])
        ],
        [(">", "moved", f"{named(move.node)}{_way(move.lost, move.gained)}") for move in _real_moves(diff)],
        [(">", "merged", f"{named(merge.node)} into {named(merge.into)}") for merge in diff.merged],
        [
            (
                ">",
                "split",
                f"{named(split.node)}{' (gone)' if split.gone else ''}: {counted(split.labels, 'label')} "
                f"into {', '.join(_last(part) for part in split.into)}",
            )
            for split in diff.split
        ],
        [("+", "node", named(node)) for node in diff.inserted if node.id not in parts],
        [
            ("-", "node", named(gone.node) + (f", its content to {_all(gone.heirs)}" if gone.heirs else ""))
            for gone in diff.removed
        ],
        [
            (
                "+",
                "label",
                f"{_named_label(label)}" + (f" in {_all(label.gained)}" if label.gained else ", unplaced"),
            )
            for label in diff.labels_inserted
        ],
        [("-", "label", _named_label(label)) for label in diff.labels_gone],
        _label_moves(diff),
        [
            (
                "~",
                "described",
                f"{_named_label(edit)}: {clipped(edit.present, LONGEST) or 'nothing any more'}",
            )
            for edit in diff.labels_described
        ],
    ]


def _real_moves(diff: IndexDiff) -> list[NodeMove]:
    """Leave out what moved only because its parent was merged, removed or made."""
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
    """Return label moves, those between the same nodes on one line; splits and merges speak for theirs."""
    told = {(split.node.id, part.id) for split in diff.split for part in split.into}
    told |= {(merge.node.id, merge.into.id) for merge in diff.merged}
    told |= {(gone.node.id, heir.id) for gone in diff.removed for heir in gone.heirs}
    groups: defaultdict[tuple[tuple[NodeRef, ...], tuple[NodeRef, ...]], list[LabelChange]] = defaultdict(
        list
    )
    for label in diff.labels_moved:
        pairs = {(lost.id, gained.id) for lost in label.lost for gained in label.gained}
        if not (pairs and pairs <= told):
            groups[label.lost, label.gained].append(label)
    return [
        (">", "labels", f"{_some(labels)}{_way(lost, gained)}") for (lost, gained), labels in groups.items()
    ]


def _some(labels: Sequence[LabelChange]) -> str:
    names = ", ".join(repr(clipped(label.name, LONGEST)) for label in labels[:_SHOWN_NAMES])
    more = len(labels) - _SHOWN_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def _way(lost: Sequence[NodeRef], gained: Sequence[NodeRef]) -> str:
    return (f" from {_all(lost)}" if lost else "") + (
        f" to {_all(gained)}" if lost and gained else f" also to {_all(gained)}" if gained else ""
    )


def _renamed(edit: NodeEdit) -> str:
    old, new = (clipped(str(name), LONGEST) for name in edit.texts["name"])
    return (
        f"{named(edit.former)} to {new!r}"
        if edit.former.path
        else f"{_TOP} #{edit.former.id} {old!r} to {new!r}"
    )


def _renamed_alone(diff: IndexDiff) -> list[LabelEdit]:
    """Leave out the labels whose node got the same name: its line says it."""
    told = {(edit.label, edit.texts["name"][1]) for edit in diff.edited if "name" in edit.texts}
    return [label for label in diff.labels_renamed if (label.id, label.present) not in told]


def _renamed_label(label: LabelEdit) -> str:
    former, present = (repr(clipped(name, LONGEST)) for name in (label.former, label.present))
    return f"{former} ({clipped(label.id, LONGEST)}) to {present}"


def _named_label(label: LabelChange | LabelEdit) -> str:
    return f"{clipped(label.name, LONGEST)!r} ({clipped(label.id, LONGEST)})"


def _last(node: NodeRef) -> str:
    return repr(clipped(node.path[-1], LONGEST)) if node.path else _TOP


def _all(nodes: Iterable[NodeRef]) -> str:
    return ", ".join(named(node) for node in nodes)


def named(node: NodeRef) -> str:
    """Write a node as its path and its number."""
    path = PATH_SIGN.join(clipped(step, LONGEST) for step in node.path) or _TOP
    return f"{path} #{node.id}"
