"""What a workspace stores next to the index, one family of tables per module."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.state.stores import conversations as conversations
    from taxonaut.state.stores import decisions as decisions
    from taxonaut.state.stores import definitions as definitions
    from taxonaut.state.stores import embeddings as embeddings
    from taxonaut.state.stores import reply_cache as reply_cache
else:
    __getattr__ = lazy_modules(__name__)
