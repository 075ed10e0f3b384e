"""Building a vocabulary from items, assigning, reporting and exporting it."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.vocabulary import assign as assign
    from taxonaut.workspace.vocabulary import export as export
    from taxonaut.workspace.vocabulary import keyword_baseline as keyword_baseline
    from taxonaut.workspace.vocabulary import near_descriptors as near_descriptors
    from taxonaut.workspace.vocabulary import reading as reading
    from taxonaut.workspace.vocabulary import report as report
    from taxonaut.workspace.vocabulary import report_data as report_data
    from taxonaut.workspace.vocabulary import tagging_rows as tagging_rows
else:
    __getattr__ = lazy_modules(__name__)
