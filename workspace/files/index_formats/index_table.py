"""An index as rows of a table, for CSV and workbooks: labels by path or by parents, retired labels and former ids."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.label_mappings import RENAMED, LabelMapping, MappingKind
from taxonaut.state.records import Label, Node
from taxonaut.workspace.files.index_formats.index_file import LabelHistory
from taxonaut.workspace.files.shapes.paths import split_path, split_places
from taxonaut.workspace.files.tables import Row, as_text, as_texts

COLUMNS = ("id", "path", "description", "alternatives")
COLUMNS_BY_PARENT = ("id", "name", "parents", "kind", "description", "alternatives")
SHEET_COLUMNS = ("id", "name", "path", "description", "alternatives")
NOTATION, KIND = "notation", "kind"
MAPPING_COLUMNS = ("replaced_by", "date", "reason")
RETIRED_COLUMNS = ("id", "name", KIND, *MAPPING_COLUMNS, "description", "alternatives", NOTATION)
LABELS_SHEET, RETIRED_SHEET = "labels", "retired"
UNPLACED = "unplaced"
"""The kind of a row whose label is in no node."""

SEPARATOR = " > "
_QUOTED = re.compile("'+[=+\\-@\t\r]")
_LIST = re.compile(r"[\[\n|;]")
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class IndexTable:
    """The header of the rows of labels, the rows, and those of retired labels and former ids."""

    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Sequence[str]]]
    retired: tuple[Sequence[str], ...]
    """As `RETIRED_COLUMNS`."""


def index_table(index: Index, *, named: bool = False, lines: bool = False) -> IndexTable:
    """Return an index as a table.

    A path is its names joined by ` > `, or a JSON list where that could not be read back; alternative names are a
    JSON list, or with `lines` one a line. `named` gives a row by path its name, too. Where an inner node has a
    sibling of its name, paths do not tell what is below which: rows then have their parents' ids in place of paths,
    and nodes rows of their own, of the kind `node`. There is a column of notations if any label has one, and one of
    kinds if a label has no place.
    """
    snapshot = index.snapshot()
    coded = any(label.notation for label in snapshot.labels.values())
    listed = _as_lines if lines else _as_list
    retired = tuple(_retired_rows(snapshot, listed))
    homeless = set(snapshot.labels).difference(label for _, label in snapshot.placements)
    end = (NOTATION,) if coded else ()
    if _have_twins(snapshot):
        return IndexTable(
            (*COLUMNS_BY_PARENT, *end),
            lambda: _rows_by_parent(snapshot, homeless, listed, coded=coded),
            retired,
        )
    kinds = bool(homeless)

    def rows() -> Iterator[Sequence[str]]:
        ids = index.label_ids()
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            paths = index.paths_of(part)
            for label in index.labels(part):
                for path in _paths(label, paths):
                    yield (
                        label.id,
                        *((label.name,) if named else ()),
                        path,
                        label.description,
                        listed(label.alternatives),
                        *((label.notation,) if coded else ()),
                        *((UNPLACED if label.id in homeless else "label",) if kinds else ()),
                    )

    start = SHEET_COLUMNS if named else COLUMNS
    return IndexTable((*start, *end, *((KIND,) if kinds else ())), rows, retired)


def describe_losses(snapshot: Snapshot) -> tuple[str, ...]:
    """Say what of an index a table cannot hold."""
    nodes = [node for node in snapshot.nodes.values() if node.id != next(iter(snapshot.nodes))]
    twins = _have_twins(snapshot)
    described = sum(_has_own_texts(snapshot, node, twins=twins) for node in nodes)
    filled = {node for node, _ in snapshot.placements}
    for at in reversed(snapshot.downwards()):
        if any(child in filled for child in snapshot.children.get(at, ())):
            filled.add(at)
    empty = sum(node.id not in filled for node in nodes)
    own: defaultdict[LabelId, set[NodeId]] = defaultdict(set)
    for node in nodes:
        if node.label_id:
            own[node.label_id].add(node.id)
    apart = sum(own[label] != set(snapshot.nodes_of.get(label, ())) or len(own[label]) > 1 for label in own)
    root = next(iter(snapshot.nodes))
    twice = {child for parent, child in snapshot.edges if parent == root and len(snapshot.parents[child]) > 1}
    also = {
        label for node, label in snapshot.placements if node == root and len(snapshot.nodes_of[label]) > 1
    }
    topped = len(twice) + len(also) if twins else 0
    shared = 0 if twins else sum(not node.label_id and len(snapshot.parents[node.id]) > 1 for node in nodes)
    batches = {label.batch for label in snapshot.labels.values()} - {"initial"}
    counts = {
        f"texts of {described:,} nodes": described,
        f"{empty:,} nodes without labels": empty,
        f"that {apart:,} labels with others below them stand elsewhere without those": apart,
        f"that {topped:,} labels and nodes stand at the top as well": topped,
        f"that {shared:,} nodes have several parents": shared,
        f"{len(batches):,} names of batches": len(batches),
        "where retired labels stood": len(snapshot.retired),
    }
    lost = [said for said, count in counts.items() if count]
    return (f"a table cannot hold {', '.join(lost)}; .jsonl can",) if lost else ()


def _has_own_texts(snapshot: Snapshot, node: Node, *, twins: bool) -> bool:
    """Whether a node has texts that are not its label's; its description stands in a row of its own, if any."""
    if node.includes or node.excludes:
        return True
    label = snapshot.labels.get(node.label_id) if node.label_id else None
    if label is None:
        return bool(node.description) and not twins
    return (node.name, node.description) != (label.name, label.description)


