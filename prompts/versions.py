"""Templates of which one is another version than the one that counts, from the texts that were kept of it."""

from collections.abc import Mapping
from pathlib import Path

from jinja2.exceptions import TemplateNotFound
from jinja2.nodes import Template as TemplateNode

from taxonaut.prompts.files import SUFFIX, TemplateFiles
from taxonaut.prompts.library import Prompt, PromptLibrary
from taxonaut.state.errors import TemplateError


class KeptFiles(TemplateFiles):
    """Texts in memory by their names; what is not among them is read where `beneath` reads it."""

    def __init__(self, files: Mapping[str, str], beneath: TemplateFiles | None) -> None:
        super().__init__()
        self._files = dict(files)
        self._beneath = beneath

    def read(self, file: str) -> str:
        """Return a template's source."""
        if file in self._files:
            return self._files[file]
        if self._beneath is None:
            raise TemplateNotFound(file)
        return self._beneath.read(file)


class KeptVersion(PromptLibrary):
    """One version of one template, read from `files`; nothing of it is on disk.

    What is not among them is looked for in the library `beneath`, if there is one.
    """

    def __init__(self, files: Mapping[str, str], beneath: PromptLibrary | None = None) -> None:
        super().__init__()
        self._files = dict(files)
        self.sources = KeptFiles(files, beneath.sources if beneath is not None else None)

    def text(self, name: str) -> str:
        """The source of its own file."""
        return self._files[name + SUFFIX]

    def invalid(self, name: str, problem: object, file: str = "", line: int = 0) -> TemplateError:
        """The error of a version that cannot be used."""
        return TemplateError(
            f"the kept version of the template {name!r} is not valid: {str(problem).rstrip('.')}; name another one",
            file,
            line,
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
