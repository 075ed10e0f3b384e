"""Templates of which one is another version than the one that counts, from the texts that were kept of it."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from jinja2 import DictLoader, StrictUndefined
from jinja2.nodes import Template as TemplateNode
from jinja2.sandbox import ImmutableSandboxedEnvironment

from taxonaut.prompts.library import SUFFIX, Prompt, PromptLibrary
from taxonaut.state.errors import InputError


class KeptVersion(PromptLibrary):
    """One version of one template, read from `files` alone; nothing of it is on disk."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__()
        self._files = dict(files)

    @cached_property
    def environment(self) -> ImmutableSandboxedEnvironment:
        """The same sandbox as for templates on disk, over the kept texts."""
        return ImmutableSandboxedEnvironment(
            loader=DictLoader(self._files), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def text(self, name: str) -> str:
        """The source of its own file."""
        return self._files[name + SUFFIX]

    def invalid(self, name: str, problem: object) -> InputError:
        """The error of a version that cannot be used."""
        return InputError(
            f"the kept version of the template {name!r} is not valid: {str(problem).rstrip('.')}; name another one"
        )


class OtherVersion(PromptLibrary):
    """A library in which one template is another version; all others are those of `base`.

    `files` are the version's own source and all that it extends or includes, as `PromptLibrary.files` gives them.
    """

    def __init__(self, base: PromptLibrary, name: str, files: Mapping[str, str]) -> None:
        super().__init__(base.folder)
        self._base = base
        self._name = name
        self._version = KeptVersion(files)

    def of(self, name: str) -> PromptLibrary:
        """Return the library that a template is read from."""
        return self._version if name == self._name else self._base

    def get(self, name: str) -> Prompt:
        """Load a template by its name."""
        return self.of(name).get(name)

    def files(self, name: str) -> dict[str, str]:
        """The sources behind a template."""
        return self.of(name).files(name)

    def lineage(self, name: str) -> list[str]:
        """The template's file, then the one it extends, and so on."""
        return self.of(name).lineage(name)

    def parsed(self, name: str, file: str) -> tuple[str, TemplateNode]:
        """Return a file's source and syntax tree."""
        return self.of(name).parsed(name, file)

    def text(self, name: str) -> str:
        """The source of a template's own file."""
        return self.of(name).text(name)

    def path(self, name: str) -> Path:
        """The file that a template is read from, or would be."""
        return self._base.path(name)
