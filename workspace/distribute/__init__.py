"""Distributions over labels: votes of annotators, methods that are fitted to them, resumable runs."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.distribute import distribution as distribution
    from taxonaut.workspace.distribute import distribution_rows as distribution_rows
    from taxonaut.workspace.distribute import votes as votes
else:
    __getattr__ = lazy_modules(__name__)
