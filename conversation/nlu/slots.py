"""Where a tool's slots are in a message, and what of the words there is the argument."""

import re
from collections.abc import Sequence

from taxonaut.conversation.nlu.alignment import POINTING, Spans
from taxonaut.conversation.nlu.lead_ins import PLACES
from taxonaut.conversation.nlu.utterance import Token, Utterance, unquoted
from taxonaut.tools.support.chat_tool import Slot, Tool

BESIDE = re.compile(
    r"\b(?:next to|besides?|alongside|adjacent to|near|siblings? (?:of|to)|parallel to|same level as|level with)"
    r"\s+(?:the |our |category |node )*$",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?:(?:the|a|an|our|this|that|these|those|all|new|sub-?|category|categories|subcategory|subcategories|node|nodes|branch"
    r"|section|label|labels|called|named|around|through|for|about|of|under|below|in|inside|to|into|be|become|have|having"
    r"|titled|retitled|renamed|relabell?ed|reworded|as|with|on|item|product)(?![\w-])|[:,;-])\s*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:[\s,;:.?!]+|\s+(?:please|pls|plz|instead|too|as well|category|categories|node|branch|section|subcategory"
    r"|for me|here|now|then|thanks|from now on|so far|yet|until now"
    r"|as (?:a |the |its )?(?:new )?(?:child|children|sibling|sub-?category)(?: (?:of|to))?"
    r"|also|under|below|next|next to|beside|alongside|inside|into|as))$",
    re.IGNORECASE,
)
_TEXT_AFTER = re.compile(r"(?:[\s,;:?!]+|\s+(?:please|pls|plz))$", re.IGNORECASE)
_ABOUT = re.compile(
    r"\b(?:about|relat(?:ed|es?|ing) to|having|to do with|concerning|regarding|matching|mention(?:s|ing)?"
    r"|contain(?:s|ing)?|around|connected with|deal(?:s|ing)? with|having to do with|with)\s+",
    re.IGNORECASE,
)
_IN_NAMES = re.compile(
    r"^.*\b(?:with|having|has|have|contain(?:s|ing)?)\s+(.+)\s+in (?:the|its|their) (?:name|title)s?$",
    re.IGNORECASE,
)
_CALLING = re.compile(
    r"^.*\b(?:make|call|name|rename|change|turn)\s+(?:it|that|this)(?: one)?\s+(?:be\s+|to\s+|into\s+|as\s+)?",
    re.IGNORECASE,
)
_ANYTHING = frozenset(("whatever", "stuff", "things", "something", "anything", "everything", "all", "some"))
_SCOPE = re.compile(
    r"^(?:\w+\s+)?(?:(?:go|look|search|in|into|through|on|all|any|of|the|our|your|this|whole|existing)\s+)*"
    r"(?:taxonomy|tree|catalog(?:ue)?|index|hierarchy|labels?|nodes?|categor(?:y|ies)|subcategories|names)\s+"
    r"(?:for|about|on|around|like|of|with|named|called)\s+",
    re.IGNORECASE,
)
_IN_HERE = re.compile(
    r"\s+(?:anywhere|somewhere|in(?:\s+(?:here|there|it|them"
    r"|(?:the|its|their|our|your) (?:names?|tree|taxonomy|catalog(?:ue)?|index|titles?)))?)$",
    re.IGNORECASE,
)
BETWEEN = re.compile(r"\s*(?:[,;|/]|\band\b|\bor\b|\bvs\.?\b|\bversus\b)\s*", re.IGNORECASE)
BESIDE_SLOT = "beside"
"""The slot for a category that another is to stand next to; without it, next to it is under what it stands in."""


def listed(tool: Tool, name: str) -> bool:
    """Say whether an argument is a list."""
    properties = tool.spec.parameters.get("properties", {})
    return bool(properties.get(name, {}).get("type") == "array")


def placed(tool: Tool, utterance: Utterance, spans: Spans) -> dict[str, tuple[int, int]]:
    """Say where each slot is in the message: as the example lies over it, and names and *it* that it left over."""
    where = {slot: (first, last) for slot, first, last in spans if slot}
    nodes = [slot for slot, each in tool.slots.items() if each.kind == "node" and slot != BESIDE_SLOT]
    for wanted in ("name", "pointing"):
        taken = {at for span in where.values() for at in range(*span)}
        left = [at for at, token in enumerate(utterance.tokens) if at not in taken and _is_a(token, wanted)]
        for slot in nodes:
            vague = slot not in where or (wanted == "name" and _unmarked(utterance, where[slot]))
            if vague and left and BESIDE_SLOT not in where:
                at = left.pop(0) if wanted == "name" else left.pop(_pointed(utterance, left))
                where[slot] = (at, at + 1)
    for slot, each in tool.slots.items():
        taken = {at for span in where.values() for at in range(*span)}
        left = [
            at
            for at, token in enumerate(utterance.tokens)
            if at not in taken and token.mark in ("quoted", "name")
        ]
        if each.kind in ("name", "words", "text") and each.required and slot not in where and left:
            where[slot] = (left[0], left[0] + 1)
    if BESIDE_SLOT in tool.slots:
        under = next(slot for slot in tool.slots if tool.slots[slot].kind == "node" and slot != BESIDE_SLOT)
        for slot in (under, BESIDE_SLOT):
            if slot in where:
                span = named_span(utterance, where.pop(slot))
                assert span is not None
                where[BESIDE_SLOT if beside(utterance, span) else under] = span
    return where


def _pointed(utterance: Utterance, left: Sequence[int]) -> int:
    """Say which of the words that point is a place: the last one after *under* or *beside*, else the last."""
    after = [nth for nth, at in enumerate(left) if at and utterance.tokens[at - 1].word in PLACES]
    return after[-1] if after else len(left) - 1


def _unmarked(utterance: Utterance, span: tuple[int, int]) -> bool:
    return not any(token.mark for token in utterance.tokens[slice(*span)])


def _is_a(token: Token, wanted: str) -> bool:
    return token.mark == "name" if wanted == "name" else not token.mark and token.word in POINTING


def named_span(utterance: Utterance, span: tuple[int, int] | None) -> tuple[int, int] | None:
    """Cut a span to the name, or the quoted part, that is in it."""
    if span is None:
        return None
    for mark in ("name", "quoted"):
        places = [at for at in range(*span) if utterance.tokens[at].mark == mark]
        if places:
            return places[0], places[0] + 1
    return span


def beside(utterance: Utterance, span: tuple[int, int]) -> bool:
    """Say whether the words before a span mean next to it."""
    return BESIDE.search(utterance.said[: utterance.tokens[span[0]].start]) is not None


def asking(slot: Slot) -> str:
    """Ask for an argument."""
    said = slot.said.rstrip("?.")
    return f"{said[:1].upper()}{said[1:]}?"


def trimmed(words: str, *, text: bool = False) -> str:
    """Cut off what stands around a name or a text: articles, *category*, *please*, punctuation."""
    before = ""
    words = unquoted(words.strip())
    while before != words:
        before = words
        words = _TEXT_AFTER.sub("", words) if text else _AFTER.sub("", words)
        words = words.lstrip(":,; ") if text else _BEFORE.sub("", words)
    return unquoted(words) or before


def sought(words: str, known: frozenset[str]) -> str:
    """Return the words to look for, without what only says that they are looked for; `known`: words of phrasings."""
    if found_in := _IN_NAMES.match(words):
        return trimmed(found_in[1])
    words = _SCOPE.sub("", _IN_HERE.sub("", words))
    for found in _ABOUT.finditer(words):
        if all(word in known | _ANYTHING for word in words[: found.start()].casefold().split()):
            return trimmed(words[found.end() :])
    return words


def new_name(words: str) -> str:
    """Return the name that words give, without *call it* and what is before that."""
    return trimmed(_CALLING.sub("", words) or words)


def spelt(name: str, siblings: Sequence[str]) -> str:
    """Return a name in small letters as its siblings are written: each word with a capital, or only the first."""
    several = [sibling.split() for sibling in siblings if len(sibling.split()) > 1]
    titled = sum(all(word[:1].isupper() for word in words if len(word) > 3) for words in several)
    if several and 2 * titled > len(several):
        return " ".join(word if word in _SMALL else _FIRST.sub(_capital, word) for word in name.split())
    return name[:1].upper() + name[1:]


_FIRST = re.compile(r"(?:^|(?<=-))\w")
_SMALL = frozenset({"and", "or", "of", "for", "with", "in", "the", "a", "an"})


def _capital(found: re.Match[str]) -> str:
    return found[0].upper()
