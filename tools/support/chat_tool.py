"""What an agent in a conversation may call: tools with what they came to, changes shown before they are made."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec

Kind = Literal["text", "node", "label", "name", "file", "period", "number", "words", "change"]
"""What an argument is: an item's text, a category or label, a new name, a file, a time, words to find."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool; `id` is its own in all threads."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Focus:
    """What the words of the next message may point to: *it*, *there*, *that file*, *that run*.

    `nodes` and `labels` come with the latest first; ids are those of the index.
    """

    text: str = ""
    nodes: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    file: str = ""
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    `text`: the answer for a person, short plain lines. `line`: the same folded to one line. `data`: plain JSON for a
    model and for programs. `focus`: what the call put in the middle of the conversation; what it leaves empty
    stays as it was. `foreign`: whether `data` holds texts of items, which are nobody's instructions.
    """

    text: str
    line: str
    data: Mapping[str, Any] = field(default_factory=dict)
    focus: Focus = Focus()
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for yes: its diff as short lines, and the version of the index that was looked at."""

    use: ToolUse
    title: str
    diff: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument as somebody's words may give it. `said` is how the argument is asked for when it is missing."""

    kind: Kind
    said: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of a conversation.

    `run` raises ToolError for what the index refuses, InputError and NotFoundError for what a person got wrong.
    `examples` are ways to ask for it, arguments in braces by their names: "show me what is under {node}".
    `command` is its `/` word, `usage` what follows it, `parse` turns that into arguments (raises InputError).
    How far it is `run` says by `tell(Progress(...))` (`state.updates`).
    """

    spec: ToolSpec
    run: Callable[[Mapping[str, Any]], Awaitable[Outcome]]
    command: str
    usage: str
    parse: Callable[[str], Mapping[str, Any]]
    slots: Mapping[str, Slot] = field(default_factory=dict)
    examples: Sequence[str] = ()
    changes: bool = False

    @property
    def name(self) -> str:
        """The name a model calls it by."""
        return self.spec.name


class Toolbox(Protocol):
    """The tools of one workspace."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool by its name."""

    async def run(self, use: ToolUse) -> Outcome:
        """Carry out a call that changes nothing."""

    async def preview(self, use: ToolUse) -> Proposal:
        """Say what a call would change; nothing is written."""

    async def apply(self, proposal: Proposal) -> Outcome:
        """Make a change, once: a call that was carried out before gives its outcome again.

        Raises ToolError if the index is not the one that was looked at.
        """


Row = dict[str, Any]


def use_row(use: ToolUse) -> Row:
    """Return a call as JSON has it."""
    return {"id": use.id, "name": use.name, "arguments": dict(use.arguments)}


def use_of(row: Mapping[str, Any]) -> ToolUse:
    """Read a call; what is missing is empty, so that a wrong one can be refused by name."""
    arguments = row.get("arguments")
    return ToolUse(
        str(row.get("id", "")),
        str(row.get("name", "")),
        dict(arguments) if isinstance(arguments, Mapping) else {},
    )


def proposal_row(proposal: Proposal) -> Row:
    """Return a proposal as JSON has it."""
    return {
        "use": use_row(proposal.use),
        "title": proposal.title,
        "diff": list(proposal.diff),
        "version": proposal.version,
    }


def proposal_of(row: Mapping[str, Any]) -> Proposal:
    """Read a proposal."""
    return Proposal(use_of(row["use"]), row["title"], tuple(row["diff"]), row["version"])


def focus_row(focus: Focus) -> Row:
    """Return a focus as JSON has it."""
    return {**asdict(focus), "nodes": list(focus.nodes), "labels": list(focus.labels)}


def focus_of(row: Mapping[str, Any] | None) -> Focus:
    """Read a focus; there is none yet where there is no row."""
    known = dict(row or {})
    return Focus(
        text=known.get("text", ""),
        nodes=tuple(known.get("nodes", ())),
        labels=tuple(known.get("labels", ())),
        file=known.get("file", ""),
        run=known.get("run"),
    )


def merge_focus(focus: Focus, to: Focus) -> Focus:
    """Return the focus after a call: what the call leaves empty stays as it was."""
    return Focus(
        text=to.text or focus.text,
        nodes=to.nodes or focus.nodes,
        labels=to.labels or focus.labels,
        file=to.file or focus.file,
        run=focus.run if to.run is None else to.run,
    )


LONGEST_SHOWN = 200
"""Characters of a faulty argument, and of what it may be, that the message repeats."""


def check_call(tools: Mapping[str, Tool], use: ToolUse) -> None:
    """Raise ToolError, with what is allowed, if a call names no tool or departs from the tool's schema."""
    tool = tools.get(use.name)
    if tool is None:
        raise ToolError(f"there is no tool {use.name[:LONGEST_SHOWN]!r}; there are: {', '.join(tools)}")
    from jsonschema import Draft202012Validator

    found = Draft202012Validator(dict(tool.spec.parameters)).iter_errors(dict(use.arguments))
    first = min(found, key=lambda error: len(error.absolute_path), default=None)
    if first is not None:
        place = ".".join(map(str, first.absolute_path)) or "its arguments"
        wanted = json.dumps(first.validator_value, ensure_ascii=False)[:LONGEST_SHOWN]
        raise ToolError(
            f"{use.name} cannot take {clipped_json(first.instance)} as {place}: "
            f"its schema has {first.validator} {wanted}"
        )


def clipped_json(value: object) -> str:
    """Return a faulty value as a message repeats it."""
    return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST_SHOWN]
