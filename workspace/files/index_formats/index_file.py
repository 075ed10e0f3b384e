"""Index files in general: their formats and content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from taxonaut.state.errors import InputError
from taxonaut.state.records import Label, Tree
from taxonaut.workspace.files.sources import STDIN, plain_suffix

IndexFormat = Literal["jsonl", "csv", "skos"]
INDEX_FORMATS: tuple[IndexFormat, ...] = get_args(IndexFormat)
RDF_SUFFIXES = {
    ".ttl": "turtle", ".nt": "nt", ".n3": "n3", ".rdf": "xml", ".owl": "xml", ".xml": "xml", ".jsonld": "json-ld",
    ".json": "json-ld", ".trig": "trig", ".nq": "nquads",
}  # fmt: skip
"""rdflib's name of the format that a suffix of SKOS stands for."""

_SUFFIXES: dict[str, IndexFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    **dict.fromkeys(RDF_SUFFIXES, "skos"),
}


@dataclass(frozen=True, slots=True)
class IndexFile:
    """The index in a file. `notes` tell the user what was left out or chosen."""

    name: str
    labels: tuple[Label, ...]
    tree: Tree
    notes: tuple[str, ...] = ()


def index_format(path: Path, given: str | None) -> IndexFormat:
    """Return the format: `given`, else by suffix (before an optional .gz); `-` is JSON lines."""
    if given is not None:
        if given not in INDEX_FORMATS:
            raise InputError(f"--format {given!r} is unknown; it can be one of {', '.join(INDEX_FORMATS)}")
        return given
    if str(path) == STDIN:
        return "jsonl"
    suffix = plain_suffix(path)
    if suffix not in _SUFFIXES:
        raise InputError(
            f"{path.name!r} has no known suffix; known are {', '.join(_SUFFIXES)}. Rename the file or "
            f"name its format: --format {'|'.join(INDEX_FORMATS)}"
        )
    return _SUFFIXES[suffix]
