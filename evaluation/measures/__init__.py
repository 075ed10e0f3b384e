"""Metrics, intervals and comparisons."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.evaluation.measures import classes as classes
    from taxonaut.evaluation.measures import comparison as comparison
else:
    __getattr__ = lazy_modules(__name__)
