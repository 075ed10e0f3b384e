"""Read template files: only from a workspace's `prompts/` folder and from the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2.exceptions import TemplateNotFound

from taxonaut.state.errors import TemplateError

PACKAGED = Path(__file__).parent
PACKAGED_PREFIX = "packaged/"
SUFFIX = ".j2"

LONGEST_FILE = 1_000_000
"""Maximum bytes of a template file."""


@dataclass(frozen=True, slots=True)
class TemplateFiles:
    """Read templates by file name, such as `navigator/expand.j2`.

    The prefix `packaged/` names a packaged template; any other name is looked up in the workspace first.
    """

    folder: Path | None = None

    def path(self, file: str) -> Path:
        """Return the path of a file. Raises TemplateNotFound, or TemplateError for a link out of the folder."""
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
        """Return a template's source. Raises TemplateNotFound, or TemplateError for an unreadable file."""
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
class StoredFiles:
    """Read templates from stored texts by name, and missing ones from `others`, if given."""

    texts: Mapping[str, str]
    others: "TemplateFiles | StoredFiles | None" = None

    def read(self, file: str) -> str:
        """Return a template's source. Raises TemplateNotFound."""
        if file in self.texts:
            return self.texts[file]
        if self.others is None:
            raise TemplateNotFound(file)
        return self.others.read(file)


def check_inside(path: Path, folder: Path, file: str) -> None:
    """Raise TemplateError for a path outside the folder, with links resolved."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(
            f"{file} is a link out of {str(folder)!r}; put a copy of its target there",
            file=file,
        )
