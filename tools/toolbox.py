"""What an agent in a conversation may call: tools with what they came to, changes shown before they are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

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
    `progress` in `run` is called with (what, done, total).
    """

    spec: ToolSpec
    run: Callable[[Mapping[str, Any], "OnProgress"], Awaitable[Outcome]]
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


OnProgress = Callable[[str, int, int | None], None]


class Toolbox(Protocol):
    """The tools of one workspace."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool by its name."""

    async def run(self, use: ToolUse, progress: OnProgress) -> Outcome:
        """Carry out a call that changes nothing."""

    async def preview(self, use: ToolUse) -> Proposal:
        """Say what a call would change; nothing is written."""

    async def apply(self, proposal: Proposal) -> Outcome:
        """Make a change, once: a call that was carried out before gives its outcome again.

        Raises ToolError if the index is not the one that was looked at.
        """
