"""Keep the RDF that labels are imported from, so that an export can give it back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taxonaut.state.ids import EventId, LabelId
from taxonaut.state.index.checks import TREE_ROOT
from taxonaut.state.index.index import Index
from taxonaut.state.index.shape import ROOT
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.rdf_sources import RdfSource, RdfSources
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.index_formats.index_file import RetiredLabel


def keep_rdf(
    workspace: Core,
    event: EventId,
    source: RdfSource,
    tree: Tree | None,
    known: Mapping[LabelId, Label] | None = None,
) -> None:
    """Keep a file with the event that brought its labels; undoing that forgets it.

    `tree` was loaded into the index from it. `known` are labels that the index had before, with the texts it had:
    these, not the file's, are what later edits are told from.
    """
    reading: dict[str, Any] = dict(source.reading)
    if known:
        reading["concepts"] = [with_texts(row, known) for row in reading["concepts"]]
    of_tree = reading.pop("tree_nodes", {})
    if tree is not None:
        snapshot = workspace.index.snapshot()
        reading["tree"] = snapshot.tree
        keys = [node.key for node in tree.nodes if node.key != TREE_ROOT]
        ids = dict(zip(keys, sorted(node for node in snapshot.nodes if node != ROOT), strict=True))
        reading["nodes"] = {str(ids[int(key)]): concept for key, concept in of_tree.items()}
        root = next((node for node in tree.nodes if node.key == TREE_ROOT), None)
        if root is not None:
            reading["root"] = {"name": root.name, "tag": reading["tag"]}
    RdfSources(workspace.database).put(event, replace(source, reading=reading))


def retire_deprecated(index: Index, retired: Sequence[RetiredLabel], name: str) -> None:
    """Add labels that their file, called `name`, gives as deprecated, and retire them; known ids are passed over."""
    new = [each for each in retired if not index.knows_id(each.label.id)]
    if not new:
        return
    index.add_labels([each.label for each in new])
    heirs = {
        each.label.id: [heir for heir in each.replaced_by if index.has_label(heir)]
        for each in new
        if each.replaced_by
    }
    index.retire_labels([each.label.id for each in new], replaced_by=heirs, reason=f"deprecated in {name}")


def with_texts(row: Mapping[str, Any], known: Mapping[LabelId, Label]) -> Mapping[str, Any]:
    """Return the stored values of a reading with the texts that its label has in the index."""
    label = known.get(LabelId(row["label"]))
    if label is None:
        return row
    texts = {"name": label.name, "description": label.description, "alternatives": list(label.alternatives)}
    return {**row, **texts}
