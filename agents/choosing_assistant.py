"""The assistant without a language model: an encoder chooses the tool, its arguments come from what is on offer."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from uuid import uuid4

from taxonaut.agents.aligning import Spans, fit
from taxonaut.agents.argument_offers import ArgumentOffers, Filled, trimmed
from taxonaut.agents.asking import Asker, Question
from taxonaut.agents.assistant import Message, OnToken, Turn
from taxonaut.agents.phrasing import SLOT, Pattern, Vocabulary, marked, masked, masked_pattern, pattern
from taxonaut.agents.place_offers import Places
from taxonaut.agents.utterance import Utterance, read
from taxonaut.models.requests import Answers, Choice
from taxonaut.prompts.library import Prompt
from taxonaut.state.ids import ItemId, RunId
from taxonaut.state.index import Index
from taxonaut.state.records import Decision, Item, ToolSpec
from taxonaut.tools.offers import Offer, choice_schema
from taxonaut.tools.toolbox import Focus, Tool, ToolUse

AGENT = "assistant"
FIELD = "tools"
NOTHING = "none"
"""The option that stands for what no tool is for."""

CLEAR = 0.1
"""By how much a tool that changes the index has to lead, where no word of the message asks for a change."""

ALIGNED = 24
"""Examples of the chosen tool that are laid over the message, those with most words in common."""

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_ASKS = re.compile(r"(\?|Say its number\.)$")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a message was read: the turn it leads to, and what is open if that is a question back."""

    turn: Turn
    tool: str = ""
    utterance: Utterance | None = None
    spans: Spans = ()
    given: tuple[tuple[str, Any], ...] = ()
    filled: Filled | None = None


@dataclass(frozen=True)
class Phrasebook:
    """The examples of all tools, ready to be compared and laid over messages."""

    patterns: Mapping[str, tuple[Pattern, ...]]
    other: tuple[Pattern, ...]
    changing: frozenset[str]

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


