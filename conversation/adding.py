"""Add a category to a tree: a node; in a tree whose nodes are labels, a label with its node."""

import re
import unicodedata
from collections.abc import Sequence

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.index import Index
from taxonaut.state.records import Label
from taxonaut.tools.changing import refusals_for_models
from taxonaut.tools.propose_category import category_name, propose_category
from taxonaut.workspace.growth import SPLIT_BY
from taxonaut.workspace.label_graph import LabelRow
from taxonaut.workspace.native_growth import Homes, settle

BATCH = "conversation"
"""The batch of labels that were added in conversations."""

NODES_ONLY = (*SPLIT_BY, "vocabulary", "empty")
"""Ways of building trees whose categories are no labels."""


def add_category(index: Index, above: Sequence[Place], name: str, description: str = "") -> NodeId:
    """Add a category under a place. Hold a transaction and a change around it.

    In a person's own tree it becomes a label, too, with its node, so that texts can get it; a label it goes
    under becomes a node. In a tree that was built it is a node. Raises ToolError for a name that tells nothing
    apart there, InputError for a built tree's label.
    """
    (place,) = above
    if index.tree_method() in NODES_ONLY:
        if isinstance(place, str):
            raise InputError(
                f"{index.label(place).name!r} is a label; in a tree that was built, categories go under others"
            )
        return propose_category(index, place, name, description).id
    holder = index.label(place).name if isinstance(place, str) else index.node(place).name
    beside: list[str] = []
    if isinstance(place, int):
        own = index.node(place).label_id
        beside = [child.name for child in index.children(place)]
        beside += [label.name for label in index.labels_at(place) if label.id != own]
    label = Label(new_id(index, name), category_name(name, holder, beside), description, BATCH)
    with refusals_for_models():
        index.add_labels([label])
        inner = {label.id, place} if isinstance(place, str) else {label.id}
        homes = Homes({label.id: (place,)}, {label.id: LabelRow(label)}, frozenset(inner), (label.id,), ())
        return settle(index, homes)[label.id][0]


def new_id(index: Index, name: str) -> LabelId:
    """Make an id that no label has from a name: `bone-conduction-headphones`, then with -2, -3, …"""
    plain = unicodedata.normalize("NFKD", name).casefold()
    words = re.findall(r"\w+", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    base = "-".join(words) or "category"
    found, number = base, 2
    while index.has_label(LabelId(found)):
        found, number = f"{base}-{number}", number + 1
    return LabelId(found)
