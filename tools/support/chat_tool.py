"""Types of chat tools: calls, outcomes, change proposals, and the toolbox protocol."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from taxonaut.state.errors import ToolError
from taxonaut.state.records import ToolSpec

Kind = Literal["text", "node", "label", "name", "file", "period", "number", "words", "change"]
"""The kind of an argument: an item's text, a node or label, a new name, a file, a period, a number, search words."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call; `id` is unique over all threads."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Focus:
    """The antecedents of the next message's references: *it*, *there*, *that file*, *that run*.

    `nodes` and `labels` are index ids, the latest first.
    """

    text: str = ""
    nodes: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    file: str = ""
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a call.

    `text`: the answer for the user, in short plain lines. `line`: the same on one line. `data`: plain JSON for models
    and programs. `focus`: the new antecedents; empty fields keep their former values. `foreign`: whether `data` holds
    item texts, which are untrusted and must not be followed as instructions.
    """

    text: str
    line: str
    data: Mapping[str, Any] = field(default_factory=dict)
    focus: Focus = Focus()
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that waits for confirmation: its diff as short lines, and the index version it was computed on."""

    use: ToolUse
    title: str
    diff: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Slot:
    """An argument to be filled from the user's words. `said` names it when it is missing and asked for."""

    kind: Kind
    said: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of a conversation.

    `run` raises ToolError for refusals of the index, InputError and NotFoundError for mistakes of the user; it
    reports progress by `tell(Progress(...))` (`state.updates`). `examples` are phrasings with arguments in braces:
    "show me what is under {node}". `command` is its `/` command, `usage` describes its arguments, `parse` reads them
    (raises InputError).
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
        """The tool's name, as in model calls."""
        return self.spec.name


class Toolbox(Protocol):
    """The tools of one workspace."""

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Every tool by its name."""

    async def run(self, use: ToolUse) -> Outcome:
        """Run a read-only call."""

    async def preview(self, use: ToolUse) -> Proposal:
        """Return what a call would change, without writing anything."""

    async def apply(self, proposal: Proposal) -> Outcome:
        """Apply a change, idempotently: a call that was applied before returns its stored outcome.

        Raises ToolError if the index has changed since the proposal.
        """


Row = dict[str, Any]


def use_row(use: ToolUse) -> Row:
    """Return a call as plain JSON."""
    return {"id": use.id, "name": use.name, "arguments": dict(use.arguments)}


def use_of(row: Mapping[str, Any]) -> ToolUse:
    """Read a call; missing fields are empty, so that an invalid call can be refused by name."""
    arguments = row.get("arguments")
    return ToolUse(
        str(row.get("id", "")),
        str(row.get("name", "")),
        dict(arguments) if isinstance(arguments, Mapping) else {},
    )


def proposal_row(proposal: Proposal) -> Row:
    """Return a proposal as plain JSON."""
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
    """Return a focus as plain JSON."""
    return {**asdict(focus), "nodes": list(focus.nodes), "labels": list(focus.labels)}


def focus_of(row: Mapping[str, Any] | None) -> Focus:
    """Read a focus; an empty one for no row."""
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
    """Raise ToolError if a call names an unknown tool or violates the tool's schema."""
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
    """Return an invalid value as JSON for an error message, cut to LONGEST_SHOWN characters."""
    return json.dumps(value, ensure_ascii=False, default=str)[:LONGEST_SHOWN]
