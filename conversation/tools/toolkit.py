"""What the tools of a conversation are made of: schemas, the desk they share, and changes as plans."""

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
"""A category in a call: the number of a node, or the id of a label that has no node of its own."""


@dataclass(slots=True)
class Desk:
    """What the tools of one conversation have before them.

    `focus` is what the conversation was about last. `runs` are those that its calls took part in. `allowed`:
    the files that calls may name, None for any; a language model may name those that the person named.
    """

    workspace: Workspace
    focus: Focus = field(default_factory=Focus)
    runs: list[RunId] = field(default_factory=list)
    allowed: Collection[str] | None = None
    last: tuple[str, Totals] | None = None
    """The latest call but those of `cost`: its tool, and what it cost."""

    embedded: int = -1
    """The version of the index whose labels are known to have vectors."""

    def spent(self, run: RunId) -> None:
        """Note that a call took part in a run."""
        if run not in self.runs:
            self.runs.append(run)

    @property
    def index(self) -> Index:
        """The workspace's index."""
        return self.workspace.index

    def file(self, given: str) -> Path:
        """Return a file that may be named and is there; raises InputError or NotFoundError."""
        path = self.named_file(given)
        if not path.is_file():
            raise NotFoundError(f"there is no file {given!r}; give the name of one that exists")
        return path

    def named_file(self, given: str) -> Path:
        """Return a file that may be named, whether it exists or not."""
        name = given.strip().strip("\"'“”")
        if not name or "\0" in name:
            raise InputError(f"{given!r} is no name of a file; give one")
        path = Path(name).expanduser()
        if self.allowed is not None and path.absolute() not in {
            Path(each).expanduser().absolute() for each in self.allowed
        }:
            raise InputError(
                f"the file {given!r} was not named by the person; use only files that they named"
            )
        return path


@dataclass(frozen=True, slots=True)
class Plan:
    """A change that is ready to be made: what it is called, and what makes it and says what it was about."""

    title: str
    make: Callable[[], Focus]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A tool that changes the index, with what turns a call into a plan."""

    tool: Tool
    plan: Callable[[Arguments], Awaitable[Plan]]


def made(
    name: str,
    about: str,
    properties: dict[str, Any],
    required: tuple[str, ...],
    run: Run,
    command: tuple[str, str],
    parse: Parse,
    slots: Mapping[str, Slot],
    *,
    changes: bool = False,
) -> Tool:
    """Put a tool together; `command` is its `/` word and what follows it."""
    spec = ToolSpec(name, about, call_schema(properties, *required))
    examples = phrasings().get(name, ())
    return Tool(spec, run, command[0], command[1], parse, slots, examples, changes=changes)


def change(
    name: str,
    about: str,
    properties: dict[str, Any],
    required: tuple[str, ...],
    plan: Callable[[Arguments], Awaitable[Plan]],
    command: tuple[str, str],
    parse: Parse,
    slots: Mapping[str, Slot],
) -> Change:
    """Put a tool that changes the index together."""

    async def run(arguments: Arguments) -> Outcome:
        raise InputError(f"{name} changes the index: it is shown first, and made when the person says yes")

    tool = made(name, about, properties, required, run, command, parse, slots, changes=True)
    return Change(tool, plan)


def about(*places: NodeId | LabelId) -> Focus:
    """Return a focus on places, the first in front."""
    return Focus(
        nodes=tuple(place for place in places if isinstance(place, int)),
        labels=tuple(place for place in places if isinstance(place, str)),
    )


def parted(text: str, *words: str) -> tuple[str, str]:
    """Cut a command's words at the last of some joining words: `X under Y`; the second part may be missing."""
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
