"""Load, render, list and eject templates; a workspace's own copy wins over the packaged one."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined, Template
from jinja2.exceptions import TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.errors import InputError, NotFoundError

PACKAGED = Path(__file__).parent
BLOCKS = ("system", "context", "item")
SUFFIX = ".j2"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template ready to render, block by block, each only as often as it changes."""

    name: str
    hash: str
    template: Template

    def render(self, block: str, variables: Mapping[str, Any]) -> str:
        """Render one block; InputError names the template and what is wrong in it."""
        try:
            context = self.template.new_context(dict(variables))
            return "".join(self.template.blocks[block](context)).strip()
        except KeyError as error:
            raise InputError(
                f"the template {self.name!r} has no block {error}; it needs {', '.join(BLOCKS)}"
            ) from None
        except TemplateError as error:
            raise InputError(f"the template {self.name!r} cannot be rendered: {error}") from None


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
        """Load a template by its name, such as `navigator/expand`."""
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")
        try:
            template = self.environment.get_template(name + SUFFIX)
        except TemplateError as error:
            raise InputError(f"the template {name!r} in {self.where(name)} is not valid: {error}") from None
        return Prompt(name, self.hash(name), template)

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
        digest = hashlib.sha256()
        for source in self.sources(name + SUFFIX):
            digest.update(source.encode())
        return digest.hexdigest()[:12]

    def sources(self, file: str) -> Iterator[str]:
        """The template's source, then those of the templates it refers to."""
        from jinja2.meta import find_referenced_templates

        loader = self.environment.loader
        assert loader is not None
        try:
            source = loader.get_source(self.environment, file)[0]
        except TemplateNotFound as error:
            raise InputError(f"the template {file!r} is not there: {error}") from None
        yield source
        try:
            referred = list(find_referenced_templates(self.environment.parse(source)))
        except TemplateError as error:
            raise InputError(f"the template {file!r} is not valid: {error}") from None
        for other in referred:
            if other is not None:
                yield from self.sources(other)

    def eject(self, name: str) -> Path:
        """Copy the packaged template into the workspace; InputError if a copy is there already."""
        target = self.own_path(name)
        if target is None:
            raise InputError("templates are ejected into a workspace; name one with --workspace DIR")
        if name not in VARIABLES:
            raise NotFoundError(f"there is no template {name!r}; there are: {', '.join(self.names())}")
        if target.exists():
            raise InputError(f"{str(target)!r} is there already; edit it, or delete it to return to the packaged one")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((PACKAGED / (name + SUFFIX)).read_text(encoding="utf-8"), encoding="utf-8")
        return target
