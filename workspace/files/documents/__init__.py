"""Documents: files of which each is one text."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.files.documents import document_files as document_files
else:
    __getattr__ = lazy_modules(__name__)
