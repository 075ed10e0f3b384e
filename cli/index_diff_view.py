"""Show what changed in the index: as lines, as JSON, and as two trees side by side."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from taxonaut.cli.terminal import PATH_SIGN, clipped, counted, out, styled

if TYPE_CHECKING:
    from rich.text import Text

    from taxonaut.state.tree_diff import IndexDiff, LabelChange, LabelEdit, NodeEdit, NodeRef

LIMIT = 20
_LONGEST = 80
_TOP = "(top)"
_SIGNS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}
_SHOWN_NAMES = 3


def print_diff(diff: "IndexDiff", limit: int = LIMIT) -> None:
    """Print a diff in lines, at most `limit` of each kind (0: all)."""
    console = out()
    if diff.replaced and len(diff.matched) > 1:
        same = counted(len(diff.matched) - 1, "node")
        said = f"the tree was replaced, its nodes have new numbers; {same} matched by path or by members"
        console.print(styled(said, "bold"))
    elif diff.replaced:
        said = (
            "the tree was replaced; no node of the former one is in it" if diff.removed else "the tree is new"
        )
        console.print(styled(said, "bold"))
    if diff.is_empty:
        console.print(styled("nothing differs", "dim"))
    for lines in _kinds(diff):
        shown = lines if not limit or len(lines) <= limit + 1 else lines[:limit]
        for sign, kind, text in shown:
            line = styled(f"{sign} {kind:<9}", _SIGNS[sign])
            console.print(line.append_text(styled(f" {text}")), soft_wrap=True)
        if len(shown) < len(lines):
            console.print(styled(f"  … and {len(lines) - len(shown):,} more", "dim"))


Line = tuple[str, str, str]


def _kinds(diff: "IndexDiff") -> list[list[Line]]:
    """Return the lines of each kind of change."""
    parts = {part.id for split in diff.split for part in split.into}
    return [
        [("~", "renamed", _renamed(edit)) for edit in diff.edited if "name" in edit.texts],
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
                f"{_named_label(edit)}: {clipped(edit.present, _LONGEST) or 'nothing any more'}",
            )
            for edit in diff.labels_described
        ],
    ]


def _real_moves(diff: "IndexDiff") -> "list[Any]":
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


def _label_moves(diff: "IndexDiff") -> list[Line]:
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


def _some(labels: "Sequence[LabelChange]") -> str:
    names = ", ".join(repr(clipped(label.name, _LONGEST)) for label in labels[:_SHOWN_NAMES])
    more = len(labels) - _SHOWN_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def _way(lost: "Sequence[NodeRef]", gained: "Sequence[NodeRef]") -> str:
    return (f" from {_all(lost)}" if lost else "") + (
        f" to {_all(gained)}" if lost and gained else f" also to {_all(gained)}" if gained else ""
    )


def _renamed(edit: "NodeEdit") -> str:
    old, new = (clipped(str(name), _LONGEST) for name in edit.texts["name"])
    return (
        f"{named(edit.former)} to {new!r}"
        if edit.former.path
        else f"{_TOP} #{edit.former.id} {old!r} to {new!r}"
    )


def _named_label(label: "LabelChange | LabelEdit") -> str:
    return f"{clipped(label.name, _LONGEST)!r} ({clipped(label.id, _LONGEST)})"


def _last(node: "NodeRef") -> str:
    return repr(clipped(node.path[-1], _LONGEST)) if node.path else _TOP


def _all(nodes: "Iterable[NodeRef]") -> str:
    return ", ".join(named(node) for node in nodes)


def named(node: "NodeRef") -> str:
    """Write a node as its path and its number."""
    path = PATH_SIGN.join(clipped(step, _LONGEST) for step in node.path) or _TOP
    return f"{path} #{node.id}"


def diff_row(diff: "IndexDiff") -> dict[str, Any]:
    """Return a diff as JSON has it; nodes are objects with id and path."""

    def refs(nodes: "Iterable[NodeRef]") -> list[dict[str, Any]]:
        return [{"id": node.id, "path": list(node.path)} for node in nodes]

    def labels(changes: "Iterable[LabelChange]") -> list[dict[str, Any]]:
        return [
            {"id": each.id, "name": each.name, "gained": refs(each.gained), "lost": refs(each.lost)}
            for each in changes
        ]

    def one(node: "NodeRef") -> dict[str, Any]:
        return refs([node])[0]

    return {
        "before": diff.before,
        "after": diff.after,
        "replaced": diff.replaced,
        "matched": {str(then): now for then, now in diff.matched.items()},
        "nodes": {
            "inserted": refs(diff.inserted),
            "removed": [{**one(gone.node), "heirs": refs(gone.heirs)} for gone in diff.removed],
            "moved": [
                {**one(move.node), "gained": refs(move.gained), "lost": refs(move.lost)}
                for move in diff.moved
            ],
            "edited": [
                {
                    **one(edit.node),
                    "former": one(edit.former),
                    "texts": {name: {"from": old, "to": new} for name, (old, new) in edit.texts.items()},
                }
                for edit in diff.edited
            ],
            "merged": [{**one(merge.node), "into": one(merge.into)} for merge in diff.merged],
            "split": [
                {**one(split.node), "into": refs(split.into), "labels": split.labels, "gone": split.gone}
                for split in diff.split
            ],
        },
        "labels": {
            "inserted": labels(diff.labels_inserted),
            "gone": labels(diff.labels_gone),
            "moved": labels(diff.labels_moved),
            "described": [
                {"id": each.id, "name": each.name, "from": each.former, "to": each.present}
                for each in diff.labels_described
            ],
        },
    }


def cell(depth: int, sign: str, text: str) -> "Text":
    """Return one line of a tree that stands beside another."""
    return styled(f"{'  ' * depth}{sign} {clipped(text, _LONGEST)}", _SIGNS.get(sign, ""))
