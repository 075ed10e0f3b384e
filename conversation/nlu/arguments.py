"""What the arguments of a tool are in a message: exactly for a change, by what is near for a question."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.conversation.nlu.message import FILLERS, Kind, Message, Part
from taxonaut.conversation.nlu.names import Names, bare
from taxonaut.conversation.nlu.readings import (
    ASKING,
    NOUNS,
    Reading,
    neighbours,
    readings,
    sentences,
    slot_neighbours,
)
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.tools.support.chat_tool import Focus, Slot, Tool
from taxonaut.workspace.core.text_format import PATH_SIGN

NUMBER = "Say its number."
"""The end of a question that numbers what is on offer."""

POINTING = frozenset(
    ("it", "that", "there", "this", "here", "them", "those", "these", "one", "its", "category", "label")
)
"""Words that stand for what was spoken of."""

_MARKS: Mapping[str, Kind] = {"file": "file", "period": "period", "number": "number", "change": "number"}
_THAT = frozenset(("it", "its", "that", "one"))
_NOT_PLAIN = frozenset(
    ("not", "never", "no", "dont", "without", "why", "how", "what", "if", "should", "everything", "all")
)
_BETWEEN = re.compile(r"\s*(?:[,;|/]|\band\b|\bor\b|\bvs\.?\b|\bversus\b)\s*", re.IGNORECASE)


@dataclass(slots=True)
class Filled:
    """Arguments, how each is said to the user, and what is asked back if they are not enough for a call."""

    arguments: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    wanting: str = ""


@dataclass(frozen=True, slots=True)
class Filling:
    """Fills the slots of tools from a message and the index; for questions also from what was spoken of before."""

    names: Names
    known: Collection[str]
    message: Message
    focus: Focus
    surely: bool = False
    """Whether the message is much like examples of the tool that scores best."""

    pick: Place | None = None
    """The place that was chosen of several that were asked about."""

    def filled(self, tool: Tool) -> Filled:
        """Return the arguments of a call."""
        return self.change(tool) if tool.changes else self.question(tool)

    def change(self, tool: Tool) -> Filled:
        """Read a change: the message is an example word by word, each name is quoted or exactly one category.

        A change without a name in it, as an undo is, need only be much like examples.
        """
        if self.surely and complete(tool, {}) and self.plain():
            return Filled()
        found = readings(tool, self.message)
        exact = [filled for reading in found if (filled := self.exactly(tool, reading)) is not None]
        if exact and all(filled.arguments == exact[0].arguments for filled in exact):
            return exact[0]
        if (placed := self.placed(tool)) is not None:
            return placed
        telling = [each for each in found if all(map(self.tells, each.values()))]
        return self.suggested(tool, max(telling, key=lambda each: self.settled(tool, each), default={}))

    def placed(self, tool: Tool) -> Filled | None:
        """Return the arguments if each name is certain, the words next to it say its slot, and no word is strange."""
        words = [part for part in self.message.parts if part.kind == "word"]
        if not self.surely or any(self.strange(part) or denies(part) for part in words):
            return None
        parts = [
            part for part in self.message.parts if part.kind != "word" or part.word not in FILLERS | NOUNS
        ]
        known = [part.word if part.kind == "word" else "{}" for part in parts]
        around, filled = slot_neighbours(tool), Filled()
        for at in [at for at, part in enumerate(parts) if part.kind != "word"]:
            before, after = neighbours(known, at)
            fits = [name for name in around if before in around[name][0] and after in around[name][1]]
            values = {name: self.exact(tool.slots[name], parts[at : at + 1]) for name in fits}
            certain = [name for name, value in values.items() if value is not None]
            if len(certain) != 1 or certain[0] in filled.arguments:
                return None
            self.put(filled, certain[0], tool.slots[certain[0]], values[certain[0]])
        return filled if complete(tool, filled.arguments) else None

    def tells(self, parts: Sequence[Part]) -> bool:
        """Say whether parts may be a name: no word of examples begins them, no quotation is a part of them."""
        first = parts[0]
        capital = first.start > 0 and self.message.said[first.start].isupper()
        mixed = len(parts) > 1 and any(part.kind == "quoted" for part in parts)
        return not mixed and (self.points(parts) or first.kind != "word" or self.strange(first) or capital)

    def plain(self) -> bool:
        """Say whether a message names nothing, and neither denies nor asks anything."""
        return all(part.kind == "word" and not denies(part) for part in self.message.parts)

    def settled(self, tool: Tool, reading: Reading) -> int:
        """Count the slots of a reading that are not in doubt."""
        slots = ((tool.slots.get(name), parts) for name, parts in reading.items())
        return sum(slot is not None and self.exact(slot, parts) is not None for slot, parts in slots)

    def exactly(self, tool: Tool, reading: Reading) -> Filled | None:
        """Return the arguments if nothing is in doubt, else None."""
        filled = Filled()
        for name, parts in reading.items():
            value = self.exact(tool.slots[name], parts) if name in tool.slots else None
            if value is None:
                return None
            self.put(filled, name, tool.slots[name], value)
        return filled if complete(tool, filled.arguments) else None

    def exact(self, slot: Slot, parts: Sequence[Part]) -> Any:
        """Return what parts of a message stand for beyond doubt, else None."""
        words = self.message.text(parts)
        quoted = len(parts) == 1 and parts[0].kind == "quoted"
        if slot.kind in ("number", "change"):
            return int(words.lstrip("#"))
        if slot.kind not in ("node", "label"):
            return words if quoted else None
        for said in (words,) if quoted else (words, bare(words)):
            found = self.names.exact(said, labels=slot.kind == "label")
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def suggested(self, tool: Tool, reading: Reading) -> Filled:
        """Show the command of a change that is in doubt, with what is known of it, and say what is not."""
        said, reasons = dict[str, str](), list[str]()
        for name, slot in tool.slots.items():
            if not (parts := reading.get(name, ())) or self.points(parts):
                continue
            words, value = self.message.text(parts), self.exact(slot, parts)
            words = words if parts[0].kind == "quoted" else bare(words)
            if value is not None:
                said[name] = self.names.path(value) if slot.kind in ("node", "label") else str(value)
            elif slot.kind == "name":
                said[name] = words
                reasons.append("The new name is not in quotes.")
            else:
                reasons.append(self.doubt(slot, words, self.names.exact(words, labels=slot.kind == "label")))
        why = " ".join(reasons) or "It is not certain what is meant."
        return Filled(wanting=f"Nothing is changed. {why} Write it as a command:\n  {command(tool, said)}")

    def doubt(self, slot: Slot, words: str, places: Sequence[Place]) -> str:
        """Say why words are not one category."""
        near = self.names.near(words, labels=slot.kind == "label")[:3]
        shown = "; ".join(map(self.names.path, places or near))
        if places:
            return f"“{words[:60]}” stands in several places: {shown}."
        return f"There is no {kind_of(slot)} “{words[:60]}”.{f' Near are: {shown}.' if near else ''}"

    def question(self, tool: Tool) -> Filled:
        """Fill the slots of a tool that changes nothing, by the first reading whose categories are there."""
        found = [each for part in sentences(self.message) for each in readings(tool, part)]
        telling = [each for each in found if all(map(self.tells, each.values()))]
        first: Filled | None = None
        for reading in [*telling[:8], {}]:
            filled = Filled()
            for name, slot in tool.slots.items():
                self.fill(filled, tool, name, slot, reading)
            if not filled.wanting:
                return filled
            first = first or filled
        assert first is not None
        return first

    def fill(self, filled: Filled, tool: Tool, name: str, slot: Slot, reading: Reading) -> None:
        """Fill one slot, or say what is wanting."""
        parts = reading.get(name, ())
        value: Any = None
        if slot.kind in _MARKS:
            inside = {part for other, its in reading.items() if other != name for part in its}
            marked = [part for part in self.message.of(_MARKS[slot.kind]) if part not in inside]
            value = self.message.text(marked[:1])
            if slot.kind == "file":
                value = value or self.focus.file
            elif slot.kind != "period" and value:
                value = int(value.lstrip("#"))
        elif slot.kind in ("text", "words", "name"):
            value = self.text(slot, parts)
        elif tool.spec.parameters["properties"][name].get("type") == "array":
            value = self.several(filled, slot, parts)
        else:
            value = self.place(filled, tool, slot, parts, reading)
        if value not in (None, ""):
            self.put(filled, name, slot, value)
        elif slot.required and not filled.wanting:
            filled.wanting = f"{slot.said}\n  {command(tool, filled.said)}"

    def text(self, slot: Slot, parts: Sequence[Part]) -> str:
        """Return an item's text, or words to search: quoted, where an example has it, or what no example says."""
        pool = parts or self.message.parts
        quoted = [part for part in pool if part.kind == "quoted"]
        if len(quoted) == 1 and (slot.required or parts or not self.names.has(self.message.text(quoted))):
            return self.message.text(quoted)
        if not parts and not slot.required:
            return ""
        if parts and self.points(parts):
            return self.focus.text
        told = [at for at, part in enumerate(pool) if part.kind in ("quoted", "name") or self.strange(part)]
        if told and (not parts or slot.kind == "words"):
            parts = pool[told[0] : len(pool) if parts else told[-1] + 1]
        return self.message.text(parts).strip(" ,;:?!") or (self.focus.text if slot.kind == "text" else "")

    def place(
        self, filled: Filled, tool: Tool, slot: Slot, parts: Sequence[Part], reading: Reading
    ) -> Place | None:
        """Return the category or label that is meant; several, or none, are asked about."""
        labels = slot.kind == "label"
        if not parts or self.points(parts):
            parts = self.left(filled, tool, slot, reading) or parts
        if self.points(parts):
            return self.spoken_of(labels=labels) if parts or slot.required else None
        words = self.message.text(parts)
        found = self.names.like(words, labels=labels)
        named = [part for part in parts if part.kind == "name"]
        if not found and len(named) == 1:
            found = self.names.like(self.message.text(named), labels=labels)
        if len(found) != 1 and self.pick is not None:
            found = (self.pick,)
        if len(found) == 1:
            return found[0]
        options = found or self.names.near(words, labels=labels)
        lines = [f"  {at}  {self.names.path(place)}" for at, place in enumerate(options[:9], start=1)]
        if found:
            head = f"Which “{bare(words)[:60]}” do you mean?"
        else:
            head = f"There is no {kind_of(slot)} “{bare(words)[:60]}”."
            head += " Near are:" if options else f"\n  {command(tool, filled.said)}"
        filled.wanting = "\n".join([head, *lines, *([NUMBER] if lines else [])])
        return None

    def left(self, filled: Filled, tool: Tool, slot: Slot, reading: Reading) -> Sequence[Part]:
        """Return what may name a category and stands in no slot: a name, or words that no example has."""
        taken = {part for its in reading.values() for part in its if part.kind != "word"}
        used = [value for value in filled.arguments.values() if isinstance(value, int | str)]
        texts = [name for name, other in tool.slots.items() if other.kind == "text"]
        for part in self.message.of("name", "quoted"):
            found = self.names.like(self.message.text([part]))
            if part not in taken and not set(found) & set(used) and (found or not texts):
                return [part]
        if texts or slot.kind == "label":
            return []
        words = self.message.of("word")
        return list(filter(self.strange, words)) or [part for part in words if part.word in _THAT]

    def several(self, filled: Filled, slot: Slot, parts: Sequence[Part]) -> list[Place] | None:
        """Return the labels of a list; those that are not there are asked about."""
        found: list[Place] = []
        named = [self.message.text([part]) for part in self.message.of("name")]
        said = _BETWEEN.split(self.message.text(parts)) if parts else named
        for words in filter(None, map(bare, said)):
            places = self.names.like(words, labels=True)
            if len(places) != 1:
                filled.wanting = self.doubt(slot, words, places)
                return None
            found.append(places[0])
        return found if len(found) > 1 else None

    def strange(self, part: Part) -> bool:
        """Say whether no example has a word."""
        known = part.word in self.known or part.word in ASKING
        return part.kind == "word" and not known and not {"'", ">"} & set(part.word)

    def points(self, parts: Sequence[Part]) -> bool:
        """Say whether parts name nothing but what was spoken of before."""
        return all(part.kind == "word" and part.word in POINTING for part in parts)

    def spoken_of(self, *, labels: bool) -> Place | None:
        """Return the category, or the label, that was spoken of last."""
        index = self.names.index
        if labels:
            return next((id_ for id_ in map(LabelId, self.focus.labels[:1]) if index.has_label(id_)), None)
        return next((id_ for id_ in map(NodeId, self.focus.nodes[:1]) if index.has_node(id_)), None)

    def put(self, filled: Filled, name: str, slot: Slot, value: Any) -> None:
        """Take a value."""
        filled.arguments[name] = value
        if slot.kind in ("node", "label"):
            filled.said[name] = ", ".join(map(self.shown, value if isinstance(value, list) else [value]))
        else:
            short = str(value) if len(str(value)) <= 60 else f"{str(value)[:59]}…"
            filled.said[name] = f"“{short}”" if slot.kind in ("text", "name", "words") else short

    def shown(self, place: Place) -> str:
        """Return a category or label as the user is told of it."""
        kind = "node" if isinstance(place, int) else "label"
        return f"{self.names.path(place).rpartition(PATH_SIGN)[2]} ({kind} {place})"


