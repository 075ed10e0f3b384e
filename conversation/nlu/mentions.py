"""Which node or label is meant: by its id in a call, by a name, a path or a number in a person's words."""

from collections.abc import Sequence

from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index.index import Index
from taxonaut.workspace.build.tree_preview import find_category, find_node
from taxonaut.workspace.core.text_format import PATH_SIGN, clipped, printable

TOP = frozenset({"top", "the top", "root", "the root", "everything", "the whole tree"})
SHOWN = 4
"""Paths named where several could be meant."""


def place_of(index: Index, given: object) -> Place:
    """Return what an id in a call stands for; a label that is a node is that node.

    A text that is no label's id is taken as a path or a name: small models give these. Raises NotFoundError for
    what the index does not have, InputError for a name that stands in several places.
    """
    if isinstance(given, int):
        return index.node(NodeId(given)).id
    if not index.has_label(LabelId(str(given))):
        return find_place(index, str(given))
    label = index.label(LabelId(str(given)))
    nodes = index.nodes(index.placements_of(label.id))
    return next((node.id for node in nodes if node.label_id == label.id), label.id)


def node_of(index: Index, given: object) -> NodeId:
    """Return the node an id stands for; InputError for a label that is none."""
    place = place_of(index, given)
    if isinstance(place, int):
        return place
    name = shown_name(index.label(place).name)
    above = path_of(index, place)[:-1]
    raise InputError(
        f"{name!r} is a label without branches, in {PATH_SIGN.join(map(shown_name, above)) or 'the top'}; "
        "name a category that has something below it"
    )


def path_of(index: Index, place: Place) -> tuple[str, ...]:
    """Return the names on a shortest path to a place, its own last; the root's path is empty."""
    if isinstance(place, int):
        return tuple(node.name for node in index.nodes(index.node_paths([place])[place]))
    paths = index.paths(place)
    return paths[0] if paths else (index.label(place).name,)


def find_place(index: Index, words: str) -> Place:
    """Find what a person means by a number, a path from the top (`A > B`), or a name from anywhere.

    Raises NotFoundError with near names, InputError where a name stands in several places.
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
    found = candidates(index, given)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(_nothing(index, given))
    raise InputError(_several(index, given, found))


def candidates(index: Index, name: str) -> list[Place]:
    """Return the nodes and labels of a name, whatever the case of its letters; a label that is a node once."""
    nodes: list[Place] = [node.id for node in index.nodes_named([name])]
    places = [place_of(index, label.id) for label in index.labels_named([name])]
    return list(dict.fromkeys([*nodes, *places]))


def find_label(index: Index, words: str) -> LabelId:
    """Find the label a person means by its id, its path or its name."""
    given = " ".join(words.split()).strip("\"'“”")
    if not given:
        raise InputError("no label is named; give its name, its path (A > B) or its id")
    if index.has_label(LabelId(given)):
        return LabelId(given)
    if PATH_SIGN in given:
        place = find_category(index, given)
        label = index.node(place).label_id if isinstance(place, int) else place
        if label is None:
            raise InputError(f"{given!r} is a category that is no label itself; name a label")
        return label
    found = index.labels_named([given])
    if len(found) == 1:
        return found[0].id
    if found:
        raise InputError(_several(index, given, [label.id for label in found]))
    raise NotFoundError(_nothing(index, given))


def _nothing(index: Index, given: str) -> str:
    near = near_names(index, given)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "look for it: /find WORDS"
    return f"nothing here is called {clipped(printable(given), 80)!r}; {hint}"


def near_names(index: Index, given: str, most: int = 3) -> list[str]:
    """Return names that are spelt like this, or share words with it."""
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
    return [shown_name(name) for name in [each for each, _, _ in found] or names[:most]]


def _several(index: Index, given: str, found: Sequence[Place]) -> str:
    ways = [repr(PATH_SIGN.join(map(shown_name, path_of(index, place)))) for place in found[:SHOWN]]
    more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    return f"{clipped(printable(given), 80)!r} stands in several places; say which: {', '.join(ways)}{more}"


def shown_name(name: str) -> str:
    """Return a name as a message repeats it."""
    return clipped(printable(name), 80)
