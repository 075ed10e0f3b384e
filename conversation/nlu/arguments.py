"""What the arguments of a tool may be: from the words that lie in its slots, from marks, from what was spoken of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.conversation.nlu.alignment import GENERAL, POINTING, Spans
from taxonaut.conversation.nlu.lead_ins import inside as inside_text
from taxonaut.conversation.nlu.places import Places
from taxonaut.conversation.nlu.slots import (
    BESIDE_SLOT,
    BETWEEN,
    asking,
    beside,
    listed,
    named_span,
    new_name,
    placed,
    sought,
    spelt,
    trimmed,
)
from taxonaut.conversation.nlu.utterance import Mark, Utterance
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.state.records import Decision
from taxonaut.tools.support.chat_tool import Focus, Kind, Slot, Tool

NUMBER = "Say its number."
"""The end of a question that numbers what is on offer."""

_MARKS: Mapping[Kind, tuple[Mark, ...]] = {
    "file": ("file",), "period": ("period",), "number": ("number", "change"), "change": ("change", "number"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanting:
    """An argument that is not settled: what to ask, and what may be chosen from, if anything is on offer."""

    slot: str
    question: str
    options: tuple[Any, ...] = ()


@dataclass
class Filled:
    """Arguments with how each is said to the person."""

    arguments: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    wanting: Wanting | None = None
    refusal: str = ""
    decisions: list[Decision] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArgumentOffers:
    """Fills slots; nothing is taken that is not in the message, in the index, or spoken of before."""

    places: Places
    known: frozenset[str]

    async def fill(
        self,
        tool: Tool,
        utterance: Utterance,
        spans: Spans,
        focus: Focus,
        given: Mapping[str, Any],
    ) -> Filled:
        """Fill a tool's slots; `given` holds what was answered to questions."""
        filled = Filled()
        where = placed(tool, utterance, spans)
        for name, slot in tool.slots.items():
            if name in given:
                self.put(filled, name, slot, given[name])
            elif listed(tool, name):
                await self.several(filled, tool, name, utterance, where.get(name), focus)
            elif slot.kind in ("node", "label"):
                await self.place(filled, tool, name, utterance, where.get(name), focus)
            else:
                others = tuple((slot, *span) for slot, span in where.items() if slot != name)
                self.value(filled, tool, name, utterance, where.get(name), others, focus)
            if filled.wanting is not None or filled.refusal:
                return filled
        self.complete(filled, tool)
        self.spell(filled, tool)
        return filled

    def complete(self, filled: Filled, tool: Tool) -> None:
        """Ask where a change shall be made, if none of the places it may be given is known."""
        places = [name for name, slot in tool.slots.items() if slot.kind == "node"]
        if tool.changes and places and not any(name in filled.arguments for name in places):
            filled.wanting = Wanting(places[0], asking(tool.slots[places[0]]))

    def put(self, filled: Filled, name: str, slot: Slot, value: Any) -> None:
        """Take a value."""
        filled.arguments[name] = value
        filled.said[name] = self.shown(slot.kind, value)

    def shown(self, kind: Kind, value: Any) -> str:
        """Return a value as the person is told of it."""
        if kind == "node":
            place = f"node {value}" if isinstance(value, int) else f"label {value}"
            return f"{self.places.name(value)} ({place})"
        if kind == "label":
            return f"{self.places.name(value)} (label {value})"
        text = str(value)
        short = text if len(text) <= 60 else text[:59] + "…"
        return f"“{short}”" if kind in ("text", "name", "words") else short

    def value(
        self,
        filled: Filled,
        tool: Tool,
        name: str,
        utterance: Utterance,
        span: tuple[int, int] | None,
        where: Spans,
        focus: Focus,
    ) -> None:
        """Fill a slot that takes what was said: a text, a name, words, a file, a period, a number."""
        slot = tool.slots[name]
        found: Any
        if slot.kind in _MARKS:
            found = self.marked(slot.kind, utterance, where, focus)
        else:
            found = self.said(slot, tool, utterance, span, focus)
        if found not in ("", None):
            self.put(filled, name, slot, found)
        elif slot.required:
            filled.wanting = Wanting(name, asking(slot))

    def marked(self, kind: Kind, utterance: Utterance, where: Spans, focus: Focus) -> Any:
        """Return the part of the message that is marked as what the slot takes, and stands in no other slot."""
        elsewhere = (
            {at for _, first, last in where for at in range(first, last)} if kind == "number" else set()
        )
        for mark in _MARKS[kind]:
            for at, token in enumerate(utterance.tokens):
                if token.mark == mark and at not in elsewhere:
                    return int(token.word.lstrip("#")) if kind in ("number", "change") else token.word
        return focus.file if kind == "file" else None

    def said(
        self, slot: Slot, tool: Tool, utterance: Utterance, span: tuple[int, int] | None, focus: Focus
    ) -> str:
        """Return the words that a slot is filled with."""
        tokens = utterance.tokens
        quoted = [at for at, token in enumerate(tokens) if token.mark == "quoted"]
        inside = [at for at in quoted if span is not None and span[0] <= at < span[1]]
        if len(inside) == 1:
            return utterance.text(inside[0], inside[0] + 1)
        if span is None and slot.required and len(quoted) == 1 and slot.kind in ("text", "words", "name"):
            return utterance.text(quoted[0], quoted[0] + 1)
        if span is not None and slot.kind == "text":
            span = inside_text(utterance, *span, self.known)
        words = utterance.text(*span) if span is not None else ""
        pointing = [token.word for token in tokens[slice(*span)]] if span is not None else []
        if slot.kind == "text":
            pointed = not words or all(word in POINTING for word in pointing)
            return (focus.text if slot.required or words else "") if pointed else trimmed(words, text=True)
        if pointing and all(word in POINTING for word in pointing):
            return ""
        return sought(trimmed(words), self.known) if slot.kind == "words" else new_name(words)

    async def place(
        self,
        filled: Filled,
        tool: Tool,
        name: str,
        utterance: Utterance,
        span: tuple[int, int] | None,
        focus: Focus,
    ) -> None:
        """Fill a slot that takes a category or a label."""
        slot = tool.slots[name]
        span = named_span(utterance, span)
        labels = slot.kind == "label"
        if self.only_points(utterance, span):
            self.pointed(filled, tool, name, utterance, span, focus)
            return
        assert span is not None
        said = utterance.text(*span)
        found = await self.places.find(trimmed(said) or said, focus, labels=labels)
        filled.decisions += found.decisions
        if found.places or slot.required or not self.plain(utterance, span):
            self.settle(filled, tool, name, said, found.places, beside(utterance, span))

    async def several(
        self,
        filled: Filled,
        tool: Tool,
        name: str,
        utterance: Utterance,
        span: tuple[int, int] | None,
        focus: Focus,
    ) -> None:
        """Fill a slot that takes a list of labels."""
        said = utterance.text(*span) if span is not None else ""
        parts = [trimmed(part) for part in BETWEEN.split(said)]
        labels: list[Any] = []
        for part in filter(None, parts):
            found = await self.places.find(part, focus, labels=True)
            filled.decisions += found.decisions
            if not found.places:
                filled.wanting = Wanting(
                    name, f"There is no label “{part[:60]}” here. {asking(tool.slots[name])}"
                )
                return
            labels.append(found.places[0])
        if len(labels) > 1:
            filled.arguments[name] = labels
            filled.said[name] = ", ".join(self.places.name(label) for label in labels)
        elif tool.slots[name].required:
            filled.wanting = Wanting(name, asking(tool.slots[name]))

    def pointed(
        self,
        filled: Filled,
        tool: Tool,
        name: str,
        utterance: Utterance,
        span: tuple[int, int] | None,
        focus: Focus,
    ) -> None:
        """Fill a slot for a category or label that only *it* or *there* stands for, or nothing."""
        slot = tool.slots[name]
        about_text = any(other.kind == "text" for other in tool.slots.values())
        spoken = None
        if span is not None or slot.required:
            spoken = self.spoken_of(focus, slot.kind == "label", utterance, span)
        if spoken is not None and (slot.required or not about_text):
            self.put(filled, name, slot, spoken)
        elif slot.required:
            filled.wanting = Wanting(name, asking(slot))

    def only_points(self, utterance: Utterance, span: tuple[int, int] | None) -> bool:
        """Say whether a span names nothing: it is empty, or *it* with words around that phrasings use."""
        if span is None:
            return True
        words = {token.word for token in utterance.tokens[slice(*span)]}
        return words <= POINTING | GENERAL or (bool(words & POINTING) and self.plain(utterance, span))

    def plain(self, utterance: Utterance, span: tuple[int, int]) -> bool:
        """Say whether a span holds nothing but words that phrasings use."""
        return all(not token.mark and token.word in self.known for token in utterance.tokens[slice(*span)])

    def settle(
        self, filled: Filled, tool: Tool, name: str, said: str, places: Sequence[Place], beside: bool
    ) -> None:
        """Take the one place that was found, ask about several, say that there is none."""
        slot = tool.slots[name]
        if beside and name != BESIDE_SLOT:
            places = tuple(dict.fromkeys(self.places.above(place) for place in places))
        if len(places) == 1:
            self.put(filled, name, slot, places[0])
        elif places:
            question = f"Which “{said}” do you mean?\n{self.places.listed(places)}\n{NUMBER}"
            filled.wanting = Wanting(name, question, tuple(places))
        else:
            what = "label" if slot.kind == "label" else "category"
            near = self.places.like(said, labels=slot.kind == "label")
            if near:
                missing = f"There is no {what} “{said[:60]}” here. These are near:"
                question = f"{missing}\n{self.places.listed(near)}\n{NUMBER}"
                filled.wanting = Wanting(name, question, near)
            else:
                filled.wanting = Wanting(name, f"There is no {what} “{said[:60]}” here. {asking(slot)}")

    def spoken_of(
        self, focus: Focus, labels: bool, utterance: Utterance, span: tuple[int, int] | None
    ) -> Place | None:
        """Return what *it* and *there* point to; next to it is what it stands in."""
        index = self.places.index
        leaf = next((LabelId(label) for label in focus.labels[:1] if index.has_label(LabelId(label))), None)
        if labels:
            return leaf
        node = next((NodeId(node) for node in focus.nodes[:1] if index.has_node(NodeId(node))), None)
        if span is None or not beside(utterance, span):
            return node
        if leaf is not None and node in index.placements_of(leaf):
            return self.places.of_label(leaf)
        return node

    def spell(self, filled: Filled, tool: Tool) -> None:
        """Write a new name that was typed in small letters as its siblings write theirs."""
        parents = [
            self.places.above(place) if name == BESIDE_SLOT else place
            for name, slot in tool.slots.items()
            if slot.kind == "node" and (place := filled.arguments.get(name)) is not None
        ]
        nodes = [NodeId(place) for place in parents if isinstance(place, int)]
        for name, slot in tool.slots.items():
            value = filled.arguments.get(name)
            if slot.kind == "name" and isinstance(value, str) and value == value.lower() and nodes:
                siblings = [node.name for node in self.places.index.children(nodes[0])]
                siblings += [label.name for label in self.places.index.labels_at(nodes[0])]
                self.put(filled, name, slot, spelt(value, siblings))
