"""The files that templates are read from: a workspace's `prompts/` folder and the packaged ones, and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2.exceptions import TemplateNotFound

from taxonaut.state.errors import TemplateError

PACKAGED = Path(__file__).parent
PACKAGED_PREFIX = "packaged/"
SUFFIX = ".j2"

LONGEST_FILE = 1_000_000
"""Bytes that a template's file may have."""


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """Reads templates by the names that templates use, such as `navigator/expand.j2`.

    A name with the prefix `packaged/` is a packaged one; any other the workspace's, if it has that, else packaged.
    """

    folder: Path | None = None

    def path(self, file: str) -> Path:
        """Return the path of a file. Raises TemplateNotFound, and TemplateError for a link out of the folder."""
        steps = file.split("/")
        if ".." in steps or "\\" in file or "\0" in file:
            raise TemplateNotFound(file)
        steps = [step for step in steps if step and step != "."]
        shipped = steps[:1] == [PACKAGED_PREFIX.rstrip("/")]
        if self.folder is not None and not shipped:
            own = self.folder.joinpath(*steps)
            if own.is_file():
                check_inside(own, self.folder, file)
                return own
        packaged = PACKAGED.joinpath(*(steps[1:] if shipped else steps))
        if packaged.suffix == SUFFIX and packaged.is_file():
            return packaged
        raise TemplateNotFound(file)

    def read(self, file: str) -> str:
        """Return a template's source. Raises TemplateNotFound, and TemplateError for one that cannot be read."""
        path = self.path(file)
        try:
            if path.stat().st_size > LONGEST_FILE:
                raise TemplateError(f"{file} is larger than {LONGEST_FILE:,} bytes", file=file)
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TemplateError(f"{file} is not UTF-8 ({error.reason})", file=file) from None
        except OSError as error:
            raise TemplateError(f"{file} cannot be read ({error.strerror})", file=file) from None


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """Reads templates from texts by their names, and those that are not among them from `others`, if given."""

    texts: Mapping[str, str]
    others: "TemplateFiles | KeptFiles | None" = None

    def read(self, file: str) -> str:
        """Return a template's source. Raises TemplateNotFound."""
        if file in self.texts:
            return self.texts[file]
        if self.others is None:
            raise TemplateNotFound(file)
        return self.others.read(file)


def check_inside(path: Path, folder: Path, file: str) -> None:
    """Raise TemplateError for a path that leads out of the folder, links followed."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(
            f"{file} is a link that leads out of {str(folder)!r}; put a copy of what it names there",
            file=file,
        )
