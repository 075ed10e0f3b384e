"""Make a change to the index or preview it, and summarize changes of the log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from taxonaut.state.index.diff import IndexDiff
from taxonaut.state.records import Change
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.core.text_format import clipped, counted

LONGEST_NOTE = 200


def make_change(
    workspace: Core, change: Callable[[], object], note: str, *, dry_run: bool = False
) -> IndexDiff:
    """Make a change as one transaction and one entry of the log; return the diff.

    A dry run rolls it back; the diff's `after` is then the number the change would have had.
    """
    index = workspace.index
    with transaction(workspace, dry_run=dry_run), index.change(clipped(" ".join(note.split()), LONGEST_NOTE)):
        before = index.version()
        change()
        return index.diff_since(before)


@contextmanager
def transaction(workspace: Core, *, dry_run: bool) -> Iterator[None]:
    """Run the block in a write transaction; a dry run rolls it back."""
    if not dry_run:
        with workspace.database.write():
            yield
        return
    with workspace.index.preserve_cache(), suppress(_DryRunError), workspace.database.write():
        yield
        raise _DryRunError


class _DryRunError(Exception):
    """Ends a dry run's transaction."""


_LONGEST = 60
_SHOWN = 3


def summarize_change(change: Change) -> str:
    """Return a line that describes a change: its note and its operations."""
    kinds = sorted(change.operations)
    if kinds == ["undo"]:
        return f"undo of {change.payload['event']}"
    count = sum(change.operations.values())
    if count == 1:
        done = _describe_event(kinds[0], change.payload)
    else:
        done = ", ".join(f"{name} × {change.operations[name]}" for name in kinds)
    return f"{change.note}  ({done})" if change.note else done


def _describe_event(operation: str, payload: Mapping[str, Any]) -> str:
    name = repr(clipped(str(payload.get("name", "")), _LONGEST))
    node = payload.get("node")
    match operation:
        case "add_labels":
            return f"add {counted(payload['count'], 'label')}"
        case "describe_labels":
            return f"describe {counted(len(payload['descriptions']), 'label')}"
        case "rename_labels":
            return _describe_rename(payload["names"])
        case "set_alternatives":
            return f"change alternative names of {counted(len(payload['alternatives']), 'label')}"
        case "retire_labels" | "merge_labels" | "split_label":
            ids = ", ".join(repr(clipped(row[0], _LONGEST)) for row in payload["mapped"][:_SHOWN])
            more = f" and {len(payload['mapped']) - _SHOWN:,} more" if len(payload["mapped"]) > _SHOWN else ""
            return f"{operation.partition('_')[0]} {ids}{more}"
        case "restore_labels":
            return f"restore {counted(len(payload['restored']), 'label')}"
        case "load_mappings":
            return f"take over what became of {counted(len(payload['mapped']), 'id')}"
        case "reid_labels":
            return f"give {counted(len(payload['ids']), 'label')} another id"
        case "move_label":
            return f"move label {clipped(payload['moved'], _LONGEST)!r} from #{payload['from']} to #{payload['to']}"
        case "load_tree":
            return f"load a tree of {counted(payload['nodes'], 'node')} ({payload['method']})"
        case "create_node":
            return f"make node #{payload['node']['id']} {clipped(payload['node']['name'], _LONGEST)!r}"
        case "create_nodes":
            made, above = counted(payload["count"], "node"), counted(len(payload["parents"]), "node")
            return f"make {made} under {above}"
        case "remove_node" | "dissolve_node":
            return f"remove node #{node} {name}"
        case "edit_node":
            return f"edit {', '.join(payload['fields'])} of node #{node}"
        case "add_edge":
            return f"put node #{payload['child']} also under #{payload['parent']}"
        case "remove_edge":
            return f"take node #{payload['child']} from under #{payload['parent']}"
        case "place" | "unplace":
            where = [each[0] if isinstance(each, list) else each for each in payload["nodes"]]
            nodes = ", ".join(f"#{each}" for each in where)
            way = "in" if operation == "place" else "out of"
            return f"{operation} label {clipped(payload['label'], _LONGEST)!r} {way} {nodes}"
        case "place_many":
            return f"place labels {counted(payload['count'], 'time')}"
        case "move_node":
            return f"move node #{node} from #{payload['from']} to #{payload['to']}"
        case "merge_nodes":
            return f"merge node #{payload['away']} {name} into #{payload['keep']}"
        case "graft":
            counts = counted(payload["labels"], "label"), counted(payload["count"], "node")
            return f"split node #{node}: {counts[0]} into {counts[1]}"
        case "graft_many":
            counts = counted(payload["labels"], "label"), counted(payload["count"], "node")
            return f"split {counted(len(payload['nodes']), 'node')}: {counts[0]} into {counts[1]}"
        case _:
            return operation


def _describe_rename(rows: Sequence[Sequence[str]]) -> str:
    if len(rows) > 1:
        return f"rename {counted(len(rows), 'label')}"
    label, name = (repr(clipped(text, _LONGEST)) for text in rows[0])
    return f"rename label {label} to {name}"
