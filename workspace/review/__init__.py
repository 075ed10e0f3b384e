"""Reviewing labelled items: likely errors, what to label next, and the queue that a person goes through."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.review import decision_table as decision_table
    from taxonaut.workspace.review import handover as handover
    from taxonaut.workspace.review import label_errors as label_errors
    from taxonaut.workspace.review import label_next as label_next
    from taxonaut.workspace.review import review_queue as review_queue
    from taxonaut.workspace.review import review_statements as review_statements
    from taxonaut.workspace.review import suspects as suspects
else:
    __getattr__ = lazy_modules(__name__)
