"""Take over retired labels and mappings of ids with the file of an index."""

from collections.abc import Collection

from taxonaut.state.ids import LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.label_mappings import RENAMED, LabelMapping
from taxonaut.workspace.files.index_formats.index_file import LabelHistory


def load_history(index: Index, history: LabelHistory) -> None:
    """Add retired labels, and mappings with their dates; what the index says of an id already stays."""
    if not history.mappings:
        return
    if new := [label for label in history.retired if not index.knows_id(label.id)]:
        index.add_labels(new)
    placed = index.snapshot().nodes_of
    index.load_mappings([each for each in history.mappings if is_news(index, each, placed)])


def is_news(index: Index, mapping: LabelMapping, placed: Collection[LabelId]) -> bool:
    """Whether a mapping of a file can be taken over: its id is not mapped, nor a label in the tree."""
    if index.mapping_of(mapping.old) is not None:
        return False
    return not index.has_label(mapping.old) or (mapping.kind != RENAMED and mapping.old not in placed)


def describe_history(index: Index, history: LabelHistory) -> tuple[str, ...]:
    """Say which ids of a file's retired labels and mappings the index knows already."""
    known = [
        each.old
        for each in history.mappings
        if index.mapping_of(each.old) is not None or (each.kind == RENAMED and index.has_label(each.old))
    ]
    if not known:
        return ()
    return (
        f"{len(known):,} of these ids, first {known[0]!r}, are known here already; what is known of them stays",
    )
