"""Where templates lie, and which of them may be read: a workspace's `prompts/` folder, and the packaged ones."""

from pathlib import Path

from jinja2.exceptions import TemplateNotFound

from taxonaut.state.errors import TemplateError

PACKAGED = Path(__file__).parent
PACKAGED_PREFIX = "packaged/"
SUFFIX = ".j2"

LONGEST_FILE = 1_000_000
"""Bytes of a template's file."""


class TemplateFiles:
    """Reads templates by the names that templates call them, such as `navigator/expand.j2`.

    A name with the prefix `packaged/` is a packaged one; any other the workspace's, if it has that, else packaged.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def path(self, file: str) -> Path:
        """The file that counts. Raises TemplateNotFound, TemplateError for a link that leads out of the folder."""
        steps = file.split("/")
        if ".." in steps or "\\" in file or "\0" in file:
            raise TemplateNotFound(file)
        steps = [step for step in steps if step and step != "."]
        shipped = steps[:1] == [PACKAGED_PREFIX.rstrip("/")]
        if self.folder is not None and not shipped:
            own = self.folder.joinpath(*steps)
            if own.is_file():
                return inside(own, self.folder, file)
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


def inside(path: Path, folder: Path, file: str) -> Path:
    """Return a path that lies in the folder, links followed. Raises TemplateError."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(
            f"{file} is a link that leads out of {str(folder)!r}; put a copy of what it names there",
            file=file,
        )
    return path
