"""The assistant without a language model: an encoder chooses the tool, its arguments come from what is on offer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from taxonaut.agents.asking import Asker, Question
from taxonaut.agents.assistant import Message, OnToken, Turn
from taxonaut.conversation.nlu.alignment import Spans
from taxonaut.conversation.nlu.arguments import ArgumentOffers, Filled
from taxonaut.conversation.nlu.lead_ins import plain
from taxonaut.conversation.nlu.phrasebook import LEAST, NOTHING, Phrasebook
from taxonaut.conversation.nlu.phrasing import SLOT, marked, masked
from taxonaut.conversation.nlu.places import Places
from taxonaut.conversation.nlu.slots import trimmed
from taxonaut.conversation.nlu.utterance import Utterance, read
from taxonaut.models.requests import Answers
from taxonaut.prompts.library import Prompt
from taxonaut.state.ids import ItemId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Decision, Item, ToolSpec
from taxonaut.tools.support.chat_tool import Focus, Tool, ToolUse
from taxonaut.tools.support.offers import Offer, choice_schema

AGENT = "assistant"
FIELD = "tools"
NEAR = 0.2
"""How far behind the best a tool may be that is taken in its place because the best one lacks an argument."""

SURELY = 0.5
"""What a tool scores if a message asks for it, and does not answer our question."""

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
        return (await self.reading(talk, focus, tools)).turn

    def book(self, tools: Mapping[str, Tool]) -> Phrasebook:
        """Return the phrasebook of tools, made once."""
        if self._book is None or self._book[0] is not tools:
            self._book = (tools, Phrasebook.of(tools, self.other))
        return self._book[1]

    async def reading(self, talk: Sequence[Message], focus: Focus, tools: Mapping[str, Tool]) -> Reading:
        """Read the last of what was said, as an answer if a question of ours came before it."""
        book = self.book(tools)
        said = str(talk[-1].get("content") or "")
        utterance = plain(marked(read(said), self.places.names, book.vocabulary))
        if (
            len(talk) > 2
            and _ASKS.search(str(talk[-2].get("content") or ""))
            and talk[-3].get("role") == "user"
        ):
            asked = await self.reading(talk[:-2], focus, tools)
            if asked.turn.text == talk[-2].get("content") and asked.filled is not None:
                answered = await self.answered(asked, utterance, focus, tools)
                if answered is not None:
                    return answered
        ranked, decision = await self.choose(utterance, tools)
        if not ranked:
            return Reading(Turn(text=self.offered(tools), decisions=(decision,)))
        return await self.best(ranked, decision, utterance, focus, tools)

    async def choose(
        self, utterance: Utterance, tools: Mapping[str, Tool]
    ) -> tuple[list[tuple[str, float]], Decision]:
        """Order the tools by how much a message is worded like their examples; none if it is like no tool's."""
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
        text = masked(utterance, book.vocabulary, book.all_words)
        (answer,) = await asker.ask([(Item(ItemId(utterance.said[:200]), text), question)])
        scores = dict(zip(answer.decision.options, answer.decision.scores, strict=True))
        ranked = book.ranked(scores, utterance)
        return ranked, replace(answer.decision, choice=tuple(name for name, _ in ranked[:1]))

    async def best(
        self,
        ranked: Sequence[tuple[str, float]],
        decision: Decision,
        utterance: Utterance,
        focus: Focus,
        tools: Mapping[str, Tool],
    ) -> Reading:
        """Read a message as the best tool has it, or as a near one that changes nothing and lacks no argument."""
        book = self.book(tools)
        first: Reading | None = None
        for name, score in ranked:
            if name == NOTHING or score < max(ranked[0][1] - NEAR, LEAST):
                break
            if first is not None and name in book.changing:
                continue
            spans = book.spans(name, utterance)
            chosen = replace(decision, choice=(name,))
            read_so = await self.read_as(tools[name], utterance, spans, focus, {}, (chosen,))
            if read_so.turn.uses:
                return read_so
            first = first or read_so
        assert first is not None
        return first

    async def read_as(
        self,
        tool: Tool,
        utterance: Utterance,
        spans: Spans,
        focus: Focus,
        given: Mapping[str, Any],
        decisions: tuple[Decision, ...],
    ) -> Reading:
        """Fill the tool's arguments: a call, or a question back."""
        offers = ArgumentOffers(self.places, self.book_words())
        filled = await offers.fill(tool, utterance, spans, focus, given)
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
            found = await self.places.find(trimmed(said) or said, focus, labels=slot.kind == "label")
            value = found.places[0] if len(found.places) == 1 and found.sure else None
        elif value is None and slot.kind == "file":
            value = next((token.word for token in utterance.tokens if token.mark == "file"), None)
        elif value is None and slot.kind in ("text", "name", "words"):
            ranked, _ = await self.choose(utterance, tools)
            another = ranked and ranked[0][0] != asked.tool and ranked[0][1] > SURELY
            value = None if another else trimmed(utterance.said, text=True)
        if value is None:
            return None
        given = {**dict(asked.given), wanting.slot: value}
        return await self.read_as(tool, asked.utterance, asked.spans, focus, given, ())

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
        return "\n".join(["That is nothing I can do here. You can ask, for example:", *examples])


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
