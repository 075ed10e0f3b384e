"""How a model is reached: LiteLLM, the in-process GGUF and encoder providers, packaged weights."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.models import catalog as catalog
    from taxonaut.models import llm as llm
    from taxonaut.models import log_lines as log_lines
    from taxonaut.models import pull as pull
else:
    __getattr__ = lazy_modules(__name__)
