"""Find the documents that files, folders and patterns name: each file is one item."""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.files.documents.document_texts import DOCUMENTS, document_format, document_text
from taxonaut.workspace.files.sources import Format

MOST_NAMED = 5
"""Suffixes of other files that are named."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that some arguments name: their ids and paths, and a line for each kind of file left out."""

    found: tuple[tuple[str, Path], ...]
    left_out: tuple[str, ...] = ()


def find_documents(folder: Path) -> Documents:
    """Find the documents of a folder and the folders below; ids are their paths in it.

    Hidden files and links to folders are left out, as are files of other formats. Raises InputError if none is
    left.
    """
    found: list[tuple[str, Path]] = []
    hidden = links = 0
    others: Counter[str] = Counter()
    problems: list[str] = []

    def note_problem(error: OSError) -> None:
        problems.append(f"{str(error.filename)!r} ({error.strerror})")

    for place, folders, names in os.walk(folder, onerror=note_problem):
        here = Path(place)
        hidden += sum(name.startswith(".") for name in [*folders, *names])
        links += sum((here / name).is_symlink() for name in folders if not name.startswith("."))
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not (here / name).is_symlink()
        )
        for name in sorted(names):
            path = here / name
            if name.startswith("."):
                continue
            if not path.is_file():
                links += 1
            elif document_format(path) is None:
                others[path.suffix.lower() or "no suffix"] += 1
            else:
                found.append((path.relative_to(folder).as_posix(), path))
    left_out = []
    if others:
        kinds = ", ".join(kind for kind, _ in others.most_common(MOST_NAMED))
        left_out.append(f"{others.total():,} of other formats ({kinds})")
    left_out += [f"{count:,} {what}" for count, what in ((hidden, "hidden"), (links, "links")) if count]
    if problems:
        left_out.append(f"{len(problems):,} folders that cannot be read: {problems[0]}")
    if not found:
        seen = f"; it has {', '.join(left_out)}" if left_out else ""
        raise InputError(
            f"the folder {str(folder)!r} has no documents ({', '.join(DOCUMENTS)}){seen}. "
            "Give a table by its own name."
        )
    return Documents(tuple(sorted(found)), tuple(left_out))


def gather_documents(given: Sequence[str], format: Format | None = None) -> Documents:
    """Find the documents that files, folders and patterns such as `docs/**/*.md` name.

    The id of one file is its name, of one in a folder its path there, of others the path as it is given. `format`
    is that of all files, whatever their suffixes. Raises InputError for what is not there, for tables and for
    files of another format.
    """
    if len(given) == 1 and Path(given[0]).is_dir():
        return find_documents(Path(given[0]))
    found: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for each in given:
        path = Path(each)
        if path.is_dir():
            inside = find_documents(path)
            found.update({(path / id_).as_posix(): document for id_, document in inside.found})
            left_out.update(inside.left_out)
        elif path.exists():
            found[path.as_posix()] = path
        elif glob.has_magic(each):
            matched = sorted(Path(name) for name in glob.iglob(each, recursive=True) if Path(name).is_file())
            kept = [name for name in matched if format is not None or document_format(name) is not None]
            if not kept:
                raise InputError(f"no document matches {each!r}; documents end in {', '.join(DOCUMENTS)}")
            if len(kept) < len(matched):
                left_out[f"{len(matched) - len(kept):,} of other formats"] += 1
            found.update({name.as_posix(): name for name in kept})
        else:
            raise InputError(f"{each!r} does not exist; give files, folders or patterns, or texts only")
    for name, path in found.items():
        if format is None and document_format(path) is None:
            raise InputError(
                f"{name!r} is no document; of several arguments each must be one ({', '.join(DOCUMENTS)}). Give a "
                "table alone, or say --format document"
            )
    if len(found) == 1:
        path = next(iter(found.values()))
        return Documents(((path.name, path),), tuple(left_out))
    return Documents(tuple(found.items()), tuple(left_out))


@dataclass(frozen=True, slots=True)
class DocumentFiles:
    """Documents that are read one by one.

    What cannot be read is left out, with a line in `problems` that names the file and the way out.
    """

    files: Documents
    format: Format | None = None
    encoding: str = "utf-8"
    problems: dict[str, str] = field(default_factory=dict)

    def items(self) -> Iterator[Item]:
        """Yield one document after the other."""
        for id_, path in self.files.found:
            try:
                text = document_text(path, self.format, self.encoding)
            except InputError as error:
                self.problems[id_] = str(error)
            else:
                yield Item(ItemId(id_), text)
