"""Match example phrasings with a message: equal words align, the rest fills the slots."""

from collections.abc import Iterator, Sequence

from taxonaut.conversation.nlu.message import FILLERS, SLOT, SLOT_KINDS, Message, Part, split_example
from taxonaut.tools.support.chat_tool import Tool

Reading = dict[str, tuple[Part, ...]]

LEADING = frozenset(
    (
        "can",
        "could",
        "would",
        "you",
        "i",
        "i'd",
        "we",
        "want",
        "like",
        "need",
        "to",
        "let",
        "let's",
        "us",
        "me",
    )
)
ASKING = LEADING | {"have", "am", "do", "wonder", "wondering", "know", "tell"}
"""Words ignored at the start of a request: `LEADING` of a change, `ASKING` of any other."""

NOUNS = frozenset(
    ("category", "categories", "subcategory", "sub-category", "node", "branch", "label", "labels", "new", "called",
     "named", "for")
)  # fmt: skip
"""Words around names that are ignored, except for tools that take an item's text."""


def match_examples(tool: Tool, message: Message) -> list[Reading]:
    """Return the slot values of all examples that match the whole message, most words in common first."""
    dropped = FILLERS | (frozenset() if any(slot.kind == "text" for slot in tool.slots.values()) else NOUNS)
    leading = LEADING if tool.changes else ASKING
    parts = [part for part in message.parts if part.kind != "word" or part.word not in dropped]
    while parts and parts[0].kind == "word" and parts[0].word in leading:
        parts = parts[1:]
    found: list[tuple[int, Reading]] = []
    for example in tool.examples:
        words = [word for word in split_example(example) if word not in dropped]
        while words and words[0] in leading:
            words = words[1:]
        common = sum(not word.startswith("{") for word in words)
        if common > 0 and len(words) <= len(parts):
            found += [(common, reading) for reading in _matches(words, parts)]
    return [reading for _, reading in sorted(found, key=lambda each: -each[0])]


def neighbours(words: Sequence[str], at: int) -> tuple[str, str]:
    """Return the words before and after a word, with *next to* and *child of* as one; {} for another slot."""
    shown = ["{}" if word.startswith("{") else word for word in ("", *words, "")]
    before = " ".join(shown[at - 1 : at + 1]) if at and shown[at] in ("to", "of", "as") else shown[at]
    return before, shown[at + 2]


def slot_neighbours(tool: Tool) -> dict[str, tuple[set[str], set[str]]]:
    """Return the words before and after each slot in the examples of a tool."""
    found: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in tool.slots}
    for example in tool.examples:
        words = [word for word in split_example(example) if word not in FILLERS | NOUNS]
        for at, word in enumerate(words):
            if word[1:-1] in found and word.startswith("{"):
                for each, neighbour in zip(found[word[1:-1]], neighbours(words, at), strict=True):
                    each.add(neighbour)
    return found


def split_sentences(message: Message) -> list[Message]:
    """Return the message, then its sentences and clauses if there are several."""
    made: list[list[Part]] = [[]]
    for before, part in zip((None, *message.parts), message.parts, strict=False):
        between = message.said[before.end : part.start] if before else ""
        if any(mark in between for mark in ".?!,;\n–—") or " - " in between:
            made.append([])
        made[-1].append(part)
    several = [Message(message.said, tuple(parts)) for parts in made] if len(made) > 1 else []
    return [message, *several]


def _matches(words: Sequence[str], parts: Sequence[Part]) -> Iterator[Reading]:
    if not words:
        if not parts:
            yield {}
        return
    if not parts or len(words) > len(parts):
        return
    slot = SLOT.fullmatch(words[0])
    if slot is None:
        if parts[0].kind == "word" and parts[0].word == words[0]:
            yield from _matches(words[1:], parts[1:])
        return
    only = SLOT_KINDS.get(slot[1])
    longest = 1 if only else len(parts) - len(words) + 1
    for last in range(1, longest + 1):
        if only is None or parts[0].kind == only:
            for rest in _matches(words[1:], parts[last:]):
                yield {slot[1]: tuple(parts[:last]), **rest}
