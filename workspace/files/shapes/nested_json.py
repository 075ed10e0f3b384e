"""Flatten what JSON nests: trees of objects, objects by id, lists by their heading."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from taxonaut.workspace.files.shapes.usual_names import CHILDREN, USUAL, fold

NAMES = frozenset(USUAL["name"])
IDS = frozenset(USUAL["id"])
ABOVE = "parents"
PATH = "path"
_NODES, _EDGES = ("nodes", "vertices", "concepts"), ("edges", "links", "relations")
_ABOVE_ENDS, _BELOW_ENDS = ("source", "from", "parent", "broader"), ("target", "to", "child", "narrower")
_SCHEMAS = ("id2label", "label", "classlabel", "names", "features", "intents", "classes", "labelmap")
_WRAPPERS = ("taxonomy", "labels", "data", "tree", "results", "root", "vocabulary", "graph")


@dataclass(frozen=True, slots=True)
class Flat:
    """Objects as rows, and what shape was seen; `count` objects had others below them."""

    rows: list[dict[str, object]]
    shape: str


def flatten(value: object) -> Flat | None:
    """Return the rows of nested JSON, each with the list of names above it and its own as `path`; None if it is flat.

    Children are under a usual key (`children`, `narrower`, …), or under the only key with a list of objects like
    these. An object of objects is by id where these have a name or a parent, and else by name; an object of lists
    of texts is by heading.
    """
    if (graph := _read_graph(value)) is not None:
        return graph
    nested = _nested_keys(value)
    if isinstance(value, dict) and len(nested) == 1 and not (_find_key(value, NAMES) and len(value) > 1):
        (key,) = nested
        inner = value[key]
        if isinstance(inner, dict) and (len(value) > 1 or fold(key) in (*_WRAPPERS, *_SCHEMAS)):
            return flatten(inner)
        if _are_texts(inner) and inner and fold(key) in _SCHEMAS:
            return Flat([{"name": name} for name in inner], f"a list under {key!r}")
        holds_objects = isinstance(inner, list) and any(isinstance(each, dict) for each in inner)
        if holds_objects and fold(key) in (*CHILDREN, *_WRAPPERS, *_SCHEMAS):
            objects = [dict(each) for each in inner if isinstance(each, dict)]
            return flatten(inner) or Flat(objects, f"a list under {key!r}")
    if isinstance(value, dict):
        if name := _find_key(value, NAMES):
            below = _children_key([value])
            if below is None or isinstance(value[name], (dict, list)):
                return None
            return Flat(list(_walk([value], (), below)), f"objects nested under {below!r}")
        return _by_key(value)
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        below = _children_key(value)
        if below is not None:
            return Flat(list(_walk(value, (), below)), f"objects nested under {below!r}")
    return None


def _nested_keys(value: object) -> list[str]:
    """Return the keys of an object under which more than one scalar lies."""
    if not isinstance(value, dict):
        return []
    return [key for key, inner in value.items() if isinstance(inner, (dict, list))]


def _read_graph(value: object) -> Flat | None:
    """Read nodes with edges from the parent (`source`, `from`, `parent`) to the child (`target`, `to`, `child`)."""
    if not isinstance(value, dict):
        return None
    by_name = {fold(key): inner for key, inner in value.items()}
    nodes = _objects_in(next((by_name[key] for key in _NODES if key in by_name), None))
    edges = _objects_in(next((by_name[key] for key in _EDGES if key in by_name), None))
    if not nodes or not edges:
        return None
    parents: dict[str, list[object]] = {}
    for edge in edges:
        ends = {fold(key): end for key, end in edge.items()}
        above = next((ends[key] for key in _ABOVE_ENDS if key in ends), None)
        below = next((ends[key] for key in _BELOW_ENDS if key in ends), None)
        if above is None or below is None:
            return None
        parents.setdefault(str(below), []).append(above)
    ids = [_find_key(node, IDS) for node in nodes]
    if not all(ids):
        return None
    rows = [{**node, ABOVE: parents.get(str(node[id]), [])} for node, id in zip(nodes, ids, strict=True)]
    return Flat(rows, "nodes and edges")


def _objects_in(value: object) -> list[dict[str, object]]:
    """Return a list of objects; [] of anything else."""
    found = value if isinstance(value, list) else []
    return found if all(isinstance(each, dict) for each in found) else []


def _by_key(value: Mapping[str, object]) -> Flat | None:
    inner = list(value.values())
    if inner and all(isinstance(each, dict) for each in inner):
        objects = [each for each in inner if isinstance(each, dict)]
        if all(_find_key(each, NAMES) or _find_key(each, frozenset(USUAL["parents"])) for each in objects):
            below = _children_key(objects)
            rows = [
                {**({"id": key} if not _find_key(each, IDS) else {}), **each}
                for key, each in zip(value, objects, strict=True)
            ]
            if below is not None and not all(_are_texts(each.get(below, [])) for each in objects):
                return Flat(list(_walk(rows, (), below)), f"objects by id, nested under {below!r}")
            return Flat(rows, "objects by their ids")
    if inner and all(isinstance(each, (dict, list, str)) or each is None for each in inner):
        if _holds_records(value):
            return None
        if all(isinstance(each, str) for each in inner):
            return Flat([{"id": key, "name": each} for key, each in value.items()], "names by their ids")
        return Flat(list(_walk_keys(value, ())), "names nested as keys")
    return None


def _holds_records(value: object) -> bool:
    """Whether a list of objects with scalars is somewhere in it: such are records, and their keys are no names."""
    if isinstance(value, dict):
        return any(_holds_records(each) for each in value.values())
    if not isinstance(value, list):
        return False
    objects = [each for each in value if isinstance(each, dict)]
    scalars = [
        each
        for each in objects
        if any(not isinstance(v, (dict, list)) and v is not None for v in each.values())
    ]
    return bool(scalars) or any(_holds_records(each) for each in value)


def _walk_keys(value: object, above: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Yield a row for each key, and for each text of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {PATH: [*above, key]}
            yield from _walk_keys(inner, (*above, key))
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, (dict, list)):
                yield from _walk_keys(each, above)
            elif each is not None:
                yield {PATH: [*above, str(each)]}
    elif isinstance(value, str) and value.strip():
        yield {PATH: [*above, value]}


def _walk(
    objects: Sequence[Mapping[str, object]], above: tuple[str, ...], key: str | None
) -> Iterator[dict[str, object]]:
    """Yield nested objects from the top down: by their parents' ids if all have ids, else by path."""
    found = list(_visit(objects, above, key))
    ids = [_find_key(value, IDS) for value, _, _ in found]
    by_id = all(ids) and len({str(value[id]) for (value, _, _), id in zip(found, ids, strict=True)}) == len(
        found
    )
    for (value, path, over), id in zip(found, ids, strict=True):
        name = _find_key(value, NAMES) or id
        row = {column: cell for column, cell in value.items() if column != key and column != ABOVE}
        row["name"] = value[name]
        if by_id:
            parent_id = _find_key(over, IDS) if over is not None else ""
            yield {**row, "id": value[id], ABOVE: [over[parent_id]] if over is not None else []}
        else:
            yield {**row, PATH: list(path)}


