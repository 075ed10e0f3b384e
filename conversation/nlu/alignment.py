"""Lay an example phrasing over a message: shared words keep their order, what stands between them fills the slots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from taxonaut.conversation.nlu.phrasing import FILLING, Part, Pattern
from taxonaut.conversation.nlu.utterance import Mark, Token
from taxonaut.models.encoder.words import stem
from taxonaut.tools.support.chat_tool import Kind

Spans = tuple[tuple[str, int, int], ...]
"""Slots with the tokens that fill them: (slot, first, last), `last` not included."""

LIGHT = frozenset(
    ("a", "an", "the", "our", "my", "this", "that", "these", "those", "me", "us", "you", "it", "is", "of", "to",
     "all", "any", "some", "for")
)  # fmt: skip
"""Words that a phrasing may have more or fewer of."""

POINTING = frozenset(["it", "that", "there", "this", "here", "them", "those", "one", "thing", "latter"])
"""Words that stand for what was spoken of."""

_OWN: Mapping[Kind, Sequence[Mark]] = {
    "text": ("quoted",), "name": ("quoted",), "words": ("quoted",), "node": ("name", "quoted"),
    "label": ("name", "quoted"), "file": ("file",), "period": ("period",), "number": ("number", "change"),
    "change": ("change", "number"),
}  # fmt: skip
_LITERAL_ONLY = frozenset({"file", "period", "number", "change"})
_NEVER = 9.0

PUNCTUATION = frozenset(",;:")
POLITE = frozenset(("can", "could", "would", "will", "like", "want", "need", "i", "let", "try"))
GENERAL = frozenset(("category", "categories", "node", "branch", "section", "label", "the", "our"))
"""Words before and after a name that say what has it."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What it costs that a message is not worded like an example; chosen on the development phrasings."""

    missing: float = 0.7
    missing_light: float = 0.3
    left: float = 0.6
    left_light: float = 0.2
    left_marked: float = 0.9
    empty: float = 0.6
    taken: float = 0.3
    taken_node: float = 0.5
    second: float = 0.8
    colon: float = 0.6
    comma: float = 0.5
    name_in_name: float = 0.35


COSTS = Costs()

_SENSES = (
    ("under", "below", "beneath", "in", "inside", "within", "into", "of"),
    ("beside", "besides", "alongside", "next"),
    ("called", "named", "titled"),
    ("category", "subcategory", "sub-category", "node", "branch", "section", "subnode"),
    ("add", "create", "make", "insert", "introduce"),
    ("rename", "retitle"),
    ("show", "list", "display", "give"),
    ("about", "on", "concerning", "regarding", "for"),
)
_SENSE = {word: group[0] for group in _SENSES for word in group}


@lru_cache(4096)
def _sense(word: str) -> str:
    """What a word is compared by: one of those that mean the same in a phrasing, or its stem."""
    return _SENSE.get(word) or stem(word)


@dataclass(frozen=True, slots=True)
class Fit:
    """How an example lies over a message: the less `cost` the better."""

    cost: float
    spans: Spans


def fit(parts: Pattern, tokens: Sequence[Token], known: frozenset[str]) -> Fit:
    """Align one example with a message at the least cost; `known` are the words of phrasings.

    Words of the example that are missing cost, and so do words of the message that stand in no slot; a slot
    rather takes what its kind is marked by, or words that no phrasing uses.
    """
    here = _without_words(tokens)
    for part in parts:
        here = _slot(here, part, tokens, known) if part.kind else _word(here, part, tokens)
    return here[-1]


def _without_words(tokens: Sequence[Token]) -> list[Fit]:
    row, cost = [Fit(0.0, ())], 0.0
    for token in tokens:
        cost += _left_over(token)
        row.append(Fit(cost, ()))
    return row


def _word(above: list[Fit], part: Part, tokens: Sequence[Token]) -> list[Fit]:
    missing, own = _missing(part.word), _sense(part.word)
    row = [Fit(above[0].cost + missing, above[0].spans)]
    for at, token in enumerate(tokens, start=1):
        best = Fit(above[at].cost + missing, above[at].spans)
        extra = row[-1].cost + _left_over(token)
        if extra < best.cost:
            best = Fit(extra, row[-1].spans)
        if not token.mark and _sense(token.word) == own:
            same = above[at - 1].cost + (0.0 if token.word == part.word else 0.1)
            if same < best.cost:
                best = Fit(same, above[at - 1].spans)
        row.append(best)
    return row


def _slot(above: list[Fit], part: Part, tokens: Sequence[Token], known: frozenset[str]) -> list[Fit]:
    """Fill a slot with one or more tokens, or leave it empty."""
    assert part.kind is not None
    row = [Fit(above[0].cost + COSTS.empty, above[0].spans)]
    filling: _Filling | None = None
    for at, token in enumerate(tokens, start=1):
        taken = _taken(token, part.kind, known)
        begun = _Filling(above[at - 1].cost + taken, at - 1, above[at - 1].spans, bool(token.mark))
        filling = (
            begun
            if filling is None
            else min(begun, filling.more(taken, token, part.kind), key=lambda each: each.cost)
        )
        best = Fit(above[at].cost + COSTS.empty, above[at].spans)
        extra = row[-1].cost + _left_over(token)
        if extra < best.cost:
            best = Fit(extra, row[-1].spans)
        if filling.cost < best.cost:
            best = Fit(filling.cost, (*filling.spans, (part.slot, filling.first, at)))
        row.append(best)
    return row


@dataclass(frozen=True, slots=True)
class _Filling:
    """A slot that is being filled."""

    cost: float
    first: int
    spans: Spans
    marked: bool

    def more(self, taken: float, token: Token, kind: Kind) -> "_Filling":
        """Take one more token; a second name or quoted part hardly belongs to the same slot."""
        apart = token.mark == "quoted" or (token.mark and kind in ("node", "label"))
        second = COSTS.second if self.marked and apart else 0.0
        return _Filling(self.cost + taken + second, self.first, self.spans, self.marked or bool(token.mark))


def _missing(word: str) -> float:
    return COSTS.missing_light if word in LIGHT or word in FILLING else COSTS.missing


def _left_over(token: Token) -> float:
    if token.mark:
        return COSTS.left_marked
    if token.word in PUNCTUATION or token.word in FILLING:
        return 0.1
    return COSTS.left_light if token.word in LIGHT or token.word in POLITE else COSTS.left


def _taken(token: Token, kind: Kind, known: frozenset[str]) -> float:
    if token.mark in _OWN[kind]:
        return 0.0
    if kind in _LITERAL_ONLY:
        return _NEVER
    if token.mark == "name" and kind == "name":
        return COSTS.name_in_name
    if token.mark:
        return {"file": 1.0, "period": 0.5, "name": 0.05, "quoted": 0.3}.get(token.mark, 0.2)
    if token.word in PUNCTUATION:
        return COSTS.colon if token.word == ":" else 0.1 if kind in ("text", "words") else COSTS.comma
    if kind in ("node", "label"):
        if token.word in POINTING or token.word in GENERAL:
            return 0.1
        return COSTS.taken_node if token.word in known else 0.15
    return COSTS.taken if token.word in known else 0.05
