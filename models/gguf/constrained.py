"""Sample tokens under a grammar (constrained decoding)."""

import ctypes

import numpy as np

from taxonaut.models.gguf.grammar import Grammar
from taxonaut.models.gguf.runtime import Logits, TokenIds, Weights, library
from taxonaut.state.errors import ModelError

_LIKELY = 64
_ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class ConstrainedSampler:
    """Samples tokens that a grammar allows. Confined to the worker thread.

    The likeliest tokens are tried first, the whole vocabulary only if the grammar allows none of them.
    """

    def __init__(self, weights: Weights, grammar: Grammar) -> None:
        check_vocabulary(weights, grammar)
        self._llama = llama = library()
        self._weights = weights
        self._sampler = llama.llama_sampler_init_grammar(weights.vocabulary, grammar.text.encode(), b"root")
        if not self._sampler:
            raise ModelError(f"llama.cpp cannot read the grammar of this tool call: {grammar.text!r}")

    def close(self) -> None:
        """Free the grammar's state."""
        self._llama.llama_sampler_free(self._sampler)

    def pick(self, logits: Logits, temperature: float, random: np.random.Generator) -> int:
        """Sample a token and advance the grammar; the likeliest token if the temperature is 0."""
        likely = np.argpartition(logits, -_LIKELY)[-_LIKELY:]
        allowed = self._allowed(np.union1d(likely, self._weights.end_tokens), logits)
        if allowed.size == 0:
            allowed = self._allowed(np.arange(logits.size), logits)
        if allowed.size == 0:
            raise ModelError(f"no token of {self._weights.path.name!r} can continue this tool call")
        token = choose(allowed, logits[allowed], temperature, random)
        self._llama.llama_sampler_accept(self._sampler, token)
        return token

    def _allowed(self, tokens: TokenIds, logits: Logits) -> TokenIds:
        """Return the allowed tokens; the grammar sets the logits of others to minus infinity."""
        entries = np.zeros(tokens.size, _ENTRY)
        entries["id"] = tokens
        entries["logit"] = logits[tokens]
        array = self._llama.llama_token_data_array(
            data=entries.ctypes.data_as(ctypes.POINTER(self._llama.llama_token_data)),
            size=tokens.size,
            selected=-1,
            sorted=False,
        )
        self._llama.llama_sampler_apply(self._sampler, ctypes.byref(array))
        allowed: TokenIds = tokens[np.isfinite(entries["logit"])]
        return allowed


def check_vocabulary(weights: Weights, grammar: Grammar) -> None:
    """Raise ModelError if the vocabulary cannot spell a literal of the grammar, which would abort llama.cpp."""
    for character in sorted(grammar.literals):
        spelt = b"".join(weights.piece(token) for token in weights.tokens(character))
        if spelt.strip() != character.encode().strip():
            raise ModelError(
                f"the vocabulary of {weights.path.name!r} cannot spell {character!r}, which a tool call "
                'needs; set answer = "scored" for it, or take another model'
            )


def choose(
    tokens: TokenIds,
    logits: Logits,
    temperature: float,
    random: np.random.Generator,
) -> int:
    """Sample a token by softmax at this temperature; take the likeliest at 0."""
    if temperature <= 0:
        return int(tokens[int(np.argmax(logits))])
    scaled = (logits.astype(np.float64) - float(logits.max())) / temperature
    weights = np.exp(scaled)
    return int(random.choice(tokens, p=weights / weights.sum()))
