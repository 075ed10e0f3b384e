"""Checking and versioning edited prompt templates, and texts that a model proposes for their blocks."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.prompt_lab import checks as checks
    from taxonaut.workspace.prompt_lab import template_versions as template_versions
else:
    __getattr__ = lazy_modules(__name__)