def _as_list(texts: Sequence[str]) -> str:
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _as_lines(texts: Sequence[str]) -> str:
    """Return texts as a cell for people, one a line, or a JSON list where that could not be read back."""
    if any("\n" in text or "\r" in text or text.startswith("[") or text != text.strip() for text in texts):
        return _as_list(texts)
    return _as_list(texts) if len(texts) == 1 and _LIST.search(texts[0]) else "\n".join(texts)


def _have_twins(snapshot: Snapshot) -> bool:
    """Whether an inner node has the name of another child of its parent, or at the top of an unplaced label."""
    placed = {label for _, label in snapshot.placements}
    root = next(iter(snapshot.nodes))
    leaves: defaultdict[NodeId, set[LabelId]] = defaultdict(set)
    for node, label in snapshot.placements:
        if snapshot.nodes[node].label_id != label and label in snapshot.labels:
            leaves[node].add(label)
    for node, children in snapshot.children.items():
        names = [snapshot.nodes[child].name for child in children]
        others = leaves[node].difference(snapshot.nodes[child].label_id or "" for child in children)
        if node == root:
            others = others | (set(snapshot.labels) - placed)
        if len(set(names)) < len(names) or {snapshot.labels[label].name for label in others} & set(names):
            return True
    return False


def _rows_by_parent(
    snapshot: Snapshot, homeless: set[LabelId], listed: Callable[[Sequence[str]], str], *, coded: bool
) -> Iterator[Sequence[str]]:
    """Yield a row for each node and each label, from the top down, with the ids of what it is below."""
    root = next(iter(snapshot.nodes))
    ids: dict[NodeId, str] = {}
    for node in snapshot.nodes.values():
        made = f"node {node.id}"
        while made in snapshot.labels:
            made = f"{made} of the tree"
        ids[node.id] = node.label_id or made
    above: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for parent, child in snapshot.edges:
        if parent != root:
            above[ids[child]][ids[parent]] = None
    for parent, label in snapshot.placements:
        if parent != root and ids[parent] != label:
            above[label][ids[parent]] = None
    end = ("",) if coded else ()
    for node in snapshot.nodes.values():
        if node.id != root and not node.label_id:
            yield ids[node.id], node.name, _parents(above[ids[node.id]]), "node", node.description, "", *end
    for each in snapshot.labels.values():
        kind = UNPLACED if each.id in homeless else "label"
        yield (
            each.id, each.name, _parents(above[each.id]), kind, each.description, listed(each.alternatives),
            *((each.notation,) if coded else ()),
        )  # fmt: skip


def _retired_rows(snapshot: Snapshot, listed: Callable[[Sequence[str]], str]) -> Iterator[Sequence[str]]:
    for mapping in snapshot.mappings.values():
        label = snapshot.retired.get(mapping.old) or Label(mapping.old, mapping.name)
        yield (
            mapping.old, mapping.name, mapping.kind, _parents(mapping.new), mapping.at, mapping.reason,
            label.description, listed(label.alternatives), label.notation,
        )  # fmt: skip


def _parents(ids: Iterable[str]) -> str:
    """Return ids as a cell: one as it is, if it is no list and holds no separator, else a JSON list."""
    given = list(ids)
    if (
        len(given) == 1
        and ";" not in given[0]
        and not given[0].startswith("[")
        and given[0] == given[0].strip()
    ):
        return given[0]
    return json.dumps(given, ensure_ascii=False) if given else ""


def _paths(label: Label, paths: Mapping[LabelId, Sequence[tuple[str, ...]]]) -> Iterator[str]:
    for path in paths[label.id] or [(label.name,)]:
        joined = SEPARATOR.join(path)
        read = [tuple(split_path(place, SEPARATOR)) for place in split_places(joined, SEPARATOR)]
        plain = not joined.startswith("[") and tuple(joined.split(SEPARATOR)) == path and read == [path]
        yield joined if plain else json.dumps(path, ensure_ascii=False)


def unguard(text: str) -> str:
    """Remove the apostrophe that keeps a spreadsheet from running a cell."""
    return text[1:] if _QUOTED.match(text) else text


def is_quoted(text: str) -> bool:
    """Whether a text begins with an apostrophe that `unguard` would remove."""
    return bool(_QUOTED.match(text))


def is_index_table(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of an exported index, in their order."""
    return any(tuple(columns[: len(each)]) == each for each in (COLUMNS, COLUMNS_BY_PARENT, SHEET_COLUMNS))


def is_retired_row(row: Row) -> bool:
    """Whether a row is that of a retired label or a former id."""
    return MAPPING_COLUMNS[0] in row.values and row.values.get(KIND) in get_args(MappingKind)


def read_retired(rows: Sequence[Row], plain: Callable[[str], str] = str) -> LabelHistory:
    """Read rows of retired labels and former ids; `plain` is applied to their texts."""
    retired, mappings = [], []
    for row in rows:
        cells = {column: plain(as_text(row.values.get(column), row, column)) for column in RETIRED_COLUMNS}
        kind = next((each for each in get_args(MappingKind) if each == cells[KIND]), None)
        if kind is None:
            raise InputError(
                f"{row.place}: the kind {cells[KIND]!r} is unknown; it can be one of "
                f"{', '.join(get_args(MappingKind))}"
            )
        if not cells["id"] or not cells["name"].strip():
            raise InputError(f"{row.place}: a retired label needs its id and its name")
        old = LabelId(cells["id"])
        new = tuple(map(LabelId, as_texts(cells["replaced_by"], row, "replaced_by", ";")))
        mappings.append(LabelMapping(old, new, kind, cells["date"], cells["reason"], cells["name"]))
        if kind != RENAMED:
            others = as_texts(cells["alternatives"], row, "alternatives", "\n")
            retired.append(
                Label(old, cells["name"], cells["description"], alternatives=others, notation=cells[NOTATION])
            )
    return LabelHistory(tuple(retired), tuple(mappings))
