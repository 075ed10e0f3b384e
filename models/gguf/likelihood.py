"""Rank options by pointwise mutual information, for models too small to answer with ids.

score(option) = log P(option | prompt with the item) - log P(option | the same prompt with an empty item)
(Holtzman et al. 2021, "Surface Form Competition"). Log-probabilities are summed over tokens, not averaged: both terms
have the same length.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from taxonaut.models.gguf.runtime import Context, Logits, Run

LogLikelihoods = npt.NDArray[np.float64]
"""One number for each continuation."""

_PROMPT = 0


class PrefixReader:
    """Reads prompts, reusing the common prefix with the last one. Confined to the context's worker thread.

    `prompt_tokens` and `reused_tokens` count the requested and the reused tokens since `reset`.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.prompt_tokens = 0
        self.reused_tokens = 0
        self._held: list[int] = []

    def reset(self) -> None:
        """Reset the token counts."""
        self.prompt_tokens = self.reused_tokens = 0

    def close(self) -> None:
        """Free the context."""
        self.context.close()

    def read(self, tokens: Sequence[int]) -> Logits:
        """Read a prompt and return the logits after its last token (a copy)."""
        same = common_prefix_length(self._held, tokens)
        self.prompt_tokens += len(tokens)
        self.reused_tokens += same
        return self._advance(tokens, same)

    def state(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Read a prompt and return the last layer's state at its last token, shape (width,)."""
        with self.context.returning_states():
            self.read(tokens)
            return self.context.last_state()

    def append(self, token: int) -> Logits:
        """Read one more token."""
        return self._advance([*self._held, token], len(self._held))

    def continuations(
        self, prompt: Sequence[int], options: Sequence[Sequence[int]], ends: Sequence[int] = ()
    ) -> LogLikelihoods:
        """Return log P(option | prompt), the sum over an option's tokens, for each option (none empty).

        With `ends`, each is followed by one of these tokens, whose probabilities are added up: an option that
        another one begins with is then told from it. The prompt is read once; the options are parallel sequences that
        share it, as many per call as there are sequences and room.
        """
        first = log_softmax(self.read(prompt))
        found = np.array([first[option[0]] for option in options], np.float64)
        settings = self.context.settings
        room = settings.window - len(prompt)
        group: list[int] = []
        for index, option in enumerate(options):
            taken = sum(len(options[other]) for other in group)
            if group and (len(group) == settings.sequences - 1 or taken + len(option) > room):
                self._add_rest(found, prompt, options, group, ends)
                group = []
            group.append(index)
        self._add_rest(found, prompt, options, group, ends)
        return found

    def _add_rest(
        self,
        found: LogLikelihoods,
        prompt: Sequence[int],
        options: Sequence[Sequence[int]],
        group: Sequence[int],
        ends: Sequence[int] = (),
    ) -> None:
        """Add the log-likelihoods of all tokens but the first of a group of options, and of one of `ends`."""
        long = [index for index in group if ends or len(options[index]) > 1]
        runs = []
        for sequence, index in enumerate(long, start=1):
            self.context.fork(_PROMPT, sequence, len(prompt))
            option = options[index]
            runs.append(Run(option if ends else option[:-1], len(prompt), sequence, 0))
        try:
            for place, offset, logits in self.context.decode(runs):
                option, logs = options[long[place]], log_softmax(logits)
                last = offset + 1 == len(option)
                found[long[place]] += log_sum(logs[list(ends)]) if last else logs[option[offset + 1]]
        finally:
            for run in runs:
                self.context.forget(run.sequence, 0)

    def _advance(self, tokens: Sequence[int], same: int) -> Logits:
        """Read the tokens after the first `same`; a failed call leaves the context empty."""
        self.context.forget(_PROMPT, same)
        self._held = []
        rest = tokens[same:]
        for _, _, logits in self.context.decode([Run(rest, same, _PROMPT, len(rest) - 1)]):
            last = logits.copy()
        self._held = list(tokens)
        return last


def common_prefix_length(held: Sequence[int], tokens: Sequence[int]) -> int:
    """Return the length of the common prefix without the last token, which is read again for its logits."""
    same = 0
    for old, new in zip(held, tokens[:-1], strict=False):
        if old != new:
            break
        same += 1
    return same


def log_softmax(logits: Logits) -> npt.NDArray[np.float64]:
    """Return the log-probabilities of logits."""
    shifted = logits.astype(np.float64) - float(logits.max())
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), np.float64)


def log_sum(logs: npt.NDArray[np.float64]) -> float:
    """Return the logarithm of the sum of probabilities given by their logarithms."""
    return float(np.logaddexp.reduce(logs))


_PRIORS_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Option:
    """An option's text and its tokens."""

    text: str
    tokens: tuple[int, ...]


class PriorStore:
    """Caches each option's log-likelihood under each blank prompt (LRU). Confined to the worker thread."""

    def __init__(self, most: int = _PRIORS_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[tuple[str, ...], str], float] = OrderedDict()

    def priors(
        self, reader: PrefixReader, key: tuple[str, ...], blank: Sequence[int], options: Sequence[Option]
    ) -> LogLikelihoods:
        """Return log P(option | blank prompt); `key` identifies the prompt, which is read for new options only."""
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


def calibrated_scores(
    reader: PrefixReader,
    priors: PriorStore,
    key: tuple[str, ...],
    blank: Sequence[int],
    prompt: Sequence[int],
    options: Sequence[Option],
) -> LogLikelihoods:
    """Return the PMI score of each option: above 0 if the item makes it likelier than an empty item does."""
    prior = priors.priors(reader, key, blank, options)
    return reader.continuations(prompt, [option.tokens for option in options]) - prior
