"""Classifying items by walking the index, and explaining the walk."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.walk import label_outcomes as label_outcomes
    from taxonaut.workspace.walk import labelled_items as labelled_items
    from taxonaut.workspace.walk import tally as tally
else:
    __getattr__ = lazy_modules(__name__)
