"""Show what changed in the index: as lines, as JSON, and as two trees side by side."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from taxonaut.cli.terminal import clipped, counted, out, styled
from taxonaut.workspace.diff_lines import LONGEST, diff_lines

if TYPE_CHECKING:
    from rich.text import Text

    from taxonaut.state.tree_diff import IndexDiff, LabelChange, NodeRef

LIMIT = 20
_SIGNS = {"+": "green", "-": "red", "~": "yellow", ">": "cyan"}


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
    for lines in diff_lines(diff):
        shown = lines if not limit or len(lines) <= limit + 1 else lines[:limit]
        for sign, kind, text in shown:
            line = styled(f"{sign} {kind:<9}", _SIGNS[sign])
            console.print(line.append_text(styled(f" {text}")), soft_wrap=True)
        if len(shown) < len(lines):
            console.print(styled(f"  … and {len(lines) - len(shown):,} more", "dim"))


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
            "renamed": [
                {"id": each.id, "from": each.former, "to": each.present} for each in diff.labels_renamed
            ],
        },
    }


def cell(depth: int, sign: str, text: str) -> "Text":
    """Return one line of a tree that stands beside another."""
    return styled(f"{'  ' * depth}{sign} {clipped(text, LONGEST)}", _SIGNS.get(sign, ""))
