"""The text of a document: plain text, Markdown, HTML, PDF and Word files."""

import codecs
import logging
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.sources import (
    DOCUMENT_SUFFIXES,
    WHOLE,
    Format,
    Source,
    max_unpacked,
    plain_suffix,
    too_large,
)
from taxonaut.workspace.files.tables import Row, Table, clean_text

DOCUMENTS: Mapping[str, Format] = {".txt": WHOLE, ".text": WHOLE, **DOCUMENT_SUFFIXES}
"""The format of each kind of document in a folder or a list of files."""

ID = "id"

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?\n\s*\n\s*| ?\n ?")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([-\w]{2,40})", re.IGNORECASE)
_HEAD = 2_048
_WORD_FILE = "word/document.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT_W = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"


def document_format(path: Path) -> Format | None:
    """Return the format of a document by its suffix, ignoring a final `.gz`; None if it is none."""
    return DOCUMENTS.get(plain_suffix(path))


def document_table(source: Source, read: Callable[[Source], str], plain: str) -> Table:
    """Return a document as a table of one row; its id is the file's name."""

    def rows() -> Iterator[Row]:
        yield Row(1, source.name, {ID: source.name, plain: read(source)})

    return Table(source, (ID, plain), rows)


def read_document(source: Source, plain: str) -> Table:
    """Read a file as one text: as its format says, which is plain text, Markdown, HTML, PDF or Word."""
    return document_table(source, TEXTS[source.format], plain)


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
