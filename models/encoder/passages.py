"""Cut a text that is longer than an embedder reads into passages, each read by itself.

Passages end where sentences or lines end; a sentence that is longer than a passage is cut between words, and the next
passage then begins a few words before the cut, so that no phrase is lost there.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from taxonaut.models.encoder.phrases import NO_SPACE
from taxonaut.state.errors import InputError

_TOKEN = re.compile(rf"[^\W_{NO_SPACE}]{{1,7}}|[{NO_SPACE}]|[^\w\s]|_")
_IS_NO_SPACE = re.compile(rf"[{NO_SPACE}]").match
_NO_SPACE_WEIGHT = 6
_END = re.compile(r"\n\s*|[.!?…][\"'”’»)\]]{0,2}\s+|[。！？]")
_SPACE = re.compile(r"\s\S*\Z")
_OVERLAP = 8


@dataclass(frozen=True, slots=True)
class PassageSettings:
    """How a long text is cut; chosen on development parts, see `benchmarks/documents.py`.

    A text of at most `whole` tokens is one passage, a longer one is cut into passages of about `tokens`. Tokens are
    estimated: a word counts one for every seven letters, a punctuation mark one, which is within 8 % of MiniLM's own.
    A character of a script without spaces counts six, as every one begins several phrases. Of a text with more than
    `most` passages so many are read, spread evenly from the first to the last. A passage of a long text is also
    compared sentence by sentence, in pieces of about `sentence` tokens.
    """

    whole: int = 230
    tokens: int = 200
    sentence: int = 30
    most: int = 400

    def __post_init__(self) -> None:
        for name in ("whole", "tokens", "sentence", "most"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; give a number from 1")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text: `text[start:end]`, the passage `number` of its text, from 1."""

    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of a text that are read, and how many it has in all."""

    read: tuple[Passage, ...]
    total: int


def cut_passages(text: str, settings: PassageSettings | None = None) -> Passages:
    """Cut a text into passages; a short text is one, from its first to its last character."""
    settings = settings or PassageSettings()
    if len(text) <= settings.whole:
        return Passages((Passage(0, len(text), 1),), 1)
    starts = _token_starts(text)
    if len(starts) <= settings.whole:
        return Passages((Passage(0, len(text), 1),), 1)
    spans = _spans(text, starts, settings.tokens)
    read: Sequence[int] = range(len(spans))
    if len(spans) > settings.most:
        last = max(settings.most - 1, 1)
        read = [round(place * (len(spans) - 1) / last) for place in range(settings.most)]
    return Passages(tuple(Passage(*spans[place], place + 1) for place in read), len(spans))


def cut_sentences(passage: str, settings: PassageSettings | None = None) -> list[str]:
    """Cut a passage into its sentences: pieces of about `sentence` tokens that end where sentences end."""
    settings = settings or PassageSettings()
    starts = _token_starts(passage)
    if not starts:
        return [passage]
    return [passage[start:end] for start, end in _spans(passage, starts, settings.sentence)]


def fit_passages(settings: PassageSettings, max_tokens: int | None) -> PassageSettings:
    """Return settings whose passages an embedder reads to their end, if it says how many tokens it reads."""
    if max_tokens is None:
        return settings
    return replace(
        settings,
        whole=max(1, min(settings.whole, int(max_tokens * 0.9))),
        tokens=max(1, min(settings.tokens, int(max_tokens * 0.8))),
    )


def _token_starts(text: str) -> list[int]:
    """Return where each token begins; a character of a script without spaces stands there several times."""
    starts: list[int] = []
    for token in _TOKEN.finditer(text):
        starts += [token.start()] * (_NO_SPACE_WEIGHT if _IS_NO_SPACE(token[0]) else 1)
    return starts


def _spans(text: str, starts: Sequence[int], tokens: int) -> list[tuple[int, int]]:
    """Return the start and end of every passage: as many as are needed, of about equal length."""
    ends = [match.end() for match in _END.finditer(text)]
    spans: list[tuple[int, int]] = []
    first = begin = 0  # the first token that no passage has, and where the passage begins
    while first < len(starts):
        left = len(starts) - first
        fair = -(-left // -(-left // tokens))
        if fair == left:
            spans.append((begin, len(text)))
            break
        end, overlap = _end(text, starts, ends, first, fair)
        spans.append((begin, end))
        first = bisect_left(starts, end)
        begin = starts[max(first - _OVERLAP, 0)] if overlap else end
    return [*spans[:-1], (spans[-1][0], len(text))]


def _end(text: str, starts: Sequence[int], ends: Sequence[int], first: int, tokens: int) -> tuple[int, bool]:
    """Return where a passage ends that begins with token `first`, and whether that is within a sentence.

    It is the last end of a sentence within the passage's second half, else the last space there.
    """
    low, high = starts[first + tokens // 2], max(starts[first + tokens], starts[first] + 1)
    place = bisect_right(ends, high)
    if place and ends[place - 1] > low:
        return ends[place - 1], False
    space = _SPACE.search(text, low, high)
    return (space.start() + 1 if space else high), True