class ChoosingAssistant:
    """Leads a conversation by choosing, and writes nothing: the outcome of a tool is the answer.

    `chooser` compares a message with examples (`models.phrasing_answers`), `encoder` a few words with names.
    `other` are examples of messages that no tool is for.
    """

    def __init__(self, chooser: Answers, encoder: Answers, index: Index, other: Sequence[str] = ()) -> None:
        self.writes = False
        self.chooser = chooser
        self.other = tuple(other)
        self.places = Places(index, encoder, AGENT)
        self._book: tuple[Mapping[str, Tool], Phrasebook] | None = None

    async def step(
        self,
        run: RunId,
        messages: Sequence[Message],
        focus: Focus,
        tools: Mapping[str, Tool],
        on_token: OnToken,
    ) -> Turn:
        """Read the person's last message; after a tool's there is nothing to add."""
        talk = [message for message in messages if message.get("role") in ("user", "assistant")]
        if not talk or messages[-1].get("role") != "user":
            return Turn()
        focus = spoken(messages, focus, tools)
        return (await self.reading(run, talk, focus, tools)).turn

    def book(self, tools: Mapping[str, Tool]) -> Phrasebook:
        """Return the phrasebook of tools, made once."""
        if self._book is None or self._book[0] is not tools:
            self._book = (tools, Phrasebook.of(tools, self.other))
        return self._book[1]

    async def reading(
        self, run: RunId, talk: Sequence[Message], focus: Focus, tools: Mapping[str, Tool]
    ) -> Reading:
        """Read the last of what was said, as an answer if a question of ours came before it."""
        book = self.book(tools)
        said = str(talk[-1].get("content") or "")
        utterance = marked(read(said), self.places.names, book.vocabulary)
        if (
            len(talk) > 2
            and _ASKS.search(str(talk[-2].get("content") or ""))
            and talk[-3].get("role") == "user"
        ):
            asked = await self.reading(run, talk[:-2], focus, tools)
            if asked.turn.text == talk[-2].get("content") and asked.filled is not None:
                answered = await self.answered(run, asked, utterance, focus, tools)
                if answered is not None:
                    return answered
        name, decision = await self.choose(run, utterance, tools)
        if name is None:
            return Reading(Turn(text=self.offered(tools), decisions=(decision,)))
        spans = self.spans(book, name, utterance)
        return await self.read_as(run, tools[name], utterance, spans, focus, {}, (decision,))

    async def choose(
        self, run: RunId, utterance: Utterance, tools: Mapping[str, Tool]
    ) -> tuple[str | None, Decision]:
        """Choose the tool that a message asks for, if any."""
        book = self.book(tools)
        names = book.options
        asker = Asker(AGENT, self.chooser, Prompt("assistant/phrasings", book.hash, ()), "")
        question = Question(
            node=None,
            offer=Offer(names, 0),
            choices=book.choices,
            tool=ToolSpec("choose_tool", "", choice_schema(FIELD, len(names), len(names), "tools")),
            field=FIELD,
            most=len(names),
            system="",
            context="",
        )
        text = masked(utterance, book.all_words)
        (answer,) = await asker.ask(run, [(Item(ItemId(utterance.said[:200]), text), question)])
        chosen = self.cautious(answer.decision, book, utterance)
        return chosen, replace(answer.decision, choice=(chosen,) if chosen else ())

    def cautious(self, decision: Decision, book: Phrasebook, utterance: Utterance) -> str | None:
        """Take the best tool; rather one that changes nothing, if no word asks for a change and both are near."""
        if not decision.choice or decision.choice[0] == NOTHING:
            return None
        best = decision.choice[0]
        asks = any(token.word in book.change_words for token in utterance.tokens if not token.mark)
        if best not in book.changing or asks:
            return best
        scores = dict(zip(decision.options, decision.scores, strict=True))
        calm = max(
            (name for name in scores if name not in book.changing and name != NOTHING),
            key=lambda name: scores[name],
            default=None,
        )
        return calm if calm is not None and scores[best] - scores[calm] < CLEAR else best

    def spans(self, book: Phrasebook, name: str, utterance: Utterance) -> Spans:
        """Lay the tool's examples over a message; return how the best one's slots are filled."""
        words = {token.word for token in utterance.tokens}
        near = sorted(
            book.patterns[name],
            key=lambda parts: (
                -2 * sum(part.word in words for part in parts) + sum(bool(part.word) for part in parts)
            ),
        )[:ALIGNED]
        fits = [fit(parts, utterance.tokens, book.vocabulary.words) for parts in near]
        return min(fits, key=lambda each: each.cost).spans

    async def read_as(
        self,
        run: RunId,
        tool: Tool,
        utterance: Utterance,
        spans: Spans,
        focus: Focus,
        given: Mapping[str, Any],
        decisions: tuple[Decision, ...],
    ) -> Reading:
        """Fill the tool's arguments: a call, or a question back."""
        offers = ArgumentOffers(self.places, self.book_words())
        filled = await offers.fill(run, tool, utterance, spans, focus, given)
        decisions = (*decisions, *filled.decisions)
        if filled.wanting is not None:
            turn = Turn(text=filled.wanting.question, decisions=decisions)
        else:
            use = ToolUse(uuid4().hex, tool.name, filled.arguments)
            turn = Turn((use,), understood=understood(tool, filled.said), decisions=decisions)
        return Reading(turn, tool.name, utterance, spans, tuple(given.items()), filled)

    def book_words(self) -> frozenset[str]:
        """The words of phrasings."""
        return frozenset() if self._book is None else self._book[1].vocabulary.words

    async def answered(
        self,
        run: RunId,
        asked: Reading,
        utterance: Utterance,
        focus: Focus,
        tools: Mapping[str, Tool],
    ) -> Reading | None:
        """Take a message as the answer to our question; None if it is none."""
        assert asked.filled is not None
        assert asked.filled.wanting is not None
        assert asked.utterance is not None
        wanting, tool = asked.filled.wanting, tools[asked.tool]
        slot = tool.slots[wanting.slot]
        value: Any = None
        if wanting.options:
            value = picked(utterance, wanting.options)
        if value is None and slot.kind in ("node", "label"):
            said = utterance.said.strip()
            found = await self.places.find(run, trimmed(said) or said, focus, labels=slot.kind == "label")
            value = found.places[0] if len(found.places) == 1 and found.sure else None
        elif value is None and slot.kind == "file":
            value = next((token.word for token in utterance.tokens if token.mark == "file"), None)
        elif value is None and slot.kind in ("text", "name", "words"):
            name, _ = await self.choose(run, utterance, tools)
            value = trimmed(utterance.said, text=True) if name in (None, asked.tool) else None
        if value is None:
            return None
        given = {**dict(asked.given), wanting.slot: value}
        return await self.read_as(run, tool, asked.utterance, asked.spans, focus, given, ())

    def offered(self, tools: Mapping[str, Tool]) -> str:
        """Say what can be asked, for a message that no tool is for."""
        top = self.places.index.children(self.places.index.root())
        category = top[0].name if top else "the top"
        said = [
            ("classify", "where would wireless earbuds go?"),
            ("list_children", f"show me what is under {category}"),
            ("losses", "which categories lost most items last week?"),
            ("diff", "what changed?"),
        ]
        examples = [f"  {text}" for name, text in said if name in tools][:3]
        return "\n".join(
            ["I did not find anything in that which I can do here. You can ask, for example:", *examples]
        )


def spoken(messages: Sequence[Message], focus: Focus, tools: Mapping[str, Tool]) -> Focus:
    """Put what the last call was about in front: the best label of a text, or a category that was looked at."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    tool = tools.get(calls[-1]["function"]["name"]) if calls else None
    if tool is None or tool.changes or not focus.labels:
        return focus
    kinds = {slot.kind for slot in tool.slots.values() if slot.required}
    return focus if kinds & {"text", "words"} else replace(focus, labels=())


def picked(utterance: Utterance, options: Sequence[Any]) -> Any:
    """Return the option that *2*, *the second* or *the last one* means, or None."""
    for token in utterance.tokens:
        if token.mark in ("number", "change"):
            at = int(token.word.lstrip("#"))
            return options[at - 1] if 1 <= at <= len(options) else None
        if token.word in _ORDINALS[: len(options)]:
            return options[_ORDINALS.index(token.word)]
        if token.word == "last":
            return options[-1]
    if len(options) == 1 and utterance.tokens and utterance.tokens[0].word in ("yes", "yep", "ok", "right"):
        return options[0]
    return None


def understood(tool: Tool, said: Mapping[str, str]) -> str:
    """Say how a message was read, by the tool's first example that has the arguments."""
    fitting = [example for example in tool.examples if set(SLOT.findall(example)) == set(said)]
    example = next(iter(fitting), None)
    if example is None:
        rest = " · ".join(f"{name}: {value}" for name, value in said.items())
        return " · ".join(part for part in (tool.name.replace("_", " "), rest) if part)
    return SLOT.sub(lambda found: said[found[1]], example.rstrip("?"))
