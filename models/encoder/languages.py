"""Recognize the languages of texts and of label sets, by their scripts, letters and function words.

Names, codes, brands and Latin species have none of these, so they count for no language: what is unclear is None.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from taxonaut.state.text_words import ENGLISH as ENGLISH

_FILE = "stop_words.txt"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

_CHARACTERS = 400
_TEXTS = 2_000
_LEAST_SHARE = 0.07
_LEAST_WORDS = 2
_LEAST_LEAD = 2.0
_LEAST_SCRIPT = 0.5
_FOREIGN_LETTERS = 3

_SCRIPTS = {
    "ja": "\u3040-\u30ff",
    "ko": "\u1100-\u11ff\uac00-\ud7af",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "th": "\u0e00-\u0e7f",
    "lo": "\u0e80-\u0eff",
    "my": "\u1000-\u109f",
    "km": "\u1780-\u17ff",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "ka": "\u10a0-\u10ff",
    "am": "\u1200-\u137f",
    "hy": "\u0530-\u058f",
    "he": "\u0590-\u05ff",
    "ar": "\u0600-\u06ff\u0750-\u077f",
    "el": "\u0370-\u03ff",
    "ru": "\u0400-\u04ff",
}
"""Ranges of the letters of a script, by the language that most texts in it have."""

_SCRIPT = {code: re.compile(f"[{letters}]") for code, letters in _SCRIPTS.items()}
_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
_SCRIPT_NAMES = {
    "ja": "Japanese",
    "ko": "Korean",
    "zh": "Chinese",
    "th": "Thai",
    "lo": "Lao",
    "my": "Burmese",
    "km": "Khmer",
    "hi": "Hindi",
    "bn": "Bengali",
    "ta": "Tamil",
    "te": "Telugu",
    "ka": "Georgian",
    "am": "Amharic",
    "hy": "Armenian",
    "he": "Hebrew",
    "ar": "Arabic",
    "el": "Greek",
    "uk": "Ukrainian",
}
_ENGLISH_TOO = frozenset(
    """
    ace ad ai al ale alias all am an ana ar as au az be bin by car chi come con da dare das de del den der des
    die dim do du due e el en er et far fast fit go god had hat hem hen her him hun i il in is ja la las le les
    li lo los man me men mine mix mot my na nad net no nor nos o od of om on one op or os pan para pas per
    plus pod por pour pro qua re sans se set si sin sine so sol sole son sub sun ta tale tam ten term the
    till to ton tot tu tube u un uno van var via voice von war was we wo y yo za
    """.split()  # noqa: SIM905 - words read better than quotes
)
"""Words of other languages that English texts, brands and names have too: they tell nothing."""


@dataclass(frozen=True, slots=True)
class _Language:
    name: str
    letters: frozenset[str]
    words: frozenset[str]


@cache
def _languages() -> dict[str, _Language]:
    found: dict[str, _Language] = {}
    text = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    for section in text.split("\n[")[1:]:
        head, letters, *words = section.splitlines()
        code, _, name = head.partition("] ")
        found[code] = _Language(
            name,
            frozenset(letters.removeprefix("letters:").split()),
            frozenset(" ".join(words).casefold().split()),
        )
    return found


def languages() -> tuple[str, ...]:
    """Return the codes (ISO 639-1) of the languages whose function words are known."""
    return tuple(_languages())


def language_name(code: str) -> str:
    """Return a language's English name; the code where it is not known."""
    known = _languages().get(code)
    return known.name if known is not None else _SCRIPT_NAMES.get(code, code)


def stop_words(language: str) -> frozenset[str]:
    """Return the function words of a language (ISO 639-1), case-folded; empty for one that is not known."""
    known = _languages().get(language)
    return known.words if known is not None else frozenset()


def guess_language(texts: Iterable[str]) -> str | None:
    """Guess the language of texts that belong together, such as a label set; None where it is not clear.

    Latin letters need function words, or letters beyond a to z, that make 7 in 100 words and twice as many as speak
    for English. Only the first 2,000 texts and 400 characters of each are read.
    """
    read = [text[:_CHARACTERS] for _, text in zip(range(_TEXTS), texts, strict=False)]
    whole = "\n".join(read)
    if found := _by_script(whole):
        return found
    words = Counter(word.casefold().replace("’", "'") for word in _WORD.findall(whole))
    return _by_words(words)


def count_languages(texts: Sequence[str]) -> Counter[str]:
    """Count the texts of each language that is clear.

    Where the texts together are clearly of one language other than English, all that are not clear alone are of it.
    """
    found = Counter(code for text in texts if (code := guess_language([text])) is not None)
    together = guess_language(texts)
    if together is not None and together != ENGLISH:
        found[together] += len(texts) - found.total()
    return found


def _by_script(text: str) -> str | None:
    """Return the language of most letters, if they are not Latin."""
    if text.isascii():
        return None
    letters = len(_LETTER.findall(text))
    counts = {code: len(script.findall(text)) for code, script in _SCRIPT.items()}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    code = max(counts, key=lambda each: counts[each])
    if not letters or counts[code] < _LEAST_SCRIPT * letters:
        return None
    return "uk" if code == "ru" and _UKRAINIAN.search(text) else code


def _by_words(words: Counter[str]) -> str | None:
    total = words.total()
    english = stop_words(ENGLISH)
    marked = {word: count for word, count in words.items() if _BEYOND_ASCII.search(word)}
    found: dict[str, float] = {}
    for code, language in _languages().items():
        if code == ENGLISH:
            continue
        telling = {
            word: words[word]
            for word in language.words & words.keys() - english - _ENGLISH_TOO
            if len(word) > 1 or not word.isascii()
        }
        spelled = {
            word: count
            for word, count in marked.items()
            if word not in telling and set(_BEYOND_ASCII.findall(word)) <= language.letters
        }
        if len(telling) < _LEAST_WORDS and len(spelled) < (1 if telling else _FOREIGN_LETTERS):
            continue
        found[code] = sum(telling.values()) + sum(spelled.values())
    here = sum(words[word] for word in english & words.keys())
    if found:
        code = max(found, key=lambda each: found[each])
        shared = sum(words[word] for word in english & words.keys() & stop_words(code))
        if found[code] >= max(_LEAST_SHARE * total, _LEAST_LEAD * (here - shared)):
            return code
        return None if found[code] > here - shared else ENGLISH
    return ENGLISH if here >= max(_LEAST_WORDS, _LEAST_SHARE * total) else None