def denies(part: Part) -> bool:
    """Say whether with a word a message asks, denies or means everything, rather than telling to change one thing."""
    return part.word in _NOT_PLAIN or part.word.endswith("n't")


def complete(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Say whether a change has all it needs: what is required, and one place where it is made."""
    places = [name for name, slot in tool.slots.items() if slot.kind == "node"]
    required = [name for name, slot in tool.slots.items() if slot.required]
    return all(name in arguments for name in required) and (
        not places or any(map(arguments.__contains__, places))
    )


def kind_of(slot: Slot) -> str:
    """Return what a slot takes, as the user is told."""
    return "label" if slot.kind == "label" else "category"


def command(tool: Tool, said: Mapping[str, str]) -> str:
    """Return the / command of a tool with what is known of it, and placeholders in capitals for the rest."""
    usage = tool.usage
    if not tool.changes:
        return f"/{tool.command} {usage}"
    if " | " in usage:
        usage = usage.split(" | ")["beside" in said]
    needed = [said.get(name) for name, slot in tool.slots.items() if slot.required or name in said]
    if not needed:
        usage = re.sub(r"\s*\[.*\]", "", usage)
    values = iter(needed)
    filled = re.sub("[A-Z]{2,}", lambda found: next(values, None) or found[0], usage)
    return f"/{tool.command} {filled}".rstrip()
