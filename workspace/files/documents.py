"""Read documents, each file one text: plain text, Markdown, HTML, PDF and Word files."""

import codecs
import glob
import logging
import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.workspace.files.sources import DOCUMENT_SUFFIXES, WHOLE, Format, Source, max_unpacked, too_large
from taxonaut.workspace.files.tables import Row, Table, clean_text

DOCUMENTS: Mapping[str, Format] = {".txt": WHOLE, ".text": WHOLE, **DOCUMENT_SUFFIXES}
"""The format of each kind of document in a folder or a list of files."""

ID = "id"
MOST_NAMED = 5

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*\n\s*| ?\n ?")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([-\w]{2,40})", re.IGNORECASE)
_HEAD = 2_048
_WORD_FILE = "word/document.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT_W = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"


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


def document_format(path: Path) -> Format | None:
    """Return the format of a document by its suffix, ignoring a final `.gz`; None if it is none."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return DOCUMENTS.get(suffixes[-1]) if suffixes else None


def document_table(source: Source, read: Callable[[Source], str], plain: str) -> Table:
    """Return a document as a table of one row; its id is the file's name."""

    def rows() -> Iterator[Row]:
        yield Row(1, source.name, {ID: source.name, plain: read(source)})

    return Table(source, (ID, plain), rows)


def read_document(source: Source, plain: str) -> Table:
    """Read a file as one text: as its format says, which is plain text, Markdown, HTML, PDF or Word."""
    return document_table(source, TEXTS[source.format], plain)


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


def document_text(path: Path, format: Format | None = None, encoding: str = "utf-8") -> str:
    """Return a document's text. Raises InputError, naming the file and the way out, if there is none."""
    format = format or document_format(path) or WHOLE
    read = TEXTS[format]
    try:
        text = read(Source(str(path), path, format, encoding, path.suffix.lower() == ".gz"))
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}. Check its permissions.") from None
    text = clean_text(text)
    if not text.strip():
        raise InputError(f"{str(path)!r} has no text")
    return text


def plain_text(source: Source) -> str:
    """Return the whole text of a file."""
    limit = max_unpacked()
    if source.data is None and source.path.stat().st_size > limit:
        raise too_large(source.name)
    with source.open_text() as text:
        return text.read()


def markdown_text(source: Source) -> str:
    """Return the text of a Markdown file without comments and the targets of links."""
    return _LINK.sub(r"\1", _COMMENT.sub(" ", plain_text(source)))


def html_file_text(source: Source) -> str:
    """Return what a reader sees of a web page, in the encoding that the page names, else in that of the source."""
    with source.open_bytes() as raw:
        named = _CHARSET.search(raw.read(_HEAD))
    encoding = source.encoding
    if named and not named[1].lower().startswith(b"utf-16") and codecs.lookup(encoding).name == "utf-8":
        try:
            encoding = codecs.lookup(named[1].decode("ascii")).name
        except LookupError:
            raise InputError(
                f"{source.name} says that its encoding is {named[1].decode('ascii')!r}, which is unknown; name the "
                "right one, for example --encoding latin-1"
            ) from None
    return html_text(
        plain_text(Source(source.name, source.path, "html", encoding, source.compressed, source.data))
    )


def html_text(markup: str) -> str:
    """Return what a reader sees of HTML: without tags, scripts and styles, with line breaks between blocks."""
    reader = _HtmlReader()
    reader.feed(markup)
    reader.close()
    return tidy_text("".join(reader.parts))


def tidy_text(text: str) -> str:
    """Join spaces, and keep at most one empty line between paragraphs."""
    return _LINES.sub(lambda gap: "\n\n" if gap[0].count("\n") > 1 else "\n", _SPACES.sub(" ", text)).strip()


class _HtmlReader(HTMLParser):
    """Collects the visible text."""

    HIDDEN = frozenset({"script", "style", "template", "svg", "noscript", "iframe", "object"})
    INLINE = frozenset(
        """
        a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strike strong sub sup time
        tt u var wbr
        """.split()  # noqa: SIM905 - words read better than quotes
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in self.HIDDEN:
            self._hidden.append(tag)
        elif tag not in self.INLINE:
            self.parts.append("\n\n" if tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6") else "\n")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag not in self.INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        elif tag not in self.INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def docx_text(source: Source) -> str:
    """Return the paragraphs of a Word file, deleted text left out."""
    try:
        with source.open_bytes() as raw, zipfile.ZipFile(raw) as archive, archive.open(_WORD_FILE) as file:
            return "\n".join(_docx_paragraphs(_Bounded(file, source.name)))
    except (
        zipfile.BadZipFile,
        KeyError,
        ElementTree.ParseError,
        EOFError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        raise InputError(
            f"{source.name} is no Word file that can be read ({error}). Open it and save it again as .docx, "
            "without a password"
        ) from None


class _Bounded:
    """Reads no more of a file than a compressed file may hold."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name, self._left = file, name, max_unpacked()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(found)
        if self._left < 0:
            raise too_large(self._name)
        return found


def _docx_paragraphs(file: _Bounded) -> Iterator[str]:
    parts: list[str] = []
    for event, element in ElementTree.iterparse(file, ("start", "end")):
        tag = element.tag.removeprefix(_W).removeprefix(_STRICT_W)
        if event == "start":
            continue
        if tag == "t":
            parts.append(element.text or "")
        elif tag in ("tab", "br", "cr"):
            parts.append(" ")
        elif tag == "p":
            yield "".join(parts)
            parts = []
        if tag in ("r", "p", "tbl", "sectPr"):
            element.clear()


def pdf_text(source: Source) -> str:
    """Return the text of a PDF file's pages."""
    import pypdf
    from pypdf.errors import DependencyError, PyPdfError

    log = logging.getLogger("pypdf")
    level, log.level = log.level, logging.CRITICAL
    try:
        with source.open_bytes() as raw:
            reader = pypdf.PdfReader(raw)
            if reader.is_encrypted and not reader.decrypt(""):
                raise InputError(
                    f"{source.name} needs a password. Save a copy without one: qpdf --decrypt --password=… IN OUT"
                )
            pages = [tidy_text(text) for text in _pdf_pages(reader, source.name)]
    except DependencyError as error:
        raise InputError(
            f"{source.name} is encrypted ({error}). Save a copy: qpdf --decrypt IN OUT"
        ) from None
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise InputError(
            f"{source.name} is no PDF file that can be read ({error or type(error).__name__}). Open it and "
            "print it as PDF again, or save its text as .txt"
        ) from None
    finally:
        log.level = level
    if not any(pages):
        raise InputError(
            f"{source.name} has {len(pages):,} pages and no text; if they are scanned, recognize the text first: "
            "ocrmypdf IN OUT"
        )
    return "\n\n".join(pages)


def _pdf_pages(reader: object, name: str) -> Iterator[str]:
    left = max_unpacked()
    for page in reader.pages:  # type: ignore[attr-defined]
        text = page.extract_text()
        left -= len(text)
        if left < 0:
            raise too_large(name)
        yield text


TEXTS: Mapping[Format, Callable[[Source], str]] = {
    WHOLE: plain_text,
    "md": markdown_text,
    "html": html_file_text,
    "pdf": pdf_text,
    "docx": docx_text,
}
"""What reads the text of each format of documents."""
