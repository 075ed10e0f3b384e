"""Show what changed in the index: as lines, as JSON, and as two trees side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from taxonaut.cli.shared.terminal import clipped, counted, out, styled
from taxonaut.state import index
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.workspace import build

if TYPE_CHECKING:
    from taxonaut.state.index.diff import IndexDiff, LabelChange, NodeRef
    from taxonaut.state.index.snapshot import Snapshot

LIMIT = 20
_SIGNS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}


def print_diff(diff: IndexDiff, limit: int = LIMIT) -> None:
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
    for lines in build.diff_lines.diff_lines(diff):
        shown = lines if not limit or len(lines) <= limit + 1 else lines[:limit]
        for sign, kind, text in shown:
            line = styled(f"{sign} {kind:<9}", _SIGNS[sign])
            console.print(line.append_text(styled(f" {text}")), soft_wrap=True)
        if len(shown) < len(lines):
            console.print(styled(f"  … and {len(lines) - len(shown):,} more", "dim"))


def diff_row(diff: IndexDiff) -> dict[str, Any]:
    """Return a diff as JSON has it; nodes are objects with id and path."""

    def refs(nodes: Iterable[NodeRef]) -> list[dict[str, Any]]:
        return [{"id": node.id, "path": list(node.path)} for node in nodes]

    def labels(changes: Iterable[LabelChange]) -> list[dict[str, Any]]:
        return [
            {"id": each.id, "name": each.name, "gained": refs(each.gained), "lost": refs(each.lost)}
            for each in changes
        ]

    def one(node: NodeRef) -> dict[str, Any]:
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
            "renamed": [
                {"id": each.id, "from": each.former, "to": each.present} for each in diff.labels_renamed
            ],
            "retired": [
                {
                    "id": each.id,
                    "name": each.name,
                    "lost": refs(each.lost),
                    "kind": each.mapping.kind,
                    "replaced_by": list(each.mapping.new),
                    "reason": each.mapping.reason,
                }
                for each in diff.labels_retired
            ],
            "restored": labels(diff.labels_restored),
            "ids": [
                {"from": each.former, "to": each.id, "name": each.name} for each in diff.labels_reidentified
            ],
            "alternatives": [
                {"id": each.id, "name": each.name, "from": list(each.former), "to": list(each.present)}
                for each in diff.labels_called
            ],
        },
    }


def cell(depth: int, sign: str, text: str) -> Text:
    """Return one line of a tree that is printed next to another."""
    return styled(f"{'  ' * depth}{sign} {clipped(text, build.diff_lines.LONGEST)}", _SIGNS.get(sign, ""))


MOST_LABELS = 5
"""Labels that came to or left one node and are shown by name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what is on the left, what on the right, each as (sign, text) or nothing."""

    depth: int
    left: tuple[str, str] | None
    right: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class _Spot:
    """A node as it is on one side, the other, or both."""

    then: NodeId | None
    now: NodeId | None


class SideBySide:
    """Walks both trees at once, into what changed only."""

    def __init__(self, diff: IndexDiff, before: Snapshot, after: Snapshot) -> None:
        self.before, self.after = before, after
        same = {id_: id_ for id_ in before.nodes if id_ in after.nodes}
        self.there = dict(diff.matched) if diff.replaced else same
        self.back = {now: then for then, now in self.there.items()}
        self.left, self.right = _touched(diff, before, after)
        self.seen: set[_Spot] = set()

    def rows(self) -> Iterator[Row]:
        """Yield the lines from the top down."""
        top = self.after.nodes[_root()]
        yield Row(0, (" ", self.before.nodes[_root()].name), (" ", top.name))
        yield from self._below(_Spot(_root(), _root()), 1)

    def _below(self, spot: _Spot, depth: int) -> Iterator[Row]:
        if spot in self.seen:
            return
        self.seen.add(spot)
        yield from self._labels(spot, depth)
        rest = 0
        for child, on_left, on_right in self._children(spot):
            if not (child.then in self.left or child.now in self.right):
                rest += 1
                continue
            alone = not (on_left and on_right)
            yield Row(
                depth,
                self._shown(child, 0, "-" if alone else "") if on_left else None,
                self._shown(child, 1, "+" if alone else "") if on_right else None,
            )
            if on_right or child.now is None:
                yield from self._below(child, depth + 1)
        if rest:
            text = ("…", counted(rest, "branch") + " as before")
            yield Row(depth, text, text)

    def _shown(self, spot: _Spot, side: int, sign: str) -> tuple[str, str] | None:
        snapshot, id_ = ((self.before, spot.then), (self.after, spot.now))[side]
        if id_ is None:
            return None
        name, count = snapshot.nodes[id_].name, len(snapshot.labels_at.get(id_, ()))
        if not sign and spot.then is not None and spot.now is not None:
            sign = " " if self.before.nodes[spot.then].name == self.after.nodes[spot.now].name else "~"
        return sign, f"{name} #{id_}" + (f" ({counted(count, 'label')})" if count else "")

    def _children(self, spot: _Spot) -> list[tuple[_Spot, bool, bool]]:
        """Return the children of both sides in one order: the present one, what left after its former neighbour."""
        former = self.before.children.get(spot.then, ()) if spot.then is not None else ()
        present = self.after.children.get(spot.now, ()) if spot.now is not None else ()
        left = [_Spot(then, self.there.get(then)) for then in former]
        right = [_Spot(self.back.get(now), now) for now in present]
        order = list(right)
        for place, child in enumerate(left):
            if child not in right:
                after = order.index(left[place - 1]) + 1 if place else 0
                order.insert(after, child)
        return [(child, child in left, child in right) for child in order]

    def _labels(self, spot: _Spot, depth: int) -> Iterator[Row]:
        former = self.before.labels_at.get(spot.then, ()) if spot.then is not None else ()
        present = self.after.labels_at.get(spot.now, ()) if spot.now is not None else ()
        kept = set(former) & set(present)
        gone = [label for label in former if label not in kept]
        come = [label for label in present if label not in kept]
        for sign, labels, names in (("-", gone, self.before.labels), ("+", come, self.after.labels)):
            for text in _named(labels, [names[label].name for label in labels[:MOST_LABELS]]):
                shown = (sign, text)
                yield Row(depth, shown if sign == "-" else None, shown if sign == "+" else None)
        yield from self._renamed([label for label in present if label in kept], spot, depth)

    def _renamed(self, labels: Sequence[LabelId], spot: _Spot, depth: int) -> Iterator[Row]:
        """Yield the labels of a node with other names; the one that the node itself is goes by its node."""
        own = self.after.nodes[spot.now].label_id if spot.now is not None else None
        pairs = [
            (self.before.labels[label].name, self.after.labels[label].name)
            for label in labels
            if label != own
        ]
        pairs = [pair for pair in pairs if pair[0] != pair[1]]
        for former, present in pairs[:MOST_LABELS]:
            yield Row(depth, ("~", repr(former)), ("~", repr(present)))
        if len(pairs) > MOST_LABELS:
            text = ("…", counted(len(pairs) - MOST_LABELS, "more label"))
            yield Row(depth, text, text)


def print_side_by_side(diff: IndexDiff, before: Snapshot, after: Snapshot) -> None:
    """Print both trees in two columns."""
    table = Table(box=None, expand=True, padding=(0, 1), pad_edge=False)
    for moment in (before, after):
        title = f"after event {moment.version}" if moment.version else "at the beginning"
        table.add_column(styled(title, "bold"), ratio=1, no_wrap=True, overflow="ellipsis")
    for row in SideBySide(diff, before, after).rows():
        table.add_row(*(cell(row.depth, *side) if side else "" for side in (row.left, row.right)))
    out().print(table)


def _named(labels: Sequence[LabelId], names: Sequence[str]) -> Iterator[str]:
    yield from (repr(name) for name in names)
    if len(labels) > len(names):
        yield f"… {counted(len(labels) - len(names), 'more label')}"


def _touched(diff: IndexDiff, before: Snapshot, after: Snapshot) -> tuple[set[NodeId], set[NodeId]]:
    """Return the nodes that changed and all above them, on each side."""
    left = {gone.node.id for gone in diff.removed} | {merge.node.id for merge in diff.merged}
    left |= {edit.former.id for edit in diff.edited}
    left |= {node.id for move in diff.moved for node in move.lost}
    left |= {node.id for label in (*diff.labels_moved, *diff.labels_gone) for node in label.lost}
    left |= {node.id for label in diff.labels_retired for node in label.lost}
    right = {node.id for node in diff.inserted} | {edit.node.id for edit in diff.edited}
    right |= {move.node.id for move in diff.moved}
    right |= {node.id for move in diff.moved for node in move.gained}
    come = (*diff.labels_moved, *diff.labels_inserted, *diff.labels_restored)
    right |= {node.id for label in come for node in label.gained}
    right |= {node for label in diff.labels_renamed for node in after.nodes_of.get(label.id, ())}
    there = dict(diff.matched) if diff.replaced else {id_: id_ for id_ in before.nodes if id_ in after.nodes}
    back = {now: then for then, now in there.items()}
    left |= {back[node] for node in right if node in back}
    right |= {there[node] for node in left if node in there}
    return _upwards(left, before), _upwards(right, after)


def _upwards(nodes: set[NodeId], snapshot: Snapshot) -> set[NodeId]:
    found, waiting = set(nodes), list(nodes)
    while waiting:
        for parent in snapshot.parents.get(waiting.pop(), ()):
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def _root() -> NodeId:

    return NodeId(index.shape.ROOT)
