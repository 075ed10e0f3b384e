"""Parts of chat tools: builders, the context they share, and planned changes."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taxonaut.conversation.nlu.examples import phrasings
from taxonaut.state.errors import InputError, NotFoundError
from taxonaut.state.ids import LabelId, NodeId, RunId
from taxonaut.state.index.index import Index
from taxonaut.state.records import ToolSpec
from taxonaut.state.stores.decisions import Totals
from taxonaut.tools.support.chat_tool import Focus, Outcome, Slot, Tool
from taxonaut.tools.support.index_changes import call_schema
from taxonaut.workspace.workspace import Workspace

Arguments = Mapping[str, Any]
Parse = Callable[[str], Mapping[str, Any]]
Run = Callable[[Arguments], Awaitable[Outcome]]

NODE: dict[str, Any] = {"type": ["integer", "string"], "description": "The id of the category."}
"""Schema of a category: a node number, or the id of a label without a node."""


@dataclass(slots=True)
class ToolContext:
    """State shared by the tools of one conversation.

    `focus` holds the antecedents of references. `runs` are the runs its calls took part in. `allowed_files` are the
    files that calls may name, None for any, () for none at all; a language model may name only files that the user
    named.
    """

    workspace: Workspace
    focus: Focus = field(default_factory=Focus)
    runs: list[RunId] = field(default_factory=list)
    allowed_files: Collection[str] | None = None
    person: str = ""
    """Who talks, for corrections; "" for the user of this computer."""

    last_call: tuple[str, Totals] | None = None
    """Tool and cost of the latest call, calls of `cost` excluded."""

    embedded_version: int = -1
    """The index version at which all labels were last embedded."""

    def add_run(self, run: RunId) -> None:
        """Record that a call took part in a run."""
        if run not in self.runs:
            self.runs.append(run)

    @property
    def index(self) -> Index:
        """The workspace's index."""
        return self.workspace.index

    def find_file(self, given: str) -> Path:
        """Return the path of an existing file that calls may name. Raises InputError or NotFoundError."""
        path = self.check_file(given)
        if not path.is_file():
            raise NotFoundError(f"there is no file {given!r}; give the name of one that exists")
        return path

    def check_file(self, given: str) -> Path:
        """Return the path of a file that calls may name, whether it exists or not. Raises InputError."""
        name = given.strip().strip("\"'“”")
        if not name or "\0" in name:
            raise InputError(f"{given!r} is not a file name; give one")
        if self.allowed_files == ():
            raise InputError(
                f"no file can be read or written here, {given!r} neither; use `taxonaut chat` at a terminal, or send "
                "the texts themselves"
            )
        path = Path(name).expanduser()
        if self.allowed_files is not None and path.absolute() not in {
            Path(each).expanduser().absolute() for each in self.allowed_files
        }:
            raise InputError(f"the file {given!r} was not named by the user; use only files that they named")
        return path


@dataclass(frozen=True, slots=True)
class Plan:
    """A change ready to be applied: `make` applies it and returns the focus after it.

    `shown`: what changes, as lines, where it is not the index that changes.
    """

    title: str
    make: Callable[[], Focus]
    warnings: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeTool:
    """A tool that changes the index; `plan` converts its arguments to a plan."""

    tool: Tool
    plan: Callable[[Arguments], Awaitable[Plan]]


def build_tool(
    name: str,
    description: str,
    properties: dict[str, Any],
    required: tuple[str, ...],
    run: Run,
    command: tuple[str, str],
    parse: Parse,
    slots: Mapping[str, Slot],
    *,
    changes: bool = False,
) -> Tool:
    """Build a tool; `command` is its `/` command and usage."""
    spec = ToolSpec(name, description, call_schema(properties, *required))
    examples = phrasings().get(name, ())
    return Tool(spec, run, command[0], command[1], parse, slots, examples, changes=changes)


def build_change(
    name: str,
    description: str,
    properties: dict[str, Any],
    required: tuple[str, ...],
    plan: Callable[[Arguments], Awaitable[Plan]],
    command: tuple[str, str],
    parse: Parse,
    slots: Mapping[str, Slot],
) -> ChangeTool:
    """Build a tool that changes the index."""

    async def run(arguments: Arguments) -> Outcome:
        raise InputError(f"{name} changes the index: preview it, and apply it when the user confirms")

    tool = build_tool(name, description, properties, required, run, command, parse, slots, changes=True)
    return ChangeTool(tool, plan)


def focus_on(*places: NodeId | LabelId) -> Focus:
    """Return the focus on places, the first one first."""
    return Focus(
        nodes=tuple(place for place in places if isinstance(place, int)),
        labels=tuple(place for place in places if isinstance(place, str)),
    )


def split_at(text: str, *words: str) -> tuple[str, str]:
    """Split a command's words at the last of some joining words (`X under Y`); the second part may be empty."""
    best: tuple[int, str] | None = None
    lowered = f" {text.strip()} ".lower()
    for word in words:
        at = lowered.rfind(f" {word} ")
        if at >= 0 and (best is None or at > best[0]):
            best = (at, word)
    if best is None:
        return text.strip(), ""
    at, word = best
    whole = f" {text.strip()} "
    return whole[:at].strip(), whole[at + len(word) + 2 :].strip()
