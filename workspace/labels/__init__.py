"""Labels as they live: new versions of a label set, matches with another taxonomy."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.labels import change_table as change_table
    from taxonaut.workspace.labels import label_changes as label_changes
    from taxonaut.workspace.labels import label_match as label_match
    from taxonaut.workspace.labels import label_sets as label_sets
    from taxonaut.workspace.labels import label_update as label_update
    from taxonaut.workspace.labels import mapping_files as mapping_files
    from taxonaut.workspace.labels import match_table as match_table
    from taxonaut.workspace.labels import set_comparison as set_comparison
else:
    __getattr__ = lazy_modules(__name__)
