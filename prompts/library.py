"""Load, render, list and eject templates; a workspace's own copy wins over the packaged one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, Template
from jinja2.exceptions import TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.meta import find_referenced_templates
from jinja2.nodes import Const, Extends
from jinja2.nodes import Template as TemplateNode
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import InputError, NotFoundError

PACKAGED = Path(__file__).parent
BLOCKS = ("system", "context", "item")
SUFFIX = ".j2"

RAISED_BY_TEMPLATES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError)
"""What a template's own expressions may raise when they are carried out."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template ready to render, block by block, each only as often as it changes.

    `lineage` is the template, then the one it extends, and so on.
    """

    name: str
    hash: str
    lineage: tuple[Template, ...]

    def render(self, block: str, variables: Mapping[str, Any]) -> str:
        """Render one block; InputError names the template and what is wrong in it."""
        context = self.lineage[0].new_context(dict(variables))
        for above in self.lineage[1:]:
            for name, function in above.blocks.items():
                context.blocks.setdefault(name, []).append(function)
        if block not in context.blocks:
            raise InputError(
                f"the template {self.name!r} has no block {block!r}; it needs {', '.join(BLOCKS)}"
            )
        try:
            return "".join(context.blocks[block][0](context)).strip()
        except RAISED_BY_TEMPLATES as error:
            raise InputError(
                f"the block {block!r} of the template {self.name!r} cannot be rendered: {str(error).rstrip('.')}; "
                "edit the template, or delete it to return to the packaged one"
            ) from None


class PromptLibrary:
    """Packaged templates, and over them those of a workspace's `prompts/` folder.

    A workspace's template may replace the packaged one or extend it and override single blocks:
    `{% extends "packaged/navigator/expand.j2" %}`. Templates run in Jinja's sandbox with StrictUndefined.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @cached_property
    def environment(self) -> ImmutableSandboxedEnvironment:
        """The sandbox that all templates share."""
        packaged = FileSystemLoader(PACKAGED)
        loaders: list[BaseLoader] = [PrefixLoader({"packaged": packaged}), packaged]
        if self.folder is not None:
            loaders.insert(0, FileSystemLoader(self.folder))
        return ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def get(self, name: str) -> Prompt:
        """Load a template by its name, such as `navigator/expand`; InputError if it cannot be used."""
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")
        files = self.lineage(name)
        try:
            templates = tuple(self.environment.get_template(file) for file in files)
        except TemplateError as error:
            raise self.invalid(name, error) from None
        blocks = {block for template in templates for block in template.blocks}
        missing = [block for block in BLOCKS if block not in blocks]
        if missing:
            raise self.invalid(name, f"it has no block {', '.join(map(repr, missing))}")
        return Prompt(name, self.hash(name), templates)

    def invalid(self, name: str, problem: object) -> InputError:
        """The error of a template that cannot be used."""
        return InputError(
            f"the {self.where(name)} template {name!r} ({self.path(name)}) is not valid: {str(problem).rstrip('.')}; "
            "edit it, or delete it to return to the packaged one"
        )

    def lineage(self, name: str) -> list[str]:
        """The template's file, then the one it extends, and so on, as the loader calls them."""
        files = [name + SUFFIX]
        while True:
            extended = [node.template for node in self.parsed(name, files[-1])[1].find_all(Extends)]
            if not extended:
                return files
            if len(extended) > 1 or not isinstance(extended[0], Const):
                raise self.invalid(name, "it extends one template, named in quotes")
            if extended[0].value in files:
                raise self.invalid(
                    name,
                    f'it extends itself; extend the packaged one: {{% extends "packaged/{name}{SUFFIX}" %}}',
                )
            files.append(str(extended[0].value))

    def parsed(self, name: str, file: str) -> tuple[str, TemplateNode]:
        """Return a file's source and syntax tree; `name` is the template that led to it."""
        loader = self.environment.loader
        assert loader is not None
        try:
            source = loader.get_source(self.environment, file)[0]
            return source, self.environment.parse(source)
        except TemplateNotFound as error:
            raise self.invalid(name, f"there is no template {error} to extend or include") from None
        except UnicodeDecodeError as error:
            raise self.invalid(name, f"{file} is not UTF-8 ({error.reason})") from None
        except OSError as error:
            raise self.invalid(name, f"{file} cannot be read ({error.strerror})") from None
        except TemplateSyntaxError as error:
            raise self.invalid(name, f"{file}, line {error.lineno}: {error.message}") from None

    def names(self) -> list[str]:
        """All templates, sorted."""
        return sorted(VARIABLES)

    def path(self, name: str) -> Path:
        """The file that counts: the workspace's copy if there is one."""
        own = self.own_path(name)
        return own if own is not None and own.is_file() else PACKAGED / (name + SUFFIX)

    def own_path(self, name: str) -> Path | None:
        """Where the workspace's copy is or would be."""
        return self.folder / (name + SUFFIX) if self.folder is not None else None

    def where(self, name: str) -> str:
        """Say whose copy counts: `workspace` or `packaged`."""
        return "packaged" if self.path(name).is_relative_to(PACKAGED) else "workspace"

    def text(self, name: str) -> str:
        """The source of the copy that counts."""
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")
        return self.path(name).read_text(encoding="utf-8")

    def hash(self, name: str) -> str:
        """A short hash of a template and of everything it extends or includes."""
        return hashlib.sha256("".join(self.files(name).values()).encode()).hexdigest()[:12]

    def files(self, name: str) -> dict[str, str]:
        """The sources behind a template, its own first, then all that it extends or includes, by their names."""
        found: dict[str, str] = {}
        waiting = [name + SUFFIX]
        while waiting:
            file = waiting.pop(0)
            if file in found:
                continue
            found[file], tree = self.parsed(name, file)
            waiting.extend(other for other in find_referenced_templates(tree) if other is not None)
        return found

    def eject(self, name: str) -> Path:
        """Copy the packaged template into the workspace; InputError if a copy is there already."""
        target = self.own_path(name)
        if target is None:
            raise InputError("templates are ejected into a workspace; name one with --workspace DIR")
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")
        if target.exists():
            raise InputError(
                f"{str(target)!r} is there already; edit it, or delete it to return to the packaged one"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((PACKAGED / (name + SUFFIX)).read_text(encoding="utf-8"), encoding="utf-8")
        return target
