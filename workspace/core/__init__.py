"""Settings, models and results that every part of a workspace uses."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.core import config as config
    from taxonaut.workspace.core import container as container
    from taxonaut.workspace.core import core as core
    from taxonaut.workspace.core import injected as injected
else:
    __getattr__ = lazy_modules(__name__)
