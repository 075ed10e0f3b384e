"""Write and read an index as JSON lines: a header, then one line per node and label; lossless."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.checks import TREE_ROOT
from taxonaut.state.index.label_operations import former_of, names_given, places_before
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.label_mappings import LabelMapping, MappingKind
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.index_formats.index_file import IndexFile, LabelHistory
from taxonaut.workspace.files.sources import Source
from taxonaut.workspace.files.tables import Row, read_table

FORMAT = "taxonaut index"
VERSION = 1
_TYPES = ("root", "node", "label", "retired", "mapping")


def jsonl_lines(snapshot: Snapshot) -> Iterator[str]:
    """Yield the lines of an index file.

    Nodes name their parents, labels their nodes, each list in the index's own order. `places` count the
    edges (of nodes) and the placements (of labels) in the order in which they were made, which orders
    children and labels; without them, the order of the lines does. Retired labels and the mappings of ids follow.
    """
    head = {
        "type": "index",
        "format": FORMAT,
        "version": VERSION,
        "method": snapshot.method,
        "nodes": len(snapshot.nodes) - 1,
        "labels": len(snapshot.labels),
    }
    yield _line(head)
    edges: defaultdict[NodeId, list[tuple[int, int]]] = defaultdict(list)
    for place, (parent, child) in enumerate(snapshot.edges):
        edges[child].append((parent, place))
    for id_, node in snapshot.nodes.items():
        yield _line(
            {
                "type": "root" if id_ == ROOT else "node",
                "id": id_,
                "name": node.name,
                "description": node.description,
                "includes": list(node.includes),
                "excludes": list(node.excludes),
                "examples": list(node.examples),
                "label": node.label_id,
                "parents": [parent for parent, _ in edges[id_]],
                "places": [place for _, place in edges[id_]],
            }
        )
    placements: defaultdict[LabelId, list[tuple[int, int]]] = defaultdict(list)
    for place, (at, label_id) in enumerate(snapshot.placements):
        placements[label_id].append((at, place))
    for label in snapshot.labels.values():
        nodes = {
            "nodes": [at for at, _ in placements[label.id]],
            "places": [place for _, place in placements[label.id]],
        }
        yield _line({"type": "label", **_texts(label), **nodes})
    for label in snapshot.retired.values():
        yield _line({"type": "retired", **_texts(label)})
    for mapping in snapshot.mappings.values():
        yield _line(
            {
                "type": "mapping",
                "id": mapping.old,
                "new_ids": list(mapping.new),
                "kind": mapping.kind,
                "date": mapping.at,
                "reason": mapping.reason,
                "name": mapping.name,
                "stood_in": places_before(mapping),
                "names_given": list(names_given(mapping)),
            }
        )


def _texts(label: Label) -> dict[str, object]:
    return {
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "batch": label.batch,
        "alternatives": list(label.alternatives),
        **({"notation": label.notation} if label.notation else {}),
    }


def is_index(source: Source) -> bool:
    """Whether JSON lines begin with the header of an index."""
    with source.open_text() as text:
        first = next((line for line in text if line.strip()), "")
    try:
        head = json.loads(first)
    except ValueError:
        return False
    return isinstance(head, dict) and head.get("type") == "index" and head.get("format") == FORMAT


def read_jsonl(source: Source) -> IndexFile:
    """Read a file in the format of `jsonl_lines`. Raises InputError that names the line."""
    rows = [_Line(row) for row in read_table(source, plain="name").rows()]
    if not rows or rows[0].text("type") != "index" or rows[0].values.get("format") != FORMAT:
        raise InputError(
            f"{source.name} is not an index: its first line must be an object with "
            f'"type": "index" and "format": "{FORMAT}". Import labels with: taxonaut labels import'
        )
    version = rows[0].values.get("version")
    if version != VERSION:
        raise InputError(
            f"{source.name} has version {version!r} of the format; this taxonaut reads {VERSION}"
        )
    nodes = [row for row in rows[1:] if row.text("type") in ("root", "node")]
    labels = [row for row in rows[1:] if row.text("type") == "label"]
    odd = next((row for row in rows[1:] if row.text("type") not in _TYPES), None)
    if odd is not None:
        raise InputError(f"{odd.place}: unknown type {odd.text('type')!r}; it must be {' or '.join(_TYPES)}")
    if not labels and len(nodes) < 2:
        raise InputError(
            f"{source.name} holds no labels and no nodes; it needs at least one line of type label, or nodes of "
            "a vocabulary"
        )
    keys = _keys(nodes, source.name)
    tree = Tree(
        method=rows[0].text("method") or "imported",
        nodes=tuple(_node(row, keys) for row in nodes),
        edges=tuple(_ordered(nodes, "parents", keys)),
        placements=tuple(
            (key, LabelId(label)) for key, label in _ordered(labels, "nodes", keys, labels=True)
        ),
    )
    history = LabelHistory(
        tuple(_label(row) for row in rows if row.text("type") == "retired"),
        tuple(_mapping(row) for row in rows if row.text("type") == "mapping"),
    )
    return IndexFile(
        source.name, tuple(_label(row) for row in labels), tree, history.notes(), history=history
    )


class _Line:
    """A line whose fields are checked for their type when read."""

    def __init__(self, row: Row) -> None:
        self.values: Mapping[str, Any] = row.values
        self.place = row.place

    def text(self, name: str) -> str:
        value = self.values.get(name, "")
        if not isinstance(value, str):
            raise InputError(f"{self.place}: {name!r} must be a text, not {json.dumps(value)}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise InputError(f"{self.place}: {name!r} must be a list of texts, not {json.dumps(value)[:60]}")
        return tuple(value)

    def id(self) -> int | str:
        value = self.values.get("id")
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise InputError(f"{self.place}: an id is expected, a text or a whole number, not {value!r}")
        return value

    def list(self, name: str) -> list[Any]:
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise InputError(f"{self.place}: {name!r} must be a list, not {json.dumps(value)[:60]}")
        return value


def _keys(nodes: Sequence[_Line], name: str) -> dict[int | str, int]:
    roots = [row for row in nodes if row.text("type") == "root"]
    if len(roots) != 1:
        raise InputError(f"{name} has {len(roots)} lines of type root; it needs exactly one")
    keys: dict[int | str, int] = {roots[0].id(): TREE_ROOT}
    for row in nodes:
        if row is roots[0]:
            continue
        if row.id() in keys:
            raise InputError(f"{row.place}: the node id {row.id()!r} is used twice; give each node its own")
        keys[row.id()] = len(keys)
    return keys


def _node(row: _Line, keys: Mapping[int | str, int]) -> TreeNode:
    label = row.values.get("label")
    if label is not None and not isinstance(label, str):
        raise InputError(f"{row.place}: 'label' must be a label's id or null, not {label!r}")
    return TreeNode(
        key=keys[row.id()],
        name=row.text("name"),
        description=row.text("description"),
        label_id=None if label is None else LabelId(label),
        examples=row.texts("examples"),
        includes=row.texts("includes"),
        excludes=row.texts("excludes"),
    )


def _label(row: _Line) -> Label:
    id_ = row.id()
    return Label(
        LabelId(str(id_)),
        row.text("name"),
        row.text("description"),
        row.text("batch") or "initial",
        row.texts("alternatives"),
        row.text("notation"),
    )


def _mapping(row: _Line) -> LabelMapping:
    kind: MappingKind | None = next(
        (each for each in get_args(MappingKind) if each == row.text("kind")), None
    )
    if kind is None:
        raise InputError(
            f"{row.place}: 'kind' must be one of {', '.join(get_args(MappingKind))}, not {row.text('kind')!r}"
        )
    places = row.list("stood_in")
    if not all(isinstance(way, list) and all(isinstance(each, str) for each in way) for way in places):
        raise InputError(
            f"{row.place}: 'stood_in' must be a list of lists of names, not {json.dumps(places)[:60]}"
        )
    new = tuple(LabelId(each) for each in row.texts("new_ids"))
    former = former_of(places, new[0] if new else None, row.texts("names_given"))
    old = LabelId(str(row.id()))
    return LabelMapping(old, new, kind, row.text("date"), row.text("reason"), row.text("name"), former)


def _ordered(
    rows: Sequence[_Line], field: str, keys: Mapping[int | str, int], *, labels: bool = False
) -> list[tuple[int, Any]]:
    """Return (parent, child) pairs sorted by `places`; lines without `places` follow in file order."""
    found: list[tuple[tuple[float, int], tuple[int, Any]]] = []
    for row in rows:
        above, places = row.list(field), row.list("places")
        for turn, id_ in enumerate(above):
            if not isinstance(id_, int | str) or id_ not in keys:
                raise InputError(
                    f"{row.place}: there is no node {id_!r} in the file; add it, or correct {field!r}"
                )
            at = places[turn] if len(places) == len(above) else float("inf")
            if not isinstance(at, int | float):
                raise InputError(f"{row.place}: 'places' must be a list of numbers, not {places!r}")
            below = str(row.id()) if labels else keys[row.id()]
            found.append(((at, len(found)), (keys[id_], below)))
    return [pair for _, pair in sorted(found, key=lambda entry: entry[0])]


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
