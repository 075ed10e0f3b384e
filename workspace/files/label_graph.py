"""Build the directed acyclic graph that labels describe with paths and parents, and check it."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label

Key = tuple[str, ...] | LabelId
"""A graph node's key: its path, or the label id for labels that have only parents."""

ROOT: Key = ()


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A label with its place in the hierarchy, as its file gives it.

    `path` runs from the top to the label's own name; `parents` are ids of other rows. With neither, the label
    stands at the top. `is_node` marks a row that is an inner node but no label to predict. `place` is the
    row's position in its file, for messages. `includes`, `excludes` and `examples` describe the node that the
    row becomes, if it becomes one; without examples, some are chosen from the labels below.
    """

    label: Label
    path: tuple[str, ...] = ()
    parents: tuple[LabelId, ...] = ()
    is_node: bool = False
    kind: str = ""
    place: str = "a label"
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelGraph:
    """The graph of all rows, parents before their children.

    `rows` maps keys to rows; keys without a row are inner steps of paths. `children` are in the order of the
    file.
    """

    order: tuple[Key, ...]
    rows: Mapping[Key, LabelRow]
    children: Mapping[Key, Sequence[Key]]


def check_labels(rows: Sequence[LabelRow], source: str = "the labels") -> tuple[str, ...]:
    """Check that rows form one graph, and say which names stand twice under one parent.

    Raises the errors of `label_graph`.
    """
    return describe_same_names(label_graph(rows, source))


def describe_same_names(graph: LabelGraph) -> tuple[str, ...]:
    """Say which names stand twice under one parent."""
    same = list(_same_names(graph))
    if not same:
        return ()
    (first, second), under = same[0], len(same)
    return (
        f"{under:,} names are used again under one parent, such as {first.label.name!r} ({first.label.id} and "
        f"{second.label.id}); their ids tell them apart",
    )


def label_graph(rows: Sequence[LabelRow], source: str = "the labels") -> LabelGraph:
    """Join rows into one graph.

    A row with a path is a child of the path's prefix, and every prefix is a node; parents given as well must
    agree with the path, and additional parents are additional edges. Rows with the same id and name and
    different paths are one label in several places that share its children. Labels with one name under one parent
    are told apart by their ids; what a path names below them is below the first. Raises `InputError` for any other
    duplicate id, an unknown parent, a path that contradicts the parents, and `CycleError`, which shows the cycle.
    """
    by_id = _by_id(rows)
    aliases = {row.path: by_id[row.label.id].path for row in rows if by_id[row.label.id] is not row}
    if aliases:
        by_id = {id_: replace(row, path=_resolve_aliases(row.path, aliases)) for id_, row in by_id.items()}
    keys: dict[LabelId, Key] = {}
    at: dict[Key, LabelRow] = {}
    children: dict[Key, dict[Key, None]] = {ROOT: {}}
    for row in by_id.values():
        key = _key(row)
        if key in at:  # a name that stands twice under one parent: ids tell the two apart
            key = row.label.id
        keys[row.label.id] = key
        at[key] = row
    for given in rows:
        row, key = by_id[given.label.id], keys[given.label.id]
        children.setdefault(key, {})
        if isinstance(key, tuple) or not row.parents:
            above = _resolve_aliases(given.path[:-1], aliases) if given.path in aliases else row.path[:-1]
            _add_path(children, above, key)
        for parent in _known_parents(row, by_id, source):
            children.setdefault(keys[parent], {})[key] = None
    return LabelGraph(
        _topological_order(children, at, source), at, {key: tuple(below) for key, below in children.items()}
    )


def _add_path(children: dict[Key, dict[Key, None]], above: tuple[str, ...], key: Key) -> None:
    """Add a node below another, creating the nodes of all its path's prefixes."""
    children.setdefault(above, {})[key] = None
    for length in range(len(above), 0, -1):
        parent = children.setdefault(above[: length - 1], {})
        if above[:length] in parent:
            break
        parent[above[:length]] = None


def _resolve_aliases(
    path: tuple[str, ...], aliases: Mapping[tuple[str, ...], tuple[str, ...]]
) -> tuple[str, ...]:
    """Replace each aliased prefix of a path by that label's first path."""
    for _ in range(len(aliases) + 1):
        length = next((long for long in range(len(path), 0, -1) if path[:long] in aliases), 0)
        if not length:
            return path
        path = aliases[path[:length]] + path[length:]
    raise CycleError(
        f"the paths of {path[0]!r} form a cycle: a label is below itself at {_path_text(path[:6])}"
    )


