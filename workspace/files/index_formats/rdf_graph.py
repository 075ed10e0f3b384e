"""Read and write graphs of RDF as they are written, with rdflib."""

import gzip
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, BinaryIO

from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.workspace.files.index_formats.index_file import RDF_SUFFIXES
from taxonaut.workspace.files.sources import Source, load_json, max_unpacked, plain_suffix, too_large

RELATIVE = "relative:///"
"""The base of addresses that a file gives without one; it is taken off wherever they are shown or written."""

USUAL_PREFIXES: Mapping[str, str] = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "skosxl": "http://www.w3.org/2008/05/skos-xl#",
    "dct": "http://purl.org/dc/terms/",
    "dcterms": "http://purl.org/dc/terms/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "schema": "http://schema.org/",
}
"""Prefixes that a file may use without declaring them."""

_GRAPHS = ("json-ld", "trig", "nquads")
"""Formats in which a file may hold several named graphs."""

_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_BAD_TAG = re.compile(r"""(["']@|xml:lang=["'])([A-Za-z]{2,3})_(?=[A-Za-z0-9])""")
_UNBOUND = re.compile(r'Prefix "(\w*):" not bound')
_TURTLE_START = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:@?prefix|@?base)\s", re.IGNORECASE)
_TRIPLE = re.compile(r"\s*(?:#[^\n]*\n\s*)*(?:<[^<>\s]*>|_:\w+)\s+<[^<>\s]+>\s+(?:<|\"|_:)")
_PLAIN_NUMBER = re.compile(r"[+-]?[1-9][0-9]*|0|true|false")
_XML_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?(\sencoding=["']([A-Za-z0-9._-]+)["'])""")
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype\s+html|<html)(?![^>]*rdf-syntax)", re.IGNORECASE)
_NORMALIZING = Lock()


def import_rdflib() -> ModuleType:
    """Import rdflib. Raises MissingExtraError if it is not installed."""
    try:
        import rdflib
    except ImportError:
        raise MissingExtraError("rdflib", "skos") from None
    return rdflib


@dataclass(frozen=True, slots=True)
class RdfFile:
    """A file of RDF: its graph (of rdflib), its format as rdflib calls it, its bytes, unpacked; notes for users."""

    graph: Any
    format: str
    content: bytes
    notes: tuple[str, ...] = ()


def is_rdf(start: bytes) -> bool:
    """Return whether a file that begins so is RDF in one of the formats that rdflib reads."""
    text = _decoded(start, "utf-8")[0]
    if _TURTLE_START.match(text) or _TRIPLE.match(text):
        return True
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped[:1] == "<":
        return "<rdf:RDF" in text or "http://www.w3.org/1999/02/22-rdf-syntax-ns#" in text
    return stripped[:1] in "{[" and ('"@context"' in text or '"@graph"' in text or '"@id"' in text)


def find_rdf_formats(start: bytes, suffix: str) -> list[str]:
    """Return the RDF formats that a file may have, the likeliest first, by its first bytes and its suffix."""
    text = start.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text[:1] in "{[" and not text.startswith("[]") and RDF_SUFFIXES.get(suffix) != "trig":
        return ["json-ld"]
    if text.startswith(("<?xml", "<rdf:", "<!DOCTYPE", "<!--")) or "<rdf:RDF" in text:
        return ["xml"]
    named = RDF_SUFFIXES.get(suffix, "turtle")
    others = ["turtle", "trig", "n3", "nquads"]
    return list(dict.fromkeys([named if named in (*others, "nt") else "turtle", *others]))


def read_rdf(source: Source) -> RdfFile:
    """Read a file of RDF in the format that its content has, be it packed (gzip, zip with one file of RDF) or not.

    Literals stay as written. What a careless writer does is mended and noted: encodings other than UTF-8, language
    tags such as `en_US`, usual prefixes that are not declared. Nothing is fetched. Raises InputError, naming the
    file, for what cannot be read.
    """
    notes: list[str] = []
    content, suffix = _unpacked(source)
    text, encoding = _decoded(content, source.encoding)
    if encoding != "utf-8":
        if not encoding.startswith("utf-8"):
            notes.append(f"{source.name} is not UTF-8 and was read as {encoding}")
        content = text.encode()
    if _WEB_PAGE.match(content):
        raise InputError(f"{source.name} is a web page, not RDF; download the file that the page links to")
    content = content.removeprefix(b"\xef\xbb\xbf")
    formats = find_rdf_formats(content[:4096], suffix)
    said = ""
    for format_ in formats:
        found = _parse_mended(source.name, content, format_)
        if isinstance(found, RdfFile):
            return RdfFile(found.graph, format_, found.content, (*notes, *found.notes))
        said = said or found
    raise InputError(f"{source.name} cannot be read as {formats[0]}: {said}") from None


def parse_rdf(content: bytes, format: str) -> Any:
    """Return the graph that bytes in a format of rdflib hold, with literals as they are written."""
    lib = import_rdflib()
    graph = lib.Dataset(default_union=True) if format in _GRAPHS else lib.Graph()
    with _as_written(lib), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own, about its own classes
        graph.parse(data=content, format=format, publicID=RELATIVE)
        if format in _GRAPHS and not any(len(each) for each in _named(lib, graph)):
            plain = lib.Graph(namespace_manager=graph.namespace_manager)
            for triple in graph.triples((None, None, None)):
                plain.add(triple)
            return plain
    return graph


def _named(lib: ModuleType, graph: Any) -> list[Any]:
    """Return the named graphs of a data set."""
    return [each for each in graph.graphs() if each.identifier != lib.graph.DATASET_DEFAULT_GRAPH_ID]


def _parse_mended(name: str, content: bytes, format: str) -> RdfFile | str:
    """Parse bytes, mending what can be; return what is wrong if that fails."""
    if format == "json-ld":
        _check_contexts(name, content)
    notes: list[str] = []
    for _ in range(len(USUAL_PREFIXES) + 2):
        try:
            return RdfFile(parse_rdf(content, format), format, content, tuple(notes))
        except Exception as error:  # noqa: BLE001 - rdflib's parsers raise whatever they meet
            said = " ".join(str(error).split())[:200]
            unbound = _UNBOUND.search(said)
            if unbound is not None and unbound[1] in USUAL_PREFIXES:
                content = f"@prefix {unbound[1]}: <{USUAL_PREFIXES[unbound[1]]}> .\n".encode() + content
                notes.append(f"{name} uses the prefix {unbound[1]!r} undeclared; the usual one is meant")
                continue
            mended, count = _BAD_TAG.subn(r"\1\2-", content.decode(errors="replace"))
            if not count:
                return said
            content = mended.encode()
            notes.append(f"{count:,} language tags are written with _ and were read with -, such as en-US")
    return said


def _unpacked(source: Source) -> tuple[bytes, str]:
    """Return a file's bytes and the suffix of what is in it, unpacked."""
    suffix = plain_suffix(source.path)
    try:
        with source.open_bytes() as file:
            content = file.read()
        if content.startswith(_GZIP):
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(max_unpacked() + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{source.name}: the gzip data is damaged or cut off ({error})") from None
    if content.startswith(_ZIP):
        content, suffix = _from_zip(source.name, content)
    if len(content) > max_unpacked():
        raise too_large(source.name)
    return content, suffix


def _from_zip(name: str, content: bytes) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [each for each in archive.namelist() if Path(each).suffix.lower() in RDF_SUFFIXES]
            if len(names) != 1:
                held = ", ".join(map(repr, names or archive.namelist()[:5])) or "nothing"
                raise InputError(
                    f"{name} must hold one file of RDF, and holds {held}; unpack it and give one"
                )
            with archive.open(names[0]) as file:
                return file.read(max_unpacked() + 1), Path(names[0]).suffix.lower()
    except zipfile.BadZipFile as error:
        raise InputError(f"{name} is no zip archive that can be read: {error}") from None


def _decoded(content: bytes, encoding: str) -> tuple[str, str]:
    """Return bytes as text, with the encoding: by its mark, as given, or Windows-1252 where they are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "utf-16"
    said = _XML_ENCODING.match(content)
    if said is not None and said[2].lower() not in (b"utf-8", b"utf8"):
        with suppress(LookupError, UnicodeDecodeError):
            text = content.decode(said[2].decode("ascii"))
            return text.replace(text[said.start(1) : said.end(1)], "", 1), "utf-8, from " + said[2].decode()
    try:
        return content.decode(encoding), encoding.lower()
    except UnicodeDecodeError as error:
        if error.end >= len(content) - 3 and len(content) == 4096:
            return content.decode(errors="replace"), "utf-8"
        return content.decode("cp1252", errors="replace"), "cp1252"


@contextmanager
def _as_written(lib: ModuleType) -> Iterator[None]:
    """Keep literals as they are written within the block, without rdflib's remarks on odd ones."""
    logger = getLogger("rdflib.term")
    with _NORMALIZING:
        settings: Any = lib
        normalize, disabled = settings.NORMALIZE_LITERALS, logger.disabled
        settings.NORMALIZE_LITERALS, logger.disabled = False, True
        try:
            yield
        finally:
            settings.NORMALIZE_LITERALS, logger.disabled = normalize, disabled


def _check_contexts(name: str, content: bytes) -> None:
    """Raise InputError for JSON-LD whose context is elsewhere: nothing is fetched."""
    try:
        waiting = [load_json(content.decode("utf-8-sig"))]
    except ValueError as error:
        raise InputError(f"{name} cannot be read as JSON-LD: {error}") from None
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            contexts = value.get("@context", [])
            for context in contexts if isinstance(contexts, list) else [contexts]:
                if isinstance(context, str):
                    raise InputError(
                        f"{name} has its context at {context!r}, and nothing is fetched; put the context into the "
                        "file, or convert it to Turtle"
                    )
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def shown_iri(term: object) -> str:
    """Return an address as its file gives it, without our base."""
    return str(term).removeprefix(RELATIVE)


def write_rdf(graph: Any, file: BinaryIO, format: str) -> None:
    """Write a graph in a format of rdflib, each literal as it is and each address as its source had it.

    Raises InputError for a graph that the format cannot express.
    """
    lib = import_rdflib()
    several = isinstance(graph, lib.Dataset)
    if format in ("nt", "nquads"):
        _write_lines(graph, file, quads=format == "nquads" and several)
        return
    if several and format not in _GRAPHS:
        union = lib.Graph(namespace_manager=graph.namespace_manager)
        for triple in graph.triples((None, None, None)):
            union.add(triple)
        graph = union
    if format in ("turtle", "n3", "trig"):
        _write_turtle(graph, file, several=several and format == "trig")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            graph.serialize(file, format=format, encoding="utf-8")
    except ValueError as error:
        raise InputError(f"the labels cannot be written as {format}: {error}; write .ttl or .nt") from None


def _write_turtle(graph: Any, file: BinaryIO, *, several: bool) -> None:
    from rdflib.plugins.serializers.trig import TrigSerializer
    from rdflib.plugins.serializers.turtle import TurtleSerializer

    lib = import_rdflib()

    class AsWritten(TrigSerializer if several else TurtleSerializer):  # type: ignore[misc]
        """Turtle with literals that keep their form: rdflib writes `01` as `1` and `1.50` as `1.5`."""

        def label(self, node: Any, position: int) -> str:
            if isinstance(node, lib.Literal):
                text: str = node._literal_n3(
                    use_plain=_PLAIN_NUMBER.fullmatch(node) is not None,
                    qname_callback=lambda kind: self.get_pname(kind, False),
                )
                return text
            if isinstance(node, lib.URIRef) and (
                node.startswith(RELATIVE) or not lib.term._is_valid_uri(node)
            ):
                return f"<{shown_iri(node)}>"
            shown: str = super().label(node, position)
            return shown

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        AsWritten(graph).serialize(file, encoding="utf-8")


def _write_lines(graph: Any, file: BinaryIO, *, quads: bool) -> None:
    lib = import_rdflib()

    def text(term: Any) -> str:
        if isinstance(term, lib.URIRef):
            return f"<{shown_iri(term)}>"
        if isinstance(term, lib.BNode):
            return str(term.n3())
        quoted = str(lib.Literal(str(term)).n3())
        if quoted.startswith('"""'):
            inner = (
                str(term).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
            )
            quoted = f'"{inner}"'
        return quoted + (
            f"@{term.language}" if term.language else f"^^<{term.datatype}>" if term.datatype else ""
        )

    rows = (
        graph.quads((None, None, None, None))
        if quads
        else ((*row, None) for row in graph.triples((None, None, None)))
    )
    for *triple, name in rows:
        terms = triple[:3] if name is None else [*triple[:3], name]
        file.write((" ".join(map(text, terms)) + " .\n").encode())
