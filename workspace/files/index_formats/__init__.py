"""An index as a file: JSON lines, CSV, SKOS; export and import."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.files.index_formats import index_transfer as index_transfer
    from taxonaut.workspace.files.index_formats import label_languages as label_languages
    from taxonaut.workspace.files.index_formats import skos as skos
else:
    __getattr__ = lazy_modules(__name__)
