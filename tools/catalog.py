"""List all tools with their schemas for a given index."""

from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec
from taxonaut.tools.assign_label import assign_label_spec
from taxonaut.tools.edit.merge_labels import merge_labels_spec
from taxonaut.tools.edit.merge_nodes import merge_nodes_spec
from taxonaut.tools.edit.move_label import move_label_spec
from taxonaut.tools.edit.move_node import move_node_spec
from taxonaut.tools.edit.remove_node import remove_node_spec
from taxonaut.tools.edit.rename_node import rename_node_spec
from taxonaut.tools.edit.restore_labels import restore_labels_spec
from taxonaut.tools.edit.retire_labels import retire_labels_spec
from taxonaut.tools.edit.split_label import split_label_spec
from taxonaut.tools.edit.split_node import split_node_spec
from taxonaut.tools.expand_node import expand_node_spec
from taxonaut.tools.list_children import list_children_spec
from taxonaut.tools.rank_candidates import rank_candidates_spec
from taxonaut.tools.search_labels import search_labels_spec
from taxonaut.tools.write.propose_category import propose_category_spec


def catalog(index: Index, shortlist: int = 20) -> list[ToolSpec]:
    """Return every tool as a model at the root of this index would see it.

    `shortlist` is the assumed number of candidates of a ranking, which only a walk knows.
    """
    branches = max(1, len(index.children(index.root())))
    return [
        list_children_spec(index),
        expand_node_spec(branches, branches),
        propose_category_spec(index),
        assign_label_spec(branches, branches),
        rank_candidates_spec(shortlist, 10),
        search_labels_spec(),
        move_node_spec(),
        rename_node_spec(),
        merge_nodes_spec(),
        split_node_spec(),
        remove_node_spec(),
        merge_labels_spec(),
        split_label_spec(),
        move_label_spec(),
        retire_labels_spec(),
        restore_labels_spec(),
    ]
