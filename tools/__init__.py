"""What can be done to the index, one tool per file; each is also a plain function on an `Index`."""

from taxonaut.tools.assign_label import assign_label
from taxonaut.tools.catalog import catalog
from taxonaut.tools.expand_node import Expansion, expand_node
from taxonaut.tools.list_children import Children, list_children
from taxonaut.tools.propose_category import propose_category
from taxonaut.tools.rank_candidates import RankedLabel, rank_candidates
from taxonaut.tools.search_labels import LabelHit, search_labels

__all__ = [
    "Children",
    "Expansion",
    "LabelHit",
    "RankedLabel",
    "assign_label",
    "catalog",
    "expand_node",
    "list_children",
    "propose_category",
    "rank_candidates",
    "search_labels",
]
