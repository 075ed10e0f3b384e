"""Bring messages and example phrasings into one form, in which an item's text or a name says nothing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from taxonaut.conversation.nlu.index_names import Names
from taxonaut.conversation.nlu.utterance import Token, Utterance, read
from taxonaut.tools.support.chat_tool import Kind, Slot

SLOT = re.compile(r"\{(\w+)\}")
MASKS: Mapping[str, str] = {
    "quoted": "something",
    "name": "something",
    "file": "items.csv",
    "period": "last week",
    "number": "3",
    "change": "change 3",
}
"""What is read instead of a marked part; a name and a text look the same from outside."""

_MARK_OF: Mapping[Kind, str] = {
    "text": "quoted", "name": "quoted", "words": "quoted", "node": "name", "label": "name", "file": "file",
    "period": "period", "number": "number", "change": "change",
}  # fmt: skip

FILLING = frozenset(
    ("please", "hey", "hi", "ok", "okay", "so", "well", "now", "just", "then", "btw", "thanks", "thank", "kindly",
     "hm", "hmm", "oh", "ah", "um", "uh", "quickly", "quick", "maybe", "perhaps", "actually", "again", "really")
)  # fmt: skip
"""Words that ask for nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a phrasing, or a slot of the tool with its kind."""

    word: str
    slot: str = ""
    kind: Kind | None = None


Pattern = tuple[Part, ...]


def pattern(example: str, slots: Mapping[str, Slot]) -> Pattern:
    """Cut an example phrasing into words and slots.

    A brace that names no slot of the tool but a kind, such as {period}, stands for something that is passed over.
    """
    parts: list[Part] = []
    for place, piece in enumerate(SLOT.split(example)):
        if place % 2 == 0:
            parts += [Part(token.word) for token in read(piece).tokens if token.word not in ",;:"]
        elif piece in slots:
            parts.append(Part("", piece, slots[piece].kind))
        elif piece in _MARK_OF:
            parts.append(Part("", "", cast(Kind, piece)))
    return tuple(parts)


def masked_pattern(parts: Pattern) -> str:
    """Return an example as it is compared."""
    return " ".join(MASKS[_MARK_OF[part.kind]] if part.kind else part.word for part in parts)


@dataclass(frozen=True)
class Vocabulary:
    """The words that all phrasings are made of."""

    words: frozenset[str]

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> "Vocabulary":
        """Collect the words of patterns."""
        return cls(frozenset(part.word for parts in patterns for part in parts if part.word) | FILLING)

    @cached_property
    def _slips(self) -> Mapping[str, str]:
        """Words of four letters and more by what is left of them without one letter."""
        found: dict[str, str] = {}
        for word in sorted(self.words):
            if len(word) >= 4 and word.isalpha():
                for at in range(len(word)):
                    found.setdefault(word[:at] + word[at + 1 :], word)
        return found

    def corrected(self, word: str) -> str:
        """Return the word of a phrasing that was meant: itself, or one a letter away; else the word as it is."""
        if word in self.words or len(word) < 4 or not word.isalpha():
            return word
        slips = self._slips
        shorter = [word[:at] + word[at + 1 :] for at in range(len(word))]
        for left in (word, *shorter):
            meant = slips.get(left) if left != word else slips.get(word)
            if meant is not None and meant[0] == word[0] and abs(len(meant) - len(word)) <= 1:
                return meant
            if left in self.words and len(left) >= 4 and left[0] == word[0]:
                return left
        return word


def marked(utterance: Utterance, names: Names, vocabulary: Vocabulary) -> Utterance:
    """Mark the names of the index in a message, and mend the words of phrasings that are mistyped.

    A name made of words that phrasings use, such as *Labels*, is one only if it is written with a capital letter
    inside the sentence.
    """
    tokens = list(utterance.tokens)
    found: list[Token] = []
    at = 0
    for first, last, _ in names.spans([token.word if not token.mark else "" for token in tokens]):
        span = tokens[first:last]
        if _is_name(utterance.said, span, vocabulary, first):
            found += tokens[at:first]
            word = utterance.said[span[0].start : span[-1].end].casefold()
            found.append(Token(word, span[0].start, span[-1].end, "name"))
            at = last
    found += tokens[at:]
    return Utterance(utterance.said, tuple(_mended(_paths(utterance.said, found), names, vocabulary)))


def _paths(said: str, tokens: Sequence[Token]) -> list[Token]:
    """Make one name of names with `>` between them."""
    made: list[Token] = []
    for token in tokens:
        if len(made) > 1 and made[-1].word == ">" and made[-2].mark == "name" and token.mark == "name":
            start = made[-2].start
            made[-2:] = [Token(said[start : token.end].casefold(), start, token.end, "name")]
        else:
            made.append(token)
    return made


def _is_name(said: str, span: Sequence[Token], vocabulary: Vocabulary, first: int) -> bool:
    if any(token.word not in vocabulary.words for token in span):
        return True
    return first > 0 and all(said[token.start].isupper() for token in span if token.word.isalpha())


def _mended(tokens: Iterable[Token], names: Names, vocabulary: Vocabulary) -> Iterable[Token]:
    for token in tokens:
        known = token.mark or token.word in names.having
        yield token if known else replace(token, word=vocabulary.corrected(token.word))


def masked(utterance: Utterance, vocabulary: Vocabulary, others: Vocabulary | None = None) -> str:
    """Return a message as it is compared: words that no phrasing uses are part of a text or a name.

    So is a word beside one that only `others` use, the phrasings that no tool is for: *sleep* in *sleep headphones*.
    """
    shown: list[str] = []
    plain = [
        not token.mark and (token.word in vocabulary.words or token.word in ",;:")
        for token in utterance.tokens
    ]
    strange = [
        bool(token.mark) or not (here or (others is not None and token.word in others.words))
        for here, token in zip(plain, utterance.tokens, strict=True)
    ]
    for at, token in enumerate(utterance.tokens):
        if at == 0 and not token.mark and len(utterance.tokens) > 1 and utterance.tokens[1].mark:
            word = token.word
        elif token.mark:
            word = MASKS[token.mark]
        elif token.word in ",;:":
            continue
        else:
            beside = any(strange[max(0, at - 1) : at + 2])
            word = token.word if plain[at] or not beside else MASKS["quoted"]
        if not (shown and shown[-1] == word == MASKS["quoted"]):
            shown.append(word)
    return " ".join(shown)
