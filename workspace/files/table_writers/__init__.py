"""Tables in the formats that people open: CSV as it came in, Excel workbooks, Parquet, Arrow."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.files.table_writers import tree_sheet as tree_sheet
else:
    __getattr__ = lazy_modules(__name__)
