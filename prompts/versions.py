"""Templates of which one is another version than the one that counts, from the texts that were kept of it."""

from collections.abc import Mapping
from pathlib import Path

from jinja2.exceptions import TemplateNotFound
from jinja2.nodes import Template as TemplateNode

from taxonaut.prompts.files import TemplateFiles
from taxonaut.prompts.library import Prompt, PromptLibrary
from taxonaut.state.errors import TemplateError


class KeptFiles(TemplateFiles):
    """Reads templates from texts, and what is not among them from the files `beneath`, if there are any."""

    def __init__(self, files: Mapping[str, str], beneath: TemplateFiles | None = None) -> None:
        super().__init__()
        self.kept = dict(files)
        self.beneath = beneath

    def read(self, file: str) -> str:
        """Return a template's source."""
        if file in self.kept:
            return self.kept[file]
        if self.beneath is None:
            raise TemplateNotFound(file)
        return self.beneath.read(file)


class KeptVersion(PromptLibrary):
    """One version of one template, read from `files` and what lies `beneath`; nothing of it need be on disk."""

    def __init__(self, files: Mapping[str, str], beneath: PromptLibrary | None = None) -> None:
        super().__init__()
        self.sources = KeptFiles(files, None if beneath is None else beneath.sources)

    def invalid(self, name: str, problem: object, file: str = "", line: int = 0) -> TemplateError:
        """The error of a version that cannot be used."""
        said = str(problem).rstrip(".")
        return TemplateError(
            f"the kept version of the template {name!r} is not valid: {said}; name another version",
            file,
            line,
        )


class OtherVersion(PromptLibrary):
    """A library in which one template is another version; all others are those of `base`.

    `files` are the version's own source and all that it extends or includes, as `PromptLibrary.files` gives them.
    """

    def __init__(self, base: PromptLibrary, name: str, files: Mapping[str, str]) -> None:
        super().__init__(base.folder, base.recorder)
        self.base = base
        self.name = name
        self.version = KeptVersion(files)
        self.version.recorder = base.recorder

    def of(self, name: str) -> PromptLibrary:
        """Return the library that a template is read from."""
        return self.version if name == self.name else self.base

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
        return self.base.path(name)
