"""Read a message: its words, and what in it is quoted, a file, a time or a number."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Mark = Literal["", "quoted", "name", "file", "period", "number", "change"]
"""What a token stands for; "" is a word like any other, `name` the name of a category or label."""

FILE = r"(?:[~.\w-]*/)*[\w.-]*\w\.(?:csv|tsv|jsonl|ndjson|json|txt|parquet|xlsx?)(?:\.gz)?"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b)"
)
_SEASON = r"(?:spring|summer|autumn|fall|winter)"
_UNIT = r"(?:minute|hour|day|week|fortnight|month|quarter|year)s?"
_DATE = r"\d{4}-\d{2}-\d{2}"
_SOME = r"(?:\d+|a|an|one|two|three|four|five|six|seven|ten|couple of|few)"
_POINT = (
    rf"(?:yesterday|today|this morning|{_DATE}|(?:last |this )?{_DAY}|(?:last |this )?(?:week|month|year)"
    rf"|last {_UNIT}|{_SOME} {_UNIT} ago|(?:the )?\d+(?:st|nd|rd|th)(?: of)?(?: {_MONTH})?(?: \d{{4}})?"
    rf"|\d\d? {_MONTH}(?: \d{{4}})?|{_MONTH}(?: \d+)?)"
)
_NO_TIME = r"(?!(?:i|you|we|they|it|he|she|this|that|these|there|when|change|number|event|run|a|an|my|our)\b)"
_VAGUE = (
    rf"since (?:the |last )?(?:(?:start|beginning|end) of (?:the )?)?{_NO_TIME}[^\W\d_]+"
    rf"|(?:in |over |during )?(?:the )?(?:first|second|last) (?:half|third|week|days?) of (?:the |last )?\w+"
    r"|(?:in|during|since) q[1-4](?: \d{4})?"
    rf"|(?:in|over|during|this|last) (?:the |last |this )?{_SEASON}"
)
"""Times that are said to the tool even if it cannot read them: it says which it can."""

_PERIOD = (
    rf"(?:between|from) {_POINT} (?:and|to|till|until|up to) {_POINT}|(?:since|from) {_POINT}|{_VAGUE}"
    rf"|(?:in |over |during |within )?(?:the )?(?:last|past) {_SOME} {_UNIT}"
    rf"|(?:in |over |during )?(?:the )?(?:last|past|previous|this) (?:{_UNIT}|{_DAY}|{_MONTH})"
    rf"|today|yesterday|{_SOME} {_UNIT} ago"
    rf"|in (?:early |mid |late )?{_MONTH}(?: \d{{4}})?|on {_DATE}|on {_DAY}|{_DATE}"
)
_QUOTES = (
    r"\"[^\"\n]+\"",
    '“[^”\n]+[”"]',
    "„[^“”\n]+[“”]",
    r"«[^»\n]+»",
    r"`[^`\n]+`",
    r"(?<![\w*])\*[^*\n]+\*(?![\w*])",
    r"(?<!\w)'[^'\n]+(?:'\w[^'\n]*)*'(?!\w)",
    "‘[^’\n]+(?:’\\w[^’\n]*)*’(?!\\w)",
)
_TOKEN = re.compile(
    rf"(?P<quoted>{'|'.join(_QUOTES)})|(?P<file>{FILE})(?!\w)|(?P<period>\b(?:{_PERIOD})\b(?!\.\w))"
    r"|(?P<change>#\d+)|(?P<number>\d+(?![\w.]))|(?P<word>\w[\w'’+#.-]*\w[+#]*|\w[+#]*|->|→|=>|[>:&|,;])",
    re.IGNORECASE,
)
_SHORT = {
    "whats": "what is", "wheres": "where is", "hows": "how is", "whos": "who is", "thats": "that is",
    "its": "it is", "isnt": "is not", "arent": "are not", "wasnt": "was not", "didnt": "did not",
    "doesnt": "does not", "dont": "do not", "wouldnt": "would not", "shouldnt": "should not",
    "couldnt": "could not", "cant": "can not", "cannot": "can not", "wont": "will not", "hasnt": "has not",
    "havent": "have not", "whered": "where would", "id": "i would", "im": "i am", "ive": "i have",
    "youve": "you have", "youd": "you would", "lets": "let us", "theres": "there is", "pls": "please",
    "plz": "please", "shouldn": "should not", "weve": "we have", "itd": "it would", "→": "to", "->": "to",
    "=>": "to", "wats": "what is", "u": "you", "ur": "your", "alot": "a lot",
}  # fmt: skip
_ENDINGS = {"s": "is", "d": "would", "re": "are", "ve": "have", "ll": "will", "m": "am"}
_CONTRACTED = frozenset(
    (
        "what",
        "where",
        "how",
        "who",
        "that",
        "it",
        "there",
        "here",
        "when",
        "which",
        "he",
        "she",
        "we",
        "you",
        "i",
    )
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in small letters, or a whole marked part; `start` and `end` are its place in the message.

    A short form is two tokens at one place: *what's* is *what*, *is*.
    """

    word: str
    start: int
    end: int
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A message in tokens."""

    said: str
    tokens: tuple[Token, ...]

    def text(self, first: int, last: int) -> str:
        """Return what was said from token `first` up to, but not with, `last`, without quotes around it."""
        if first >= last:
            return ""
        return unquoted(self.said[self.tokens[first].start : self.tokens[last - 1].end])


def read(said: str) -> Utterance:
    """Cut a message into tokens."""
    return Utterance(said, tuple(_tokens(said)))


def _tokens(said: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(said):
        kind = found.lastgroup or "word"
        text, start, end = found[0], found.start(), found.end()
        if kind == "quoted":
            inside = unquoted(text)
            mark: Mark = "file" if re.fullmatch(rf"[\w ]*{FILE}", inside) else "quoted"
            yield Token(inside if mark == "file" else inside.casefold(), start, end, mark)
        elif kind == "file":
            yield Token(text, start, end, "file")
        elif kind in ("period", "number", "change"):
            yield Token(text.casefold(), start, end, kind)  # type: ignore[arg-type]
        else:
            for word in words_of(text):
                yield Token(word, start, end)


def words_of(text: str) -> list[str]:
    """Return the words that a word of a message stands for: a short form is written out."""
    plain = text.casefold().replace("’", "'")
    written = _SHORT.get(plain.replace("'", ""))
    if written is not None and not (plain == "id" or plain == "its"):
        return written.split()
    before, mark, ending = plain.rpartition("'")
    if mark and ending == "t" and before.endswith("n"):
        return [before[:-1], "not"]
    if mark and ending in _ENDINGS and before in _CONTRACTED:
        return [before, _ENDINGS[ending]]
    return [plain]


def unquoted(text: str) -> str:
    """Return a text without the quotes and blanks around it."""
    text = text.strip()
    for opening, closing in ('""', "“”", '“"', "„“", "„”", "«»", "``", "**", "''", "‘’"):
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            return text[1:-1].strip()
    return text