def _by_id(rows: Sequence[LabelRow]) -> dict[LabelId, LabelRow]:
    by_id: dict[LabelId, LabelRow] = {}
    for row in rows:
        first = by_id.setdefault(row.label.id, row)
        another_place = row.path != first.path and row.path and first.path
        if first is not row and not (another_place and row.label.name == first.label.name):
            raise InputError(
                f"{row.place}: the id {row.label.id!r} was already given to {first.label.name!r} "
                f"({first.place}). Ids must differ: remove one of the two rows, or "
                "name another column with --id-column."
            )
    return by_id


def _key(row: LabelRow) -> Key:
    if row.path:
        return row.path
    return row.label.id if row.parents else (row.label.name,)


def _known_parents(row: LabelRow, by_id: Mapping[LabelId, LabelRow], source: str) -> tuple[LabelId, ...]:
    for parent in row.parents:
        if parent not in by_id:
            raise _unknown_parent(row, parent, by_id, source)
    if row.path and row.parents:
        shown = [by_id[parent].path or (*row.path[:-2], by_id[parent].label.name) for parent in row.parents]
        if row.path[:-1] not in shown:
            parent_row = by_id[row.parents[0]]
            raise InputError(
                f"{row.place}: the path of {row.label.name!r} puts it under {_path_text(row.path[:-1])}, but "
                f"its parent {parent_row.label.id!r} stands at {_path_text(shown[0])} ({parent_row.place}). "
                "Correct one of the two, or read only one column: --path-column '' or --parents-column ''."
            )
    return row.parents


def _unknown_parent(
    row: LabelRow, parent: LabelId, by_id: Mapping[LabelId, LabelRow], source: str
) -> InputError:
    named = [repr(other.label.id) for other in by_id.values() if other.label.name == parent]
    if named:
        hint = f"Parents are ids, and {parent!r} is the name of {' and '.join(named[:2])}."
    else:
        close = difflib.get_close_matches(parent, by_id, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else "Add a row for it, or correct the id."
        if not close and any(sign in parent for sign in ",|"):
            hint += " If it is several ids, name their separator with --parent-separator."
    return InputError(
        f"{row.place}: the parent {parent!r} of {row.label.id!r} is not an id in {source}. {hint}"
    )


def _same_names(graph: LabelGraph) -> Iterator[tuple[LabelRow, LabelRow]]:
    """Yield pairs of labels with one name under one parent."""
    for below in graph.children.values():
        named: dict[str, LabelRow] = {}
        for child in below:
            row = graph.rows.get(child)
            if row is None or row.is_node:
                continue
            first = named.setdefault(row.label.name, row)
            if first is not row:
                yield first, row


def _topological_order(
    children: Mapping[Key, Mapping[Key, None]], rows: Mapping[Key, LabelRow], source: str
) -> tuple[Key, ...]:
    """Sort topologically (Kahn 1962), parents first. Raises CycleError if that is impossible."""
    waiting = dict.fromkeys(children, 0)
    for below in children.values():
        for child in below:
            waiting[child] += 1
    order = [key for key, count in waiting.items() if count == 0]
    for key in order:
        for child in children[key]:
            waiting[child] -= 1
            if waiting[child] == 0:
                order.append(child)
    if len(order) < len(children):
        raise _cycle(children, set(children) - set(order), rows, source)
    return tuple(order)


def _cycle(
    children: Mapping[Key, Mapping[Key, None]], left: set[Key], rows: Mapping[Key, LabelRow], source: str
) -> CycleError:
    """Follow parents among the unsorted nodes until one repeats, and report that cycle."""
    parent = {child: key for key in children if key in left for child in children[key] if child in left}
    key = next(key for key in children if key in left)
    seen: dict[Key, int] = {}
    while key not in seen:
        seen[key] = len(seen)
        key = parent[key]
    ring = list(seen)[seen[key] :]
    first = next(key for key in (*rows, *ring) if key in ring)
    start = ring.index(first)
    names = [
        str(rows[key].label.id) if key in rows else _path_text(key)
        for key in (*ring[start:], *ring[:start], first)
    ]
    return CycleError(
        f"{rows[first].place if first in rows else source}: the parents form a cycle: "
        f"{' -> '.join(names)}. Each of these has the next as a parent; remove one of these parents."
    )


def _path_text(key: Key) -> str:
    if key == ROOT:
        return "the top level"
    return repr(key if isinstance(key, str) else " > ".join(key))
