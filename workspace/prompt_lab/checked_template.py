"""Parse a template for checks: the variables of each block, and its renderings next to the packaged ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, get_type_hints

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from taxonaut.prompts.files import SUFFIX
from taxonaut.prompts.library import BLOCKS, PARSER, Prompt, PromptLibrary
from taxonaut.prompts.variables import ITEM_VARIABLES, VARIABLES
from taxonaut.state.errors import TemplateError

Sample = Mapping[str, Any]
"""The variables of one decision."""

Rendering = Mapping[str, str]
"""The text of each block; blocks that fail to render are missing."""

TEXT = "text"
"""The item's text."""

ITEM_ONLY = frozenset({TEXT, "demonstrations"})
"""The variables of the block `item` in any template, which no other block has; `item_only` adds a template's own."""

SET_BY_JINJA = frozenset(("self", "super", "caller", "varargs", "kwargs", "loop"))

PLACEHOLDER = "×"


@dataclass(frozen=True, slots=True)
class Location:
    """A line of a template file; `line` is 0 if unknown."""

    file: str
    line: int


class ParsedTemplate:
    """A template of a library with the variables that each of its blocks uses."""

    def __init__(self, library: PromptLibrary, name: str) -> None:
        self.library = library
        self.name = name
        self.prompt: Prompt = library.get(name)

    @cached_property
    def variables(self) -> dict[str, dict[str, Location]]:
        """The variables that each block uses, included files too, with the first line of each."""
        found: dict[str, dict[str, Location]] = {block: {} for block in BLOCKS}
        for block in BLOCKS:
            for file, node in self.rendered_definitions(block):
                for body_file, body in self.included_bodies(file, node.body):
                    for name, line in undeclared_variables(body):
                        found[block].setdefault(name, Location(body_file, line))
        return found

    @property
    def all_variables(self) -> set[str]:
        """The names of the variables of all blocks."""
        return {name for used in self.variables.values() for name in used}

    def location(self, block: str) -> Location:
        """Return the location of a block."""
        for file, node in self.rendered_definitions(block):
            return Location(file, node.lineno)
        return Location(self.name + SUFFIX, 0)

    def rendered_definitions(self, block: str) -> Iterator[tuple[str, nodes.Block]]:
        """Yield a block's rendered definitions and files: the overriding one, and those called by `super()`."""
        for file, node in self._definitions.get(block, ()):
            yield file, node
            if not any(name.name == "super" for name in node.find_all(nodes.Name)):
                return

    @cached_property
    def _definitions(self) -> dict[str, list[tuple[str, nodes.Block]]]:
        found: dict[str, list[tuple[str, nodes.Block]]] = {}
        for file in self.library.lineage(self.name):
            for block in self.library.parsed(self.name, file)[1].find_all(nodes.Block):
                found.setdefault(block.name, []).append((file, block))
        return found

    def included_bodies(self, file: str, body: list[nodes.Node]) -> Iterator[tuple[str, list[nodes.Node]]]:
        """Yield a body and those of all included files, each once."""
        yield file, body
        waiting = included_files(body)
        seen: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                tree = self.library.parsed(self.name, name)[1]
                yield name, tree.body
                waiting += included_files(tree.body)


class CheckedTemplate:
    """A template and the packaged one; `samples` are the variables that both are rendered with."""

    def __init__(self, own: ParsedTemplate, packaged: ParsedTemplate, samples: Sequence[Sample]) -> None:
        self.name = own.name
        self.own = own
        self.packaged = packaged
        self.samples = list(samples)

    @cached_property
    def declared(self) -> frozenset[str]:
        """The variables that its agent passes."""
        return frozenset(get_type_hints(VARIABLES[self.name]))

    def available(self, block: str) -> frozenset[str]:
        """Return the variables that a block may use."""
        own = item_only(self.name)
        return self.declared & own if block == "item" else self.declared - own

    @cached_property
    def renderings(self) -> list[Rendering]:
        """The template's blocks for each sample."""
        return [self.render(sample) for sample in self.samples]

    @cached_property
    def packaged_renderings(self) -> list[Rendering]:
        """The packaged template's blocks for each sample."""
        return [render_blocks(self.packaged.prompt, sample) for sample in self.samples]

    def render(self, sample: Sample) -> Rendering:
        """Render the template's blocks, with placeholders for undefined variables."""
        return render_blocks(self.own.prompt, sample, self._placeholders)

    @cached_property
    def _placeholders(self) -> Mapping[str, Mapping[str, str]]:
        return {
            block: dict.fromkeys(used.keys() - self.available(block), PLACEHOLDER)
            for block, used in self.own.variables.items()
        }


def item_only(template: str) -> frozenset[str]:
    """Return the variables that a template has in its block `item` alone."""
    return ITEM_ONLY | ITEM_VARIABLES.get(template, {}).keys()


def block_variables(template: str, sample: Sample, block: str) -> dict[str, Any]:
    """Return the variables that agents pass to a template's block."""
    own = item_only(template)
    return {name: value for name, value in sample.items() if (name in own) == (block == "item")}


def render_blocks(
    prompt: Prompt, sample: Sample, more: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> Rendering:
    """Render all blocks that do not fail; `more` are additional variables of each."""
    found = {}
    for block in BLOCKS:
        try:
            found[block] = prompt.render(
                block, {**block_variables(prompt.name, sample, block), **more.get(block, {})}
            )
        except TemplateError:
            continue
    return found


def undeclared_variables(body: list[nodes.Node]) -> list[tuple[str, int]]:
    """Return the variables that a body uses without setting them, each with its first line."""
    tree = nodes.Template(body, lineno=1)
    tree.set_environment(PARSER)
    names = find_undeclared_variables(tree) - SET_BY_JINJA - set(PARSER.globals)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in names:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return sorted(lines.items(), key=lambda pair: (pair[1], pair[0]))


def included_files(body: list[nodes.Node]) -> list[str]:
    """Return the files that a body includes or imports."""
    kinds = (nodes.Include, nodes.Import, nodes.FromImport)
    named = (getattr(node, "template", None) for node in nodes.Template(body, lineno=1).find_all(kinds))
    return [str(template.value) for template in named if isinstance(template, nodes.Const)]
