"""Resolve nodes and labels: ids in calls; names, paths and numbers in the user's words."""

from collections.abc import Sequence

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.workspace.build.tree_preview import find_category, find_node
from taxonaut.workspace.core.text_format import PATH_SIGN, clipped, printable

TOP = frozenset({"top", "the top", "root", "the root", "everything", "the whole tree"})
SHOWN = 4
"""Maximum paths listed for an ambiguous name."""


def resolve_place(index: Index, given: object) -> Place:
    """Resolve an id in a call; a label with a node resolves to the node.

    A text that is not a label id is read as a path or a name, as small models give these. Raises NotFoundError for
    an unknown one, InputError for an ambiguous name.
    """
    if isinstance(given, int):
        return index.node(NodeId(given)).id
    if not index.has_label(LabelId(str(given))):
        return find_place(index, str(given))
    label = index.label(LabelId(str(given)))
    nodes = index.nodes(index.placements_of(label.id))
    return next((node.id for node in nodes if node.label_id == label.id), label.id)


def resolve_node(index: Index, given: object) -> NodeId:
    """Resolve an id in a call to a node. Raises InputError for a label without a node."""
    place = resolve_place(index, given)
    if isinstance(place, int):
        return place
    name = format_name(index.label(place).name)
    above = path_names(index, place)[:-1]
    raise InputError(
        f"{name!r} is a label without branches, in {PATH_SIGN.join(map(format_name, above)) or 'the top'}; "
        "name a category that has something below it"
    )


def path_names(index: Index, place: Place) -> tuple[str, ...]:
    """Return the names on a shortest path to a place, ending with its own; the root's path is empty."""
    if isinstance(place, int):
        return tuple(node.name for node in index.nodes(index.node_paths([place])[place]))
    paths = index.paths(place)
    return paths[0] if paths else (index.label(place).name,)


def find_place(index: Index, words: str) -> Place:
    """Resolve the user's words: a number, a path from the top (`A > B`), or a name.

    Raises NotFoundError with similar names, InputError for an ambiguous name.
    """
    given = " ".join(words.split()).strip("\"'“”")
    if not given:
        raise InputError("no category is named; give its name, its path (A > B) or its number")
    if given.casefold() in TOP:
        return index.root()
    if given.removeprefix("#").isdecimal() and given.isascii():
        return find_node(index, given)
    if PATH_SIGN in given or given.startswith("["):
        return find_category(index, given)
    found = places_named(index, given)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(_unknown_name(index, given))
    raise InputError(_ambiguous_name(index, given, found))


def places_named(index: Index, name: str) -> list[Place]:
    """Return the nodes and labels with a name, ignoring case; a label with a node once, as the node."""
    nodes: list[Place] = [node.id for node in index.nodes_named([name])]
    places = [resolve_place(index, label.id) for label in index.labels_named([name])]
    return list(dict.fromkeys([*nodes, *places]))


def find_label(index: Index, words: str) -> LabelId:
    """Resolve the user's words to a label: an id, a path or a name."""
    given = " ".join(words.split()).strip("\"'“”")
    if not given:
        raise InputError("no label is named; give its name, its path (A > B) or its id")
    if index.has_label(LabelId(given)):
        return LabelId(given)
    if PATH_SIGN in given:
        place = find_category(index, given)
        label = index.node(place).label_id if isinstance(place, int) else place
        if label is None:
            raise InputError(f"{given!r} is a category but not a label; name a label")
        return label
    found = index.labels_named([given])
    if len(found) == 1:
        return found[0].id
    if found:
        raise InputError(_ambiguous_name(index, given, [label.id for label in found]))
    raise NotFoundError(_unknown_name(index, given))


def _unknown_name(index: Index, given: str) -> str:
    near = near_names(index, given)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "look for it: /find WORDS"
    return f"there is no category or label {clipped(printable(given), 80)!r}; {hint}"


def near_names(index: Index, given: str, most: int = 3) -> list[str]:
    """Return names with a similar spelling, or with words in common."""
    from rapidfuzz import fuzz, process

    pool = [node.name for node in index.search_nodes(given, 50)]
    pool += [label.name for label in index.search(given, 50)]
    if not pool:
        start = given[:3]
        pool = [node.name for node in index.search_nodes(start, 200)]
        pool += [label.name for label in index.search(start, 200)]
    names = list(dict.fromkeys(pool))
    found = process.extract(
        given, names, scorer=fuzz.ratio, processor=str.casefold, limit=most, score_cutoff=50
    )
    return [format_name(name) for name in [each for each, _, _ in found] or names[:most]]


def _ambiguous_name(index: Index, given: str, found: Sequence[Place]) -> str:
    paths = [repr(PATH_SIGN.join(map(format_name, path_names(index, place)))) for place in found[:SHOWN]]
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return f"{clipped(printable(given), 80)!r} is in several places; say which: {', '.join(paths)}{more}"


def format_name(name: str) -> str:
    """Format a name for a message."""
    return clipped(printable(name), 80)
