"""A conversation over a workspace: tools, language understanding, answers, threads."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.conversation import assistants as assistants
    from taxonaut.conversation import threads as threads
else:
    __getattr__ = lazy_modules(__name__)
