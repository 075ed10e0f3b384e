"""Checking, versioning and trying edited prompt templates."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.prompt_lab import checks as checks
    from taxonaut.workspace.prompt_lab import template_versions as template_versions
else:
    __getattr__ = lazy_modules(__name__)
