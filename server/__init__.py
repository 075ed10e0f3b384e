"""`taxonaut serve`: one process that holds a workspace and answers over HTTP."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.server import run as run
else:
    __getattr__ = lazy_modules(__name__)
