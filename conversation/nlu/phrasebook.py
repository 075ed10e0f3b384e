"""The example phrasings of all tools, ready to be compared with a message and laid over it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taxonaut.conversation.nlu.alignment import Spans, fit
from taxonaut.conversation.nlu.lead_ins import ends
from taxonaut.conversation.nlu.phrasing import Pattern, Vocabulary, masked_pattern, pattern
from taxonaut.conversation.nlu.utterance import Utterance
from taxonaut.models.requests import Choice
from taxonaut.tools.support.chat_tool import Tool

NOTHING = "none"
"""The option that stands for what no tool is for."""

ALIGNED = 24
"""Examples of a tool that are laid over a message, those with most words in common."""

ADDED = 0.3
"""What it costs to pass over a clause at the end."""

LEAST = 0.2
QUESTION = 0.25
UNASKED = 0.2
NAMED = 0.08
"""What a tool that takes a category has ahead, if a message names one."""

_QUESTIONS = frozenset(
    (
        "how",
        "what",
        "which",
        "where",
        "why",
        "who",
        "when",
        "is",
        "are",
        "did",
        "does",
        "do",
        "was",
        "were",
        "has",
        "have",
    )
)
_SUGGESTING = (("how", "about"), ("what", "about"), ("why", "not"), ("why", "do"))


@dataclass(frozen=True)
class Phrasebook:
    """The examples of all tools, ready to be compared and laid over messages."""

    patterns: Mapping[str, tuple[Pattern, ...]]
    other: tuple[Pattern, ...]
    changing: frozenset[str]
    bare: tuple[str, ...] = ()
    placing: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tools: Mapping[str, Tool], other: Sequence[str]) -> "Phrasebook":
        """Read the examples of tools, and those of messages that no tool is for."""
        return cls(
            {
                name: tuple(pattern(example, tool.slots) for example in tool.examples)
                for name, tool in tools.items()
                if tool.examples
            },
            tuple(pattern(example, {}) for example in other),
            frozenset(name for name, tool in tools.items() if tool.changes),
            tuple(
                name
                for name, tool in tools.items()
                if [slot.kind for slot in tool.slots.values()] == ["text"]
            ),
        )

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words that examples of tools use."""
        return Vocabulary.of(parts for each in self.patterns.values() for parts in each)

    @cached_property
    def all_words(self) -> Vocabulary:
        """The words that any example uses."""
        return Vocabulary(self.vocabulary.words | Vocabulary.of(self.other).words)

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """An option a tool, and one for none of them; their texts are the examples as they are compared."""
        groups = [*self.patterns.values(), *([self.other] if self.other else [])]
        return tuple(
            Choice(at, tuple(dict.fromkeys(map(masked_pattern, patterns))))
            for at, patterns in enumerate(groups, start=1)
        )

    @cached_property
    def options(self) -> tuple[str, ...]:
        """What the choices stand for."""
        return (*self.patterns, *([NOTHING] if self.other else []))

    @cached_property
    def hash(self) -> str:
        """What a decision row says the choice was made from."""
        texts = "\n".join(text for choice in self.choices for text in choice.texts)
        return hashlib.sha256(texts.encode()).hexdigest()[:16]

    @cached_property
    def change_words(self) -> frozenset[str]:
        """Words that ask for a change: those of examples of changing tools, and hardly any other's."""
        counts: dict[str, list[int]] = {}
        for name, patterns in self.patterns.items():
            for parts in patterns:
                for word in {part.word for part in parts if part.word}:
                    counts.setdefault(word, [0, 0])[name in self.changing] += 1
        return frozenset(
            word for word, (others, changes) in counts.items() if changes > 1 and others <= changes / 9
        )

    def spans(self, name: str, utterance: Utterance) -> Spans:
        """Lay a tool's examples over a message; return how the best one's slots are filled."""
        words = {token.word for token in utterance.tokens}

        def unlike(parts: Pattern) -> int:
            return sum(bool(part.word) for part in parts) - 2 * sum(part.word in words for part in parts)

        near = sorted(self.patterns[name], key=unlike)[:ALIGNED]
        fits = [
            (fit(parts, utterance.tokens[:end], self.vocabulary.words), ADDED * dropped)
            for dropped, end in enumerate(ends(utterance))
            for parts in near
        ]
        return min(fits, key=lambda each: each[0].cost + each[1])[0].spans

    def ranked(self, scores: Mapping[str, float], utterance: Utterance) -> list[tuple[str, float]]:
        """Order tools by their scores, best first; a change scores less in a question, and where no word asks for it.

        Empty if none scores enough, or what no tool is for scores best. A message of two or more words without any
        that phrasings use is the text of an item, for the tool that takes nothing else.
        """
        if not any(token.mark or token.word in self.vocabulary.words for token in utterance.tokens):
            return [(name, 1.0) for name in self.bare[:1]] if len(utterance.tokens) > 1 else []
        asks = any(token.word in self.change_words for token in utterance.tokens if not token.mark)
        question = asks_a_question(utterance)
        names = any(token.mark == "name" for token in utterance.tokens)
        weighed: dict[str, float] = {}
        for name, score in scores.items():
            changes = name in self.changing
            score += NAMED if names and name in self.placing else 0
            weighed[name] = (
                score - (QUESTION if changes and question else 0) - (0 if asks or not changes else UNASKED)
            )
        ranked = sorted(weighed.items(), key=lambda each: -each[1])
        return [] if not ranked or ranked[0][0] == NOTHING or ranked[0][1] < LEAST else ranked


def asks_a_question(utterance: Utterance) -> bool:
    """Say whether a message begins as a question does; *how about renaming it* is none."""
    words = [token.word for token in utterance.tokens if not token.mark][:2]
    return bool(words) and words[0] in _QUESTIONS and tuple(words) not in _SUGGESTING
