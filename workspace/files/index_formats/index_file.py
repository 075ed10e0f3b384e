"""Index files in general: their formats and content."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.label_mappings import RENAMED, LabelMapping
from taxonaut.state.records import Label, Tree
from taxonaut.state.stores.rdf_sources import RdfSource
from taxonaut.workspace.files.sources import STDIN, plain_suffix

IndexFormat = Literal["jsonl", "csv", "xlsx", "skos"]
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
    ".xlsx": "xlsx",
    **dict.fromkeys(RDF_SUFFIXES, "skos"),
}


@dataclass(frozen=True, slots=True)
class RetiredLabel:
    """A label that its file gives as one not to be used any more, and the labels in use that replace it."""

    label: Label
    replaced_by: tuple[LabelId, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelHistory:
    """The retired labels of an index, and where their ids and former ids went."""

    retired: tuple[Label, ...] = ()
    mappings: tuple[LabelMapping, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Say how many there are."""
        if not self.mappings:
            return ()
        former = sum(each.kind == RENAMED for each in self.mappings)
        return (f"with {len(self.mappings) - former:,} retired labels and {former:,} former ids",)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """The index in a file. `notes` tell the user what was left out or chosen; `rdf` is to be kept, if it is RDF."""

    name: str
    labels: tuple[Label, ...]
    tree: Tree
    notes: tuple[str, ...] = ()
    rdf: RdfSource | None = None
    retired: tuple[RetiredLabel, ...] = ()
    history: LabelHistory = LabelHistory()


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
