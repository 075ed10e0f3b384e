"""Tools that agents call, one per module; each is also a plain function on an `Index`."""

from taxonaut.tools.assign_label import assign_label
from taxonaut.tools.catalog import catalog
from taxonaut.tools.edit.merge_labels import merge_labels
from taxonaut.tools.edit.merge_nodes import merge_nodes
from taxonaut.tools.edit.move_label import move_label
from taxonaut.tools.edit.move_node import move_node
from taxonaut.tools.edit.remove_node import remove_node
from taxonaut.tools.edit.rename_label import rename_label
from taxonaut.tools.edit.rename_node import rename_node
from taxonaut.tools.edit.restore_labels import restore_labels
from taxonaut.tools.edit.retire_labels import retire_labels
from taxonaut.tools.edit.split_label import split_label
from taxonaut.tools.edit.split_node import SplitPart, split_node
from taxonaut.tools.expand_node import Expansion, expand_node
from taxonaut.tools.list_children import Children, list_children
from taxonaut.tools.rank_candidates import RankedLabel, rank_candidates
from taxonaut.tools.search_labels import LabelHit, search_labels
from taxonaut.tools.write.propose_category import propose_category

__all__ = [
    "Children",
    "Expansion",
    "LabelHit",
    "RankedLabel",
    "SplitPart",
    "assign_label",
    "catalog",
    "expand_node",
    "list_children",
    "merge_labels",
    "merge_nodes",
    "move_label",
    "move_node",
    "propose_category",
    "rank_candidates",
    "remove_node",
    "rename_label",
    "rename_node",
    "restore_labels",
    "retire_labels",
    "search_labels",
    "split_label",
    "split_node",
]
