"""Fill a tool's arguments from a message: exact matches for a change, similar ones for a question."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taxonaut.conversation.nlu.message import FILLERS, Kind, Message, Part, split_example
from taxonaut.conversation.nlu.names import Names, strip_nouns
from taxonaut.conversation.nlu.readings import (
    ASKING,
    LEADING,
    NOUNS,
    Reading,
    match_examples,
    neighbours,
    slot_neighbours,
    split_sentences,
)
from taxonaut.state.ids import LabelId, NodeId, Place
from taxonaut.tools.support.chat_tool import Focus, Slot, Tool
from taxonaut.workspace.core.text_format import PATH_SIGN

NUMBER = "Say its number."
"""The end of a question with numbered options."""

POINTING = frozenset(
    ("it", "that", "there", "this", "here", "them", "those", "these", "one", "its", "category", "label")
)
"""Words that refer to the focus."""

_MARKS: Mapping[str, Kind] = {"file": "file", "period": "period", "number": "number", "change": "number"}
_THAT = frozenset(("it", "its", "that", "one"))
_NOT_PLAIN = frozenset(
    ("not", "never", "no", "dont", "without", "why", "how", "what", "if", "should", "everything", "all")
)
_QUOTATION_MARKS = frozenset('"“”„«»`')
_BETWEEN = re.compile(r"\s*(?:[,;|/]|\band\b|\bor\b|\bvs\.?\b|\bversus\b)\s*", re.IGNORECASE)


@dataclass(slots=True)
class Filled:
    """Arguments, their descriptions for the user, and the question back if some are missing."""

    arguments: dict[str, Any] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    question: str = ""


@dataclass(frozen=True, slots=True)
class ArgumentFiller:
    """Fill the slots of tools from a message and the index; for questions also from the focus."""

    names: Names
    known: Collection[str]
    message: Message
    focus: Focus
    close_match: bool = False
    """Whether the message closely matches examples of the best tool."""

    option: Place | None = None
    """The option the user chose for an ambiguous name."""

    def fill_tool(self, tool: Tool) -> Filled:
        """Return the arguments of a tool."""
        return self.fill_change(tool) if tool.changes else self.fill_question(tool)

    def fill_change(self, tool: Tool) -> Filled:
        """Fill a change: the message matches an example word by word, each name is quoted or exactly one category.

        A change without names, such as undo, need only closely match examples, in words of its own examples. A
        message of several lines, or with an unmatched quotation mark, is none: it may hold somebody else's text.
        """
        if not self.is_one_sentence():
            return self.suggest_command(tool, {})
        if self.close_match and is_complete(tool, {}) and self.is_plain(tool):
            return Filled()
        found = match_examples(tool, self.message)
        exact = [filled for reading in found if (filled := self.fill_exactly(tool, reading)) is not None]
        if exact and all(filled.arguments == exact[0].arguments for filled in exact):
            return exact[0]
        if (placed := self.fill_by_neighbours(tool)) is not None:
            return placed
        telling = [each for each in found if all(map(self.may_be_name, each.values()))]
        return self.suggest_command(
            tool, max(telling, key=lambda each: self.count_certain(tool, each), default={})
        )

    def fill_by_neighbours(self, tool: Tool) -> Filled | None:
        """Return the arguments if names are certain, adjacent words identify their slots, and all words are known."""
        words = [part for part in self.message.parts if part.kind == "word"]
        own = example_words(tool)
        if not self.close_match or any(part.word not in own or is_negation(part) for part in words):
            return None
        parts = [
            part for part in self.message.parts if part.kind != "word" or part.word not in FILLERS | NOUNS
        ]
        known = [part.word if part.kind == "word" else "{}" for part in parts]
        around, filled = slot_neighbours(tool), Filled()
        for at in [at for at, part in enumerate(parts) if part.kind != "word"]:
            before, after = neighbours(known, at)
            fits = [name for name in around if before in around[name][0] and after in around[name][1]]
            values = {name: self.exact_value(tool.slots[name], parts[at : at + 1]) for name in fits}
            certain = [name for name, value in values.items() if value is not None]
            if len(certain) != 1 or certain[0] in filled.arguments:
                return None
            self.set_argument(filled, certain[0], tool.slots[certain[0]], values[certain[0]])
        return filled if is_complete(tool, filled.arguments) else None

    def may_be_name(self, parts: Sequence[Part]) -> bool:
        """Return whether parts may be a name: they start with no word of examples and hold no quotation."""
        first = parts[0]
        capital = first.start > 0 and self.message.said[first.start].isupper()
        mixed = len(parts) > 1 and any(part.kind == "quoted" for part in parts)
        return not mixed and (
            self.is_reference(parts) or first.kind != "word" or self.is_unknown(first) or capital
        )

    def is_one_sentence(self) -> bool:
        """Return whether a message is one line whose quotation marks are all in pairs."""
        said = self.message.said
        for part in reversed(self.message.of("quoted", "name", "file")):
            said = said[: part.start] + said[part.end :]
        return "\n" not in self.message.said.strip() and not _QUOTATION_MARKS & set(said)

    def is_plain(self, tool: Tool) -> bool:
        """Return whether a message has only words of a tool's examples, without negation or question."""
        own = example_words(tool)
        return all(
            part.kind == "word" and part.word in own and not is_negation(part) for part in self.message.parts
        )

    def count_certain(self, tool: Tool, reading: Reading) -> int:
        """Count the slots of a reading with a certain value."""
        slots = ((tool.slots.get(name), parts) for name, parts in reading.items())
        return sum(slot is not None and self.exact_value(slot, parts) is not None for slot, parts in slots)

    def fill_exactly(self, tool: Tool, reading: Reading) -> Filled | None:
        """Return the arguments if all are certain, else None."""
        filled = Filled()
        for name, parts in reading.items():
            value = self.exact_value(tool.slots[name], parts) if name in tool.slots else None
            if value is None:
                return None
            self.set_argument(filled, name, tool.slots[name], value)
        return filled if is_complete(tool, filled.arguments) else None

    def exact_value(self, slot: Slot, parts: Sequence[Part]) -> Any:
        """Return the certain value of parts for a slot, else None."""
        words = self.message.text(parts)
        quoted = len(parts) == 1 and parts[0].kind == "quoted"
        if slot.kind in ("number", "change"):
            return int(words.lstrip("#"))
        if slot.kind not in ("node", "label"):
            return words if quoted else None
        for said in (words,) if quoted else (words, strip_nouns(words)):
            found = self.names.exact(said, labels=slot.kind == "label")
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def suggest_command(self, tool: Tool, reading: Reading) -> Filled:
        """Suggest the command of an uncertain change, with the known arguments and what is unclear."""
        said, reasons = dict[str, str](), list[str]()
        for name, slot in tool.slots.items():
            if not (parts := reading.get(name, ())) or self.is_reference(parts):
                continue
            words, value = self.message.text(parts), self.exact_value(slot, parts)
            words = words if parts[0].kind == "quoted" else strip_nouns(words)
            if value is not None:
                said[name] = self.names.path(value) if slot.kind in ("node", "label") else str(value)
            elif slot.kind == "name":
                said[name] = words
                reasons.append("The new name is not in quotes.")
            else:
                reasons.append(
                    self.explain_doubt(slot, words, self.names.exact(words, labels=slot.kind == "label"))
                )
        why = " ".join(reasons) or "It is not certain what is meant."
        return Filled(
            question=f"Nothing is changed. {why} Write it as a command:\n  {format_command(tool, said)}"
        )

    def explain_doubt(self, slot: Slot, words: str, places: Sequence[Place]) -> str:
        """Explain why words are not exactly one category."""
        near = self.names.near(words, labels=slot.kind == "label")[:3]
        shown = "; ".join(map(self.names.path, places or near))
        if places:
            return f"“{words[:60]}” is in several places: {shown}."
        return f"There is no {kind_of(slot)} “{words[:60]}”.{f' Similar: {shown}.' if near else ''}"

    def fill_question(self, tool: Tool) -> Filled:
        """Fill a read-only tool, by the first reading whose categories exist."""
        found = [each for part in split_sentences(self.message) for each in match_examples(tool, part)]
        telling = [each for each in found if all(map(self.may_be_name, each.values()))]
        first: Filled | None = None
        for reading in [*telling[:8], {}]:
            filled = Filled()
            for name, slot in tool.slots.items():
                self.fill_slot(filled, tool, name, slot, reading)
            if not filled.question:
                return filled
            first = first or filled
        assert first is not None
        return first

    def fill_slot(self, filled: Filled, tool: Tool, name: str, slot: Slot, reading: Reading) -> None:
        """Fill one slot, or set the question about it."""
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
            value = self.find_text(slot, parts)
        elif tool.spec.parameters["properties"][name].get("type") == "array":
            value = self.find_labels(filled, slot, parts)
        else:
            value = self.find_place(filled, tool, slot, parts, reading)
        if value not in (None, ""):
            self.set_argument(filled, name, slot, value)
        elif slot.required and not filled.question:
            filled.question = f"{slot.said}\n  {format_command(tool, filled.descriptions)}"

    def find_text(self, slot: Slot, parts: Sequence[Part]) -> str:
        """Return an item's text or search words: quoted, by the example's slot, or the words unknown to examples."""
        pool = parts or self.message.parts
        quoted = [part for part in pool if part.kind == "quoted"]
        if len(quoted) == 1 and (slot.required or parts or not self.names.has(self.message.text(quoted))):
            return self.message.text(quoted)
        if not parts and not slot.required:
            return ""
        if parts and self.is_reference(parts):
            return self.focus.text
        marked_at = [
            at for at, part in enumerate(pool) if part.kind in ("quoted", "name") or self.is_unknown(part)
        ]
        if marked_at and (not parts or slot.kind == "words"):
            parts = pool[marked_at[0] : len(pool) if parts else marked_at[-1] + 1]
        return self.message.text(parts).strip(" ,;:?!") or (self.focus.text if slot.kind == "text" else "")

    def find_place(
        self, filled: Filled, tool: Tool, slot: Slot, parts: Sequence[Part], reading: Reading
    ) -> Place | None:
        """Resolve a category or label; set a question if it is ambiguous or unknown. A quoted name must be exact."""
        labels = slot.kind == "label"
        if not parts or self.is_reference(parts):
            parts = self.unused_parts(filled, tool, slot, reading) or parts
        if self.is_reference(parts):
            return self.focused_place(labels=labels) if parts or slot.required else None
        words = self.message.text(parts)
        quoted = len(parts) == 1 and parts[0].kind == "quoted"
        look_up = self.names.exact if quoted else self.names.like
        found = look_up(words, labels=labels)
        named = [part for part in parts if part.kind == "name"]
        if not found and len(named) == 1:
            found = self.names.like(self.message.text(named), labels=labels)
        if len(found) != 1 and self.option is not None:
            found = (self.option,)
        if len(found) == 1:
            return found[0]
        options = found or self.names.near(words, labels=labels)
        lines = [f"  {at}  {self.names.path(place)}" for at, place in enumerate(options[:9], start=1)]
        if found:
            head = f"Which “{strip_nouns(words)[:60]}” do you mean?"
        else:
            head = f"There is no {kind_of(slot)} “{strip_nouns(words)[:60]}”."
            head += " Similar:" if options else f"\n  {format_command(tool, filled.descriptions)}"
        filled.question = "\n".join([head, *lines, *([NUMBER] if lines else [])])
        return None

    def unused_parts(self, filled: Filled, tool: Tool, slot: Slot, reading: Reading) -> Sequence[Part]:
        """Return parts outside the slots that may name a category: a name, or unknown words."""
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
        return list(filter(self.is_unknown, words)) or [part for part in words if part.word in _THAT]

    def find_labels(self, filled: Filled, slot: Slot, parts: Sequence[Part]) -> list[Place] | None:
        """Resolve a list of labels; set a question about an unknown one."""
        found: list[Place] = []
        named = [self.message.text([part]) for part in self.message.of("name")]
        said = _BETWEEN.split(self.message.text(parts)) if parts else named
        for words in filter(None, map(strip_nouns, said)):
            places = self.names.like(words, labels=True)
            if len(places) != 1:
                filled.question = self.explain_doubt(slot, words, places)
                return None
            found.append(places[0])
        return found if len(found) > 1 else None

    def is_unknown(self, part: Part) -> bool:
        """Return whether a word is unknown to the examples."""
        known = part.word in self.known or part.word in ASKING
        return part.kind == "word" and not known and not {"'", ">"} & set(part.word)

    def is_reference(self, parts: Sequence[Part]) -> bool:
        """Return whether parts only refer to the focus."""
        return all(part.kind == "word" and part.word in POINTING for part in parts)

    def focused_place(self, *, labels: bool) -> Place | None:
        """Return the category or label in focus."""
        index = self.names.index
        if labels:
            return next((id_ for id_ in map(LabelId, self.focus.labels[:1]) if index.has_label(id_)), None)
        return next((id_ for id_ in map(NodeId, self.focus.nodes[:1]) if index.has_node(id_)), None)

    def set_argument(self, filled: Filled, name: str, slot: Slot, value: Any) -> None:
        """Set an argument and its description."""
        filled.arguments[name] = value
        if slot.kind in ("node", "label"):
            filled.descriptions[name] = ", ".join(
                map(self.format_place, value if isinstance(value, list) else [value])
            )
        else:
            short = str(value) if len(str(value)) <= 60 else f"{str(value)[:59]}…"
            filled.descriptions[name] = f"“{short}”" if slot.kind in ("text", "name", "words") else short

    def format_place(self, place: Place) -> str:
        """Format a category or label for the user."""
        kind = "node" if isinstance(place, int) else "label"
        return f"{self.names.path(place).rpartition(PATH_SIGN)[2]} ({kind} {place})"


def example_words(tool: Tool) -> frozenset[str]:
    """Return the words of a tool's examples, and those that are ignored around them."""
    words = {word for example in tool.examples for word in split_example(example)}
    return frozenset(words) | FILLERS | NOUNS | LEADING


def is_negation(part: Part) -> bool:
    """Return whether a word marks a question, a negation or *everything*, so that the message is no plain order."""
    return part.word in _NOT_PLAIN or part.word.endswith("n't")


def is_complete(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Return whether a change has all required arguments and at least one place."""
    places = [name for name, slot in tool.slots.items() if slot.kind == "node"]
    required = [name for name, slot in tool.slots.items() if slot.required]
    return all(name in arguments for name in required) and (
        not places or any(map(arguments.__contains__, places))
    )


def kind_of(slot: Slot) -> str:
    """Name a slot's kind for the user."""
    return "label" if slot.kind == "label" else "category"


def format_command(tool: Tool, said: Mapping[str, str]) -> str:
    """Return a tool's / command with the known arguments, and placeholders in capitals for the rest."""
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
