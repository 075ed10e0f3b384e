"""Extract the short phrases of a text that are compared with labels in addition to the whole text.

A text names several things, so its single vector is an imprecise query. A phrase is a run of neighbouring words that
does not cross punctuation and neither begins nor ends with a function word. On job advertisements they find labels as
well as all windows of one to eight words, which are four times as many.
"""

import re
from dataclasses import dataclass
from itertools import zip_longest

from taxonaut.models.encoder.languages import ENGLISH, stop_words

NO_SPACE = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Japanese, Chinese
    "\U00020000-\U0003ffff"
)
_SPACED = rf"[^\W_{NO_SPACE}]"
WORD = re.compile(
    rf"[{NO_SPACE}]|(?:(?<![\w.])\.)?{_SPACED}(?:{_SPACED}|[\u0300-\u036f_]|[-'’.&/+#@]+(?={_SPACED}))*[+#]*"
)
NO_SPACE_CHARACTER = re.compile(rf"[{NO_SPACE}]")
_JOINS = re.compile(r"[\s&/+\-'’*_]*\Z")
_LONGEST_WORD = 60
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class PhraseSettings:
    """How phrases are extracted; defaults were chosen on the development parts, see `benchmarks/phrases.py`.

    Phrases have `min_words` to `max_words` words; a character of a script without spaces counts as half a word. Only
    the first `limit` phrases of a text count, which a passage of usual length does not reach. `language` is that
    of the function words (`languages.stop_words`).
    """

    min_words: int = 1
    max_words: int = 4
    limit: int = 256
    language: str = ENGLISH


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    width: float
    is_function: bool
    joins_next: bool


def phrases(text: str, settings: PhraseSettings | None = None) -> list[str]:
    """Return the phrases of `text`, each a substring of it, in order of their first word, without repeats.

    Returns none for a text without words, and at most `settings.limit`.
    """
    return [text[start:end] for start, end in phrase_spans(text, settings)]


def phrase_spans(text: str, settings: PhraseSettings | None = None) -> list[tuple[int, int]]:
    """Return where each of the `phrases` of a text begins and ends."""
    settings = settings or PhraseSettings()
    words = _words(text, stop_words(settings.language))
    found: dict[str, tuple[int, int]] = {}
    for first in range(len(words)):
        if words[first].is_function:
            continue
        for start, end in _windows(words, first, settings):
            found.setdefault(" ".join(text[start:end].casefold().split()), (start, end))
            if len(found) >= settings.limit:
                return list(found.values())
    return list(found.values())


def _windows(words: list[_Word], first: int, settings: PhraseSettings) -> list[tuple[int, int]]:
    """Return the spans of the phrases that begin with word `first`, shortest first."""
    spans: list[tuple[int, int]] = []
    width = 0.0
    for word in words[first:]:
        width += word.width
        if width > settings.max_words:
            break
        if width >= settings.min_words and not word.is_function:
            spans.append((words[first].start, word.end))
        if not word.joins_next:
            break
    return spans


def _words(text: str, function_words: frozenset[str]) -> list[_Word]:
    matches = [match for match in WORD.finditer(text) if match.end() - match.start() <= _LONGEST_WORD]
    return [
        _Word(
            match.start(),
            match.end(),
            0.5 if NO_SPACE_CHARACTER.match(match[0]) else 1.0,
            match[0].casefold() in function_words,
            following is not None and _is_joined(text[match.end() : following.start()]),
        )
        for match, following in zip_longest(matches, matches[1:])
    ]


def _is_joined(gap: str) -> bool:
    return bool(_JOINS.match(gap)) and not _PARAGRAPH.search(gap)
