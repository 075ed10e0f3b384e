"""Building, growing and changing the index."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.build import build_estimate as build_estimate
    from taxonaut.workspace.build import change_preview as change_preview
    from taxonaut.workspace.build import diff_lines as diff_lines
    from taxonaut.workspace.build import split_node as split_node
    from taxonaut.workspace.build import tree_preview as tree_preview
else:
    __getattr__ = lazy_modules(__name__)
