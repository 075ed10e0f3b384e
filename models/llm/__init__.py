"""Language models through LiteLLM: the client, retries, cache, errors, embeddings."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.models.llm import batch_files as batch_files
    from taxonaut.models.llm import prices as prices
    from taxonaut.models.llm import spending as spending
else:
    __getattr__ = lazy_modules(__name__)