_Visit = tuple[Mapping[str, object], tuple[str, ...], Mapping[str, object] | None]


def _visit(
    objects: Sequence[Mapping[str, object]], above: tuple[str, ...], key: str | None
) -> Iterator[_Visit]:
    """Yield each object with its path and the object above it, parents first."""
    stack: list[_Visit] = [(each, above, None) for each in reversed(objects)]
    while stack:
        value, over, parent = stack.pop()
        name = _find_key(value, NAMES) or _find_key(value, IDS)
        if not name:
            continue
        path = (*over, str(value[name]).strip())
        yield value, path, parent
        below = value.get(key) if key else None
        if isinstance(below, dict):
            below = [{"name": k, **v} if isinstance(v, dict) else {"name": k} for k, v in below.items()]
        if isinstance(below, list):
            inner = [{"name": each} if isinstance(each, str) else each for each in below]
            stack.extend((each, path, value) for each in reversed(inner) if isinstance(each, dict))


def _find_key(value: Mapping[str, object], names: frozenset[str]) -> str:
    by_name = {fold(key): key for key in reversed(list(value))}
    ordered = sorted((name for name in by_name if name in names), key=lambda name: _rank(name))
    return by_name[ordered[0]] if ordered else ""


def _rank(name: str) -> int:
    for role in ("name", "id", "parents"):
        if name in USUAL[role]:
            return USUAL[role].index(name)
    return 99


def _children_key(objects: Sequence[Mapping[str, object]]) -> str | None:
    """Return the key under which objects hold others; None if they hold none."""
    candidates: dict[str, None] = {}
    for each in objects:
        for key, inner in each.items():
            if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
                if (fold(key) in CHILDREN and fold(key) not in ("broader",)) or _alike(inner, each):
                    candidates[key] = None
            elif (isinstance(inner, list) and inner and _are_texts(inner) and fold(key) in CHILDREN) or (
                isinstance(inner, dict) and inner and fold(key) in CHILDREN
            ):
                candidates[key] = None
    usual = sorted(candidates, key=lambda key: CHILDREN.index(fold(key)) if fold(key) in CHILDREN else 99)
    return usual[0] if usual else None


def _alike(inner: Sequence[Mapping[str, object]], outer: Mapping[str, object]) -> bool:
    """Whether objects in a list have the name key of the one that holds the list, and are no parents of it."""
    name = _find_key(outer, NAMES)
    return bool(name) and all(
        name in each and any(isinstance(v, list) for v in each.values()) for each in inner
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
