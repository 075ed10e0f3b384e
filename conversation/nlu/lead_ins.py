"""What stands around a request: how somebody leads up to it, and what they add behind it."""

from dataclasses import replace

from taxonaut.conversation.nlu.utterance import Token, Utterance

MODALS = frozenset(("would", "should", "could", "might", "can", "will", "may", "shall", "ought", "does"))
ASKED = frozenset(("where", "which", "what", "why", "how", "who"))
"""Words that a question begins with, also one inside another sentence."""

_WONDERING = frozenset(
    ("wonder", "wondering", "wondered", "know", "tell", "ask", "asking", "asked", "idea", "ideas", "curious",
     "interested", "say", "sure", "clue", "thinking", "guess", "explain", "understand", "remind", "figure")
)  # fmt: skip
_ADVERBS = frozenset(
    (
        "right",
        "just",
        "directly",
        "straight",
        "immediately",
        "exactly",
        "precisely",
        "somewhere",
        "right-away",
    )
)
PLACES = frozenset(
    ("under", "below", "beneath", "underneath", "inside", "within", "beside", "besides", "next", "alongside",
     "adjacent", "there", "here", "near", "of", "to", "in", "into", "above", "at")
)  # fmt: skip
_ADDING = frozenset(
    ("i", "we", "you", "it", "they", "that", "this", "there", "he", "she", "is", "are", "do", "does", "did",
     "have", "has", "can", "could", "will", "would", "what", "if", "when", "whenever", "as", "so", "because",
     "since", "any", "please", "thanks", "thank", "ok", "okay", "right", "and", "but", "or", "no", "not", "where",
     "which", "how", "why", "let", "to")
)  # fmt: skip
"""Words that an added clause begins with, and the next piece of an item's text hardly does."""

_VERBS = frozenset(
    ("go", "belong", "fall", "fit", "land", "live", "sit", "stand", "end", "wind", "be", "come")
)
_SUBJECTS = frozenset(("you", "we", "i", "one", "they"))
_LONGEST_LEAD = 8
_LONGEST_TAIL = 9


def plain(utterance: Utterance) -> Utterance:
    """Leave out what says nothing: *I wonder* before a question, *right* before *below it*."""
    tokens = utterance.tokens[_lead(utterance.tokens) :]
    kept = [
        token
        for at, token in enumerate(tokens)
        if token.mark
        or token.word not in _ADVERBS
        or at + 1 == len(tokens)
        or tokens[at + 1].word not in PLACES
    ]
    return replace(utterance, tokens=tuple(kept))


def _lead(tokens: tuple[Token, ...]) -> int:
    """Return where a question begins that somebody leads up to: *do you know where*; else 0."""
    for at, token in enumerate(tokens[: _LONGEST_LEAD + 1]):
        if token.mark:
            break
        if token.word in ASKED and at and any(before.word in _WONDERING for before in tokens[:at]):
            return at
    return 0


def ends(utterance: Utterance) -> list[int]:
    """Return where a message may end: at its end, and before clauses that were added with no name in them."""
    tokens, found = utterance.tokens, [len(utterance.tokens)]
    for at in range(len(tokens) - 1, 0, -1):
        if tokens[at].mark or found[-1] - at > _LONGEST_TAIL:
            break
        if tokens[at].word in _ADDING and _begins(utterance, at):
            found.append(at)
    return found


def _begins(utterance: Utterance, at: int) -> bool:
    """Say whether a comma, a dash or the end of a sentence stands before a token."""
    token, before = utterance.tokens[at], utterance.tokens[at - 1]
    between = utterance.said[before.end : token.start]
    return before.word in (",", ";") or any(mark in between for mark in ".?!–—") or " - " in between


def inside(utterance: Utterance, first: int, last: int, known: frozenset[str]) -> tuple[int, int]:
    """Cut the tokens of an item's text to the text, where parts of a question are still around it.

    *where* and *would* begin and end it: an item's text has neither. After *would you* comes a verb. Before a colon
    that known words lead up to, and before *category of*, there is no text.
    """
    tokens = utterance.tokens
    for at in range(last - 2, first - 1, -1):
        if tokens[at].word == ":" and _mostly_known(tokens[:at], known):
            return at + 1, last
    for at in range(first, last - 1):
        of_category = tokens[at].word in ("of", "for") and tokens[at - 1].word in (
            "category",
            "place",
            "label",
        )
        if not tokens[at].mark and (tokens[at].word in ASKED or (at and of_category)):
            first = at + 1
    for at in range(first, last):
        if tokens[at].mark or tokens[at].word not in MODALS:
            continue
        asked = first > 0 and tokens[first - 1].word in ASKED and at - first <= 2
        if at + 1 < last and (asked or all(token.word in known | {","} for token in tokens[first:at])):
            first, last = at + 1, _before_verb(tokens, at + 1, last)
        elif at > first and last - at <= 4:
            last = at
        break
    first += last - first > 2 and tokens[first].word in _SUBJECTS
    before = {token.word for token in tokens[max(0, first - 2) : first]}
    after_subject = len(before & _SUBJECTS) == len(before & (MODALS | {"do", "does"})) == 1
    return first + (after_subject and last - first > 1 and tokens[first].word.isalpha()), last


def _before_verb(tokens: tuple[Token, ...], first: int, last: int) -> int:
    """Return where a text ends that a verb follows: *go*, *belong on*."""
    for at in (last - 1, last - 2):
        if at > first and not tokens[at].mark and tokens[at].word in _VERBS:
            return at
    return last


def _mostly_known(tokens: tuple[Token, ...], known: frozenset[str]) -> bool:
    return 2 * sum(not token.mark and token.word in known for token in tokens) > len(tokens)
