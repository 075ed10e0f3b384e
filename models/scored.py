"""Rank options by the calibrated likelihood of their own text, for models too small to answer with ids.

score(option) = log P(option | prompt with the item) - log P(option | the same prompt with an empty item): how
much likelier the item makes the option's text (pointwise mutual information; Holtzman et al. 2021, "Surface
Form Competition"). Sums over tokens, not means: what the prior takes away has the same length.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taxonaut.models.reader import LogLikelihoods, PrefixReader

_PRIORS_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Option:
    """An option's text and its tokens."""

    text: str
    tokens: tuple[int, ...]


class PriorStore:
    """Keeps each option's log-likelihood under each blank prompt. Belongs to the owner thread."""

    def __init__(self, most: int = _PRIORS_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[tuple[str, ...], str], float] = OrderedDict()

    def priors(
        self, reader: PrefixReader, key: tuple[str, ...], blank: Sequence[int], options: Sequence[Option]
    ) -> LogLikelihoods:
        """Give log P(option | blank prompt); `key` names that prompt, which is read for new options only."""
        missing = list(
            {option.text: option for option in options if (key, option.text) not in self._kept}.values()
        )
        if missing:
            found = reader.continuations(blank, [option.tokens for option in missing])
            for option, value in zip(missing, found, strict=True):
                self._kept[key, option.text] = float(value)
        for option in options:
            self._kept.move_to_end((key, option.text))
        priors = np.array([self._kept[key, option.text] for option in options], np.float64)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return priors


def calibrated(
    reader: PrefixReader,
    priors: PriorStore,
    key: tuple[str, ...],
    blank: Sequence[int],
    prompt: Sequence[int],
    options: Sequence[Option],
) -> LogLikelihoods:
    """Score the options: above 0 where the item makes an option's text likelier than an empty item does."""
    prior = priors.priors(reader, key, blank, options)
    return reader.continuations(prompt, [option.tokens for option in options]) - prior
