"""GGUF models run by llama.cpp in this process: chat, embeddings, grammars, weights."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.models.gguf import pull as pull
else:
    __getattr__ = lazy_modules(__name__)
