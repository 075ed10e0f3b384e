"""The texts of categories for the general expert: names, paths, titles, definitions (Dual-Expert, figure 3b)."""

from collections import Counter
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from taxonaut.agents.category_expert import CategoryText
from taxonaut.state.ids import EventId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import NATIVE
from taxonaut.state.stores.definitions import Definitions
from taxonaut.tools.support.names import shortest_unique_suffixes
from taxonaut.workspace.core.core import Core

_KEPT: WeakKeyDictionary[Index, tuple[EventId, dict[LabelId, CategoryText]]] = WeakKeyDictionary()


def category_texts(workspace: Core, labels: Sequence[LabelId]) -> dict[LabelId, CategoryText]:
    """Return the texts of categories; those of all labels are cached until the index changes.

    Only an imported tree has paths, as built ones say little about a category. The title is the one written with
    the current definition, else the shortest suffix of the path that is unique. The label's description is its
    definition. Raises NotFoundError for an unknown label.
    """
    version = workspace.index.version()
    kept = _KEPT.get(workspace.index)
    if kept is None or kept[0] != version:
        kept = _KEPT[workspace.index] = (version, build_texts(workspace))
    unknown = [label for label in labels if label not in kept[1]]
    if unknown:
        workspace.index.labels(unknown)
    return {label: kept[1][label] for label in labels}


def clear_category_texts(workspace: Core) -> None:
    """Clear the cached texts, after titles were written."""
    _KEPT.pop(workspace.index, None)


def build_texts(workspace: Core) -> dict[LabelId, CategoryText]:
    """Return the texts of all categories."""
    labels = workspace.index.all_labels()
    paths = category_paths(workspace, [label.id for label in labels])
    ends = dict(zip(paths, shortest_unique_suffixes(list(paths.values())), strict=True))
    standing = Definitions(workspace.database).standing()
    titles = {label: found.title for label, found in standing.items()}
    given = Counter(title.casefold() for title in (*titles.values(), *ends.values()))
    return {
        label.id: CategoryText(
            label.name, paths[label.id], choose_title(titles, ends, given, label.id), label.description
        )
        for label in labels
    }


def choose_title(
    titles: dict[LabelId, str], ends: dict[LabelId, str], given: Counter[str], label: LabelId
) -> str:
    """Return the written title if it is unique, else the unique suffix of the path."""
    title, end = titles.get(label, ""), ends[label]
    shared = given[title.casefold()] > 1 + (title.casefold() == end.casefold())
    return end if not title or shared else title


def category_paths(workspace: Core, labels: Sequence[LabelId]) -> dict[LabelId, tuple[str, ...]]:
    """Return a shortest path to each label in an imported tree; in a built one its name alone."""
    named: dict[LabelId, tuple[str, ...]] = {
        label.id: (label.name,) for label in workspace.index.labels(labels)
    }
    if workspace.index.tree_method() != NATIVE:
        return named
    paths = workspace.index.paths_of(labels)
    return {label: paths[label][0] if paths.get(label) else named[label] for label in labels}
