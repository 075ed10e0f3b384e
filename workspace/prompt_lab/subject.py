"""A template under examination: its copy and the packaged one, rendered with the same variables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, get_type_hints

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import BLOCKS, Prompt, PromptLibrary
from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import TemplateError

Level = Literal["error", "warning", "note"]
Sample = Mapping[str, Any]
Rendering = Mapping[str, str]

ITEM_ONLY = "text"
"""The variable of the block `item`, which has no other."""

BY_JINJA = frozenset(("self", "super", "caller", "varargs", "kwargs", "loop"))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has to say. `file` is as templates call it, `line` 0 where none is known."""

    level: Level
    rule: str
    message: str
    block: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a template."""

    file: str
    line: int


class Version:
    """One version of a template, with what can be said of it without rendering."""

    def __init__(self, library: PromptLibrary, name: str) -> None:
        self.library = library
        self.name = name
        self.prompt: Prompt = library.get(name)

    @cached_property
    def blocks(self) -> dict[str, list[tuple[str, nodes.Block]]]:
        """Each block's definitions with their files, the one that counts first, then what its `super()` is."""
        found: dict[str, list[tuple[str, nodes.Block]]] = {}
        for file in self.library.lineage(self.name):
            for block in self.library.parsed(self.name, file)[1].find_all(nodes.Block):
                found.setdefault(block.name, []).append((file, block))
        return found

    @cached_property
    def uses(self) -> dict[str, dict[str, Place]]:
        """The variables that each block uses, each with where it stands first."""
        return {block: self.used(block) for block in BLOCKS}

    def used(self, block: str) -> dict[str, Place]:
        """Return the variables of one block, those of what it includes among them."""
        found: dict[str, Place] = {}
        for file, node in self.counting(block):
            for tree_file, body in self.bodies(file, node.body):
                for name, line in undeclared(self.library, body):
                    found.setdefault(name, Place(tree_file, line))
        return found

    def counting(self, block: str) -> Iterator[tuple[str, nodes.Block]]:
        """Give the definitions of a block that are carried out."""
        for file, node in self.blocks.get(block, ()):
            yield file, node
            if not any(name.name == "super" for name in node.find_all(nodes.Name)):
                return

    def bodies(self, file: str, body: list[nodes.Node]) -> Iterator[tuple[str, list[nodes.Node]]]:
        """Give a body and those of the files it includes."""
        yield file, body
        waiting = list(included(body))
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            tree = self.library.parsed(self.name, name)[1]
            yield name, tree.body
            waiting += included(tree.body)

    def place(self, block: str, phrase: str = "") -> Place:
        """Return where a block says something, or where it begins."""
        wanted = " ".join(phrase.split()).casefold()
        first = Place(self.name + SUFFIX, 0)
        for number, (file, node) in enumerate(self.counting(block)):
            if number == 0:
                first = Place(file, node.lineno)
            lines = self.library.parsed(self.name, file)[0].splitlines()
            for line, text in enumerate(lines[node.lineno - 1 :], start=node.lineno):
                if wanted and wanted in " ".join(text.split()).casefold():
                    return Place(file, line)
                if "endblock" in text:
                    break
        return first


class Subject:
    """A template's copy and the packaged one; `samples` are variables that it is rendered with."""

    def __init__(self, own: Version, packaged: Version, samples: Sequence[Sample]) -> None:
        self.name = own.name
        self.own = own
        self.packaged = packaged
        self.samples = list(samples)

    @cached_property
    def declared(self) -> frozenset[str]:
        """The variables that its agent gives."""
        return frozenset(get_type_hints(VARIABLES[self.name]))

    def finding(self, level: Level, rule: str, message: str, block: str, phrase: str = "") -> Finding:
        """Return a finding about a block, placed where it says `phrase`."""
        place = self.own.place(block, phrase)
        return Finding(level, rule, message, block, place.file, place.line)

    @cached_property
    def rendered(self) -> list[Rendering]:
        """The copy's blocks for each sample; a block that cannot be rendered is left out."""
        return [rendering(self.own.prompt, sample, self.unknown) for sample in self.samples]

    @cached_property
    def unknown(self) -> Mapping[str, Mapping[str, str]]:
        """A sign for each variable that a block uses and is not given, so that the rest of it can be examined."""
        found = {}
        for block, names in self.own.uses.items():
            there = {ITEM_ONLY} if block == "item" else self.declared - {ITEM_ONLY}
            found[block] = dict.fromkeys(set(names) - there, MASK)
        return found

    @cached_property
    def originals(self) -> list[Rendering]:
        """The packaged template's blocks for each sample."""
        return [rendering(self.packaged.prompt, sample) for sample in self.samples]

    @cached_property
    def instructions(self) -> list[Rendering]:
        """The copy's blocks for each sample with a sign in place of all texts that are data."""
        return [rendering(self.own.prompt, masked(sample), self.unknown) for sample in self.samples]


def given(sample: Sample, block: str) -> dict[str, Any]:
    """Return what a block is rendered with, as agents do it."""
    return {name: value for name, value in sample.items() if (name == ITEM_ONLY) == (block == "item")}


def rendering(
    prompt: Prompt, sample: Sample, more: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Rendering:
    """Render the blocks that can be rendered; `more` are further variables of each."""
    found = {}
    for block in BLOCKS:
        try:
            found[block] = prompt.render(block, {**given(sample, block), **more.get(block, {})})
        except TemplateError:
            continue
    return found


MASK = "×"


def masked(value: Any) -> Any:
    """Return a sample with a sign in place of each text, numbers and empty texts as they are."""
    if isinstance(value, str):
        return MASK if value else ""
    if isinstance(value, Mapping):
        return {key: masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each) for each in value]
    return value


def undeclared(library: PromptLibrary, body: list[nodes.Node]) -> list[tuple[str, int]]:
    """Return the variables that a body uses without setting them, each with its first line."""
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(library.environment)
    names = find_undeclared_variables(tree) - BY_JINJA - set(library.environment.globals)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in names:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return sorted(lines.items(), key=lambda pair: (pair[1], pair[0]))


def included(body: list[nodes.Node]) -> list[str]:
    """Return the files that a body includes or imports."""
    kinds = (nodes.Include, nodes.Import, nodes.FromImport)
    named = (getattr(node, "template", None) for node in nodes.Template(body, lineno=1).find_all(kinds))
    return [str(template.value) for template in named if isinstance(template, nodes.Const)]
