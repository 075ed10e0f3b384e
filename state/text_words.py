"""Cut texts into words in one way everywhere, in any script, and stem them."""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

ENGLISH = "en"
"""The language (ISO 639-1) that words are taken to be in where none is known."""

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ranges of the characters of Chinese and Japanese, each of which is a word here."""

UNSPACED_LETTERS = "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Ranges of the letters of Thai, Lao, Burmese and Khmer, which have no spaces between words."""

_LETTER = rf"[^\W_{IDEOGRAPHS}{UNSPACED_LETTERS}]"
_WORD = re.compile(
    rf"(?P<run>[{UNSPACED_LETTERS}]+)|[{IDEOGRAPHS}]|"
    rf"(?:(?<![\w.])\.(?=net\b))?{_LETTER}(?:{_LETTER}|[\u0300-\u036f])*[+#]*",
    re.IGNORECASE,
)
_UNSPACED = re.compile(f"[{IDEOGRAPHS}{UNSPACED_LETTERS}]")
_IS_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_QUALIFIER = re.compile(r"\s*\([^()]*\)\s*\Z")
_GRAM = 3
_SHORTEST_PART = 2
_ENTRIES = 65_536

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish",
}  # fmt: skip
"""The names of Snowball's stemmers."""


def without_qualifier(name: str) -> str:
    """Return a name without what stands in parentheses at its end: "Java" for "Java (computer programming)"."""
    return _QUALIFIER.sub("", name) or name


def cut_words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the words of a text, case-folded, each with its place: `text[start:end]`.

    A word is a run of letters and digits, divided at `_`, `-` and apostrophes; `C++`, `C#` and `.NET` are whole. A
    Chinese or Japanese character is a word; Thai, Lao, Burmese and Khmer are cut into overlapping runs of three
    letters.
    """
    for match in _WORD.finditer(text):
        start, end = match.span()
        if match["run"] and end - start > _GRAM:
            for first in range(start, end - _GRAM + 1):
                yield text[first : first + _GRAM], first, first + _GRAM
        else:
            yield match[0].casefold(), start, end


def text_words(text: str) -> list[str]:
    """Return the words of a text in order, each identifier in camelCase followed by its parts."""
    found = []
    alone = not any(map(str.isspace, text.strip()))
    for word, start, end in cut_words(text):
        found.append(word)
        found += divide_camel(text[start:end], is_name=not alone)
    return found


def search_words(text: str) -> list[str]:
    """Return the words of a query for a search by character, in lower case.

    Chinese, Thai and the like stay in one piece; a part between spaces that has no word is one itself.
    """
    found: list[str] = []
    for part in text.lower().split():
        spans: list[tuple[int, int]] = []
        for word, start, end in cut_words(part):
            if spans and start <= spans[-1][1] and _UNSPACED.match(word):
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        found += [part[start:end] for start, end in spans] or [part]
    return found


def divide_camel(word: str, *, is_name: bool = True) -> list[str]:
    """Return the parts of a word in camelCase, case-folded; none for another word, or if a part is a single letter.

    `is_name`: two parts that both begin with a capital are a name, as in JavaScript, and are not divided.
    """
    parts = _HUMP.findall(word) if _IS_CAMEL.search(word) else []
    if min(map(len, parts), default=0) < _SHORTEST_PART or (
        is_name and len(parts) == 2 and word[0].isupper()
    ):
        return []
    return [part.casefold() for part in parts]


def stems(text: str, language: str = ENGLISH) -> list[str]:
    """Return the stems of a text's words, in order."""
    return [stem(word, language) for word in text_words(text)]


@lru_cache(_ENTRIES)
def stem(word: str, language: str = ENGLISH) -> str:
    """Return the stem of a case-folded word by Snowball; the word itself in a language that it does not know."""
    stemmer = _stemmer(language)
    return word if stemmer is None else stemmer(word)


@cache
def _stemmer(language: str) -> Callable[[str], str] | None:
    name = _STEMMERS.get(language.partition("-")[0].casefold())
    if name is None:
        return None
    import snowballstemmer

    stem_word: Callable[[str], str] = snowballstemmer.stemmer(name).stemWord
    return stem_word
