"""Reading and writing the files people have: labels, items, results, indexes."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.files import documents as documents
    from taxonaut.workspace.files import downloads as downloads
    from taxonaut.workspace.files import gold_forms as gold_forms
    from taxonaut.workspace.files import index_formats as index_formats
    from taxonaut.workspace.files import item_files as item_files
    from taxonaut.workspace.files import label_files as label_files
    from taxonaut.workspace.files import label_folders as label_folders
    from taxonaut.workspace.files import result_files as result_files
    from taxonaut.workspace.files import table_writers as table_writers
    from taxonaut.workspace.files import tables as tables
else:
    __getattr__ = lazy_modules(__name__)
