"""The ways of making an index over labels, by name."""

from collections.abc import Mapping
from typing import Any

from taxonaut.state.errors import InputError
from taxonaut.workspace.kmeans_tree import KMeansSettings, KMeansTreeBuilder
from taxonaut.workspace.tree_builder import TreeBuilder
from taxonaut.workspace.wiring import Wiring

METHODS = ("kmeans",)
"""Methods of `index build`. A tree that a label file describes needs none: importing it builds it."""


def builder(method: str, wiring: Wiring, settings: Mapping[str, Any]) -> TreeBuilder:
    """Return the builder of this name with its settings; InputError says which there are."""
    if method not in METHODS:
        raise InputError(
            f"there is no method {method!r}; there are: {', '.join(METHODS)}. A tree of your own comes with "
            "its labels: give them paths or parents and import them"
        )
    try:
        chosen = KMeansSettings(**settings)
    except TypeError as error:
        raise InputError(f"these settings do not fit the method {method!r}: {error}") from None
    return KMeansTreeBuilder(lambda labels: wiring.stored.lookup([each.name for each in labels]), chosen)
