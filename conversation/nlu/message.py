"""Split a message into parts: words, quotations, names, files, periods and numbers."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from taxonaut.conversation.nlu.names import Names
from taxonaut.conversation.nlu.periods import IN_TEXT as PERIOD

Kind = Literal["word", "quoted", "name", "file", "period", "number"]

MASKS = {
    "quoted": "something",
    "name": "something",
    "file": "items.csv",
    "period": "last week",
    "number": "3",
}
"""Replacements of parts in compared texts; names and quoted texts have the same."""

FILLERS = frozenset(
    ("please", "pls", "plz", "kindly", "hey", "hi", "ok", "okay", "so", "well", "now", "just", "then", "btw", "thx",
     "thanks", "thank", "you", "maybe", "actually", "again", "the", "a", "an", "our", "my")
)  # fmt: skip
"""Words ignored when a message is matched with an example."""

FILE = r"(?:[~.\w-]*/)*[\w.-]*\w\.(?:csv|tsv|jsonl|ndjson|json|txt|parquet|xlsx?)(?:\.gz)?(?!\w)"
_QUOTES = (
    r'"[^"\n]+"',
    '[“„][^“”\n]+[”“"]',
    r"«[^»\n]+»",
    r"`[^`\n]+`",
    r"(?<![\w*])\*[^*\n]+\*(?![\w*])",
    r"(?<!\w)'[^'\n]+(?:'\w[^'\n]*)*'(?!\w)",
    "‘[^’\n]+(?:’\\w[^’\n]*)*’(?!\\w)",
)
_PART = re.compile(
    rf"(?P<quoted>{'|'.join(_QUOTES)})|(?P<file>{FILE})|(?P<period>\b{PERIOD}\b)"
    r"|(?P<number>#?\b\d+(?![\w.]))|(?P<word>\w[\w'’+#.-]*\w[+#]*|\w[+#]*|->|[>&:])",
    re.IGNORECASE,
)
SLOT = re.compile(r"\{(\w+)\}")
SLOT_KINDS: dict[str, Kind] = {"file": "file", "period": "period"}
SLOT_KINDS |= dict.fromkeys(("limit", "number", "event", "since"), "number")
"""Kinds of the parts in slots, by slot name; other slots take words or quotations."""


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a message, or a span treated as one; `word` is casefolded."""

    kind: Kind
    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message and its parts."""

    said: str
    parts: tuple[Part, ...]

    def text(self, parts: Sequence[Part]) -> str:
        """Return the text from the first part to the last, without surrounding quotes."""
        if not parts:
            return ""
        inside = self.said[parts[0].start : parts[-1].end]
        return strip_quotes(inside) if len(parts) == 1 else inside

    def of(self, *kinds: Kind) -> list[Part]:
        """Return the parts of some kinds."""
        return [part for part in self.parts if part.kind in kinds]


def parse_message(said: str, names: Names, known: Collection[str]) -> Message:
    """Split a message into parts; `known` are the words of examples.

    A name of known words only, such as *Labels*, counts as a name only if it is capitalised within the message.
    """
    parts = [build_part(found) for found in _PART.finditer(said)]
    for loosely in (False, True):
        parts = _mark_names(said, parts, names, known, loosely=loosely)
        if any(part.kind == "name" for part in parts):
            break
    return Message(said, tuple(parts))


def build_part(found: re.Match[str]) -> Part:
    """Convert a match of the pattern to a part."""
    kind: Kind = found.lastgroup or "word"  # type: ignore[assignment]
    text = found[0].replace("’", "'").casefold()
    if kind == "quoted" and re.fullmatch(rf"[\w ]*{FILE}", strip_quotes(found[0])):
        kind = "file"
    return Part(kind, text.removesuffix("."), found.start(), found.end())


def _mark_names(
    said: str, parts: Sequence[Part], names: Names, known: Collection[str], *, loosely: bool
) -> list[Part]:
    made: list[Part] = []
    run: list[Part] = []
    for part in (*parts, Part("file", "", 0, 0)):
        if part.kind in ("word", "number"):
            run.append(part)
            continue
        at = 0
        for first, last in names.spans(said, [(each.start, each.end) for each in run], loosely=loosely):
            span = run[first:last]
            plain = all(each.kind == "number" or each.word in known for each in span)
            if plain and not (span[0].start and said[span[0].start].isupper()):
                continue
            made += run[at:first]
            made.append(
                Part("name", said[span[0].start : span[-1].end].casefold(), span[0].start, span[-1].end)
            )
            at = last
        made += [*run[at:], part]
        run = []
    return made[:-1]


def strip_quotes(text: str) -> str:
    """Strip blanks and quotes from a text."""
    text = text.strip()
    for opening, closing in ('""', "“”", '“"', "„“", "„”", "«»", "``", "**", "''", "‘’"):
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            return text[1:-1].strip()
    return text


def split_example(example: str) -> list[str]:
    """Return an example's words and slots; slots in braces."""
    found: list[str] = []
    for at, piece in enumerate(SLOT.split(example)):
        found += (
            [build_part(each).word for each in _PART.finditer(piece)] if at % 2 == 0 else [f"{{{piece}}}"]
        )
    return found


def mask_example(example: str) -> str:
    """Return an example as it is compared, slots replaced."""
    return SLOT.sub(lambda found: MASKS[SLOT_KINDS.get(found[1], "quoted")], example).casefold()


def mask_message(message: Message, known: Collection[str] | None = None) -> str:
    """Return a message as it is compared: parts replaced by `MASKS`, unknown words by *something*."""
    shown: list[str] = []
    for part in message.parts:
        word = MASKS.get(part.kind, part.word)
        if known is not None and part.kind == "word" and not (word in known or word == ":" or "'" in word):
            word = correct_spelling(word, known)
        if not (shown and shown[-1] == word == "something"):
            shown.append(word)
    return " ".join(shown) or "."


def correct_spelling(word: str, known: Collection[str]) -> str:
    """Return the known word with the most similar spelling, else *something*."""
    from rapidfuzz import fuzz, process

    near = [each for each in known if each[:1] == word[0]] if len(word) > 4 else []
    found = process.extractOne(word, near, scorer=fuzz.ratio, score_cutoff=86)
    return found[0] if found else "something"
