"""The label index and its event log: reads, changes, undo, diffs, snapshots."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.state.index import shape as shape
else:
    __getattr__ = lazy_modules(__name__)
