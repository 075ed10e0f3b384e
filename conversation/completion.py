"""What Tab offers after a part of a `/` command: commands, categories by name or path, files, times."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taxonaut.conversation.nlu.mentions import path_of
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
"""Words of a command between its arguments."""

_SECOND_ONLY = frozenset({"add", "why"})
"""Commands whose first argument is free text."""

_FIRST_ONLY = frozenset({"rename"})
"""Commands whose second argument is free text."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a line could go on with: `text` takes the place of what stands from `start` on."""

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
        """Return what a line, up to the cursor, could go on with, the likeliest first; [] for other lines."""
        if not line.startswith("/"):
            return []
        word, blank, rest = line.partition(" ")
        if not blank:
            return [Candidate(f"/{each}", 0) for each in self.commands if each.startswith(word[1:].lower())]
        tool = self.commands.get(word[1:].lower())
        if tool is None:
            return []
        piece, kind = argument(tool, rest)
        start = len(line) - len(piece)
        return [Candidate(text, start) for text in self.offered(tool, piece, kind)][:MOST]

    def offered(self, tool: Tool, piece: str, kind: Kind | None) -> list[str]:
        """Return what an argument could be."""
        if kind in ("node", "label"):
            return list(self.places(piece))
        if kind == "file":
            return list(files(piece))
        if kind == "period":
            times = COSTS if tool.command == "cost" else TIMES
            return [time for time in times if time.startswith(piece.lower())]
        return []

    def places(self, piece: str) -> Iterator[str]:
        """Give paths: what is below a path that was typed, or whatever has a name that begins or goes on so."""
        above, sign, last = piece.rpartition(">")
        try:
            if sign:
                yield from self.below(above.strip(), last.strip())
            else:
                yield from self.named(piece.strip())
        except TaxonautError:
            return

    def below(self, above: str, last: str) -> Iterator[str]:
        """Give the branches and labels below a path whose names begin so."""
        node = find_node(self.index, above)
        names = [child.name for child in self.index.children(node)]
        own = self.index.node(node).label_id
        names += [label.name for label in self.index.labels_at(node) if label.id != own]
        wanted = last.casefold()
        for name in dict.fromkeys(names):
            if name.casefold().startswith(wanted):
                yield f"{above}{PATH_SIGN}{printable(name)}"

    def named(self, piece: str) -> Iterator[str]:
        """Give paths: to names that begin so, then to those with words that do; for '' the top's branches."""
        if not piece:
            for child in self.index.children(self.index.root()):
                yield printable(child.name)
            return
        wanted = piece.casefold()
        words = wanted.split()
        ranked: list[tuple[int, int, Place]] = []
        for name, place in self.known():
            if name.startswith(wanted):
                ranked.append((0, len(name), place))
            elif all(f" {word}" in name for word in words):
                ranked.append((1, len(name), place))
        ranked.sort(key=lambda each: each[:2])
        for _, _, place in ranked[:MOST]:
            yield PATH_SIGN.join(map(printable, path_of(self.index, place)))

    def known(self) -> list[tuple[str, Place]]:
        """Return all names as they are compared, each with what has it; read again after a change."""
        if self.version != self.index.version():
            self.names = list(names_of(self.index))
            self.version = self.index.version()
        return self.names


def names_of(index: Index) -> Iterator[tuple[str, Place]]:
    """Give the names of all nodes, and of the labels that are no nodes."""
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


def argument(tool: Tool, rest: str) -> tuple[str, Kind | None]:
    """Return the argument that is being typed, and of which kind it is; None where nothing can be offered."""
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


def files(piece: str) -> Iterator[str]:
    """Give the folders, and the files that can be read, whose names begin so; the folder is the current one."""
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
