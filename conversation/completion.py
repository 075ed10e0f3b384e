"""Tab completion of `/` commands: commands, categories by name or path, files, periods."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxonaut.conversation.nlu.mentions import path_names
from taxonaut.state.errors import TaxonautError
from taxonaut.state.ids import Place
from taxonaut.state.index.index import Index
from taxonaut.tools.support.chat_tool import Kind, Tool
from taxonaut.workspace.build.tree_preview import find_node
from taxonaut.workspace.core.text_format import PATH_SIGN, printable
from taxonaut.workspace.files.sources import SUFFIXES

MOST = 20
TIMES = ("today", "yesterday", "last week", "last month", "all")
COSTS = ("last", "thread", *TIMES)

_JOINING: Mapping[str, Sequence[str]] = {
    "add": ("under", "below", "in", "beside", "next to"),
    "move": ("to", "under", "into", "below"),
    "merge": ("into", "with", "and"),
    "place": ("under", "in", "to"),
    "why": ("not under", "not in", "under", "not", "in"),
    "rename": ("to",),
}
"""Words that separate the arguments of a command."""

_SECOND_ONLY = frozenset({"add", "why"})
"""Commands whose first argument is free text."""

_FIRST_ONLY = frozenset({"rename"})
"""Commands whose second argument is free text."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion: `text` replaces the line from `start` on."""

    text: str
    start: int


class Completer:
    """Completes command lines over one index."""

    def __init__(self, index: Index, tools: Mapping[str, Tool]) -> None:
        self.index = index
        self.commands = {tool.command: tool for tool in tools.values()}
        self.version = -1
        self.names: list[tuple[str, Place]] = []

    def complete(self, line: str) -> list[Candidate]:
        """Return completions of a line up to the cursor, likeliest first; [] if it is not a command."""
        if not line.startswith("/"):
            return []
        word, blank, rest = line.partition(" ")
        if not blank:
            return [Candidate(f"/{each}", 0) for each in self.commands if each.startswith(word[1:].lower())]
        tool = self.commands.get(word[1:].lower())
        if tool is None:
            return []
        piece, kind = current_argument(tool, rest)
        start = len(line) - len(piece)
        return [Candidate(text, start) for text in self.complete_argument(tool, piece, kind)][:MOST]

    def complete_argument(self, tool: Tool, piece: str, kind: Kind | None) -> list[str]:
        """Return the completions of an argument."""
        if kind in ("node", "label"):
            return list(self.places(piece))
        if kind == "file":
            return list(complete_file(piece))
        if kind == "period":
            times = COSTS if tool.command == "cost" else TIMES
            return [time for time in times if time.startswith(piece.lower())]
        return []

    def places(self, piece: str) -> Iterator[str]:
        """Yield paths: children of the typed path, or places with a matching name."""
        above, sign, last = piece.rpartition(">")
        try:
            if sign:
                yield from self.children_like(above.strip(), last.strip())
            else:
                yield from self.places_named(piece.strip())
        except TaxonautError:
            return

    def children_like(self, above: str, last: str) -> Iterator[str]:
        """Yield the branches and labels below a path whose names start with `last`."""
        node = find_node(self.index, above)
        names = [child.name for child in self.index.children(node)]
        own = self.index.node(node).label_id
        names += [label.name for label in self.index.labels_at(node) if label.id != own]
        wanted = last.casefold()
        for name in dict.fromkeys(names):
            if name.casefold().startswith(wanted):
                yield f"{above}{PATH_SIGN}{printable(name)}"

    def places_named(self, piece: str) -> Iterator[str]:
        """Yield paths of names that start with `piece`, then of names with such words; top-level branches for ''."""
        if not piece:
            for child in self.index.children(self.index.root()):
                yield printable(child.name)
            return
        wanted = piece.casefold()
        words = wanted.split()
        ranked: list[tuple[int, int, Place]] = []
        for name, place in self.known_names():
            if name.startswith(wanted):
                ranked.append((0, len(name), place))
            elif all(f" {word}" in name for word in words):
                ranked.append((1, len(name), place))
        ranked.sort(key=lambda each: each[:2])
        for _, _, place in ranked[:MOST]:
            yield PATH_SIGN.join(map(printable, path_names(self.index, place)))

    def known_names(self) -> list[tuple[str, Place]]:
        """Return all names, casefolded, with their places; reloaded after a change of the index."""
        if self.version != self.index.version():
            self.names = list(iter_names(self.index))
            self.version = self.index.version()
        return self.names


def iter_names(index: Index) -> Iterator[tuple[str, Place]]:
    """Yield the names of all nodes and of the labels without a node."""
    seen, level = set[int](), [index.root()]
    own: set[str] = set()
    while level:
        below = {node.id: node for nodes in index.children_of(level).values() for node in nodes}
        level = [id_ for id_ in below if id_ not in seen]
        seen.update(level)
        for id_ in level:
            own.add(str(below[id_].label_id))
            yield below[id_].name.casefold(), id_
    for label in index.all_labels():
        if label.id not in own:
            yield label.name.casefold(), label.id


def current_argument(tool: Tool, rest: str) -> tuple[str, Kind | None]:
    """Return the argument being typed and its kind; the kind is None if there are no completions."""
    command = tool.command
    kinds = [slot.kind for slot in tool.slots.values()]
    if command == "rank":
        *before, labels = rest.split("|")
        return (labels.lstrip(), "label") if before else (rest, None)
    if command == "open":
        return (rest, "node") if "|" not in rest else (rest, None)
    joining = _JOINING.get(command)
    if joining is None:
        place = next((kind for kind in kinds if kind in ("node", "file", "period")), None)
        return rest.lstrip(), place
    cut = list(re.finditer(rf"(?:^|\s)(?:{'|'.join(joining)})\s", rest, re.IGNORECASE))
    if cut:
        return (rest[cut[-1].end() :].lstrip(), None if command in _FIRST_ONLY else "node")
    return rest.lstrip(), None if command in _SECOND_ONLY else ("label" if command == "place" else "node")


def complete_file(piece: str) -> Iterator[str]:
    """Yield folders and readable files whose names start with `piece`, relative to the current folder."""
    typed = piece.strip("\"'")
    folder, last = os.path.split(os.path.expanduser(typed))
    shown = typed[: len(typed) - len(last)]
    try:
        with os.scandir(folder or ".") as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError:
        return
    for name, is_folder in found:
        if not name.startswith(last) or (name.startswith(".") and not last.startswith(".")):
            continue
        if is_folder:
            yield f"{shown}{name}/"
        elif any(suffix in SUFFIXES for suffix in Path(name.lower()).suffixes[-2:]):
            yield f"{shown}{name}"
