"""Labels whose source has names in several languages: show them in one, or make another that of the workspace."""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.records import ItemResult, Label
from taxonaut.state.stores.rdf_sources import RdfSource, RdfSources
from taxonaut.workspace.core.core import Core
from taxonaut.workspace.files.index_formats.rdf_graph import write_rdf
from taxonaut.workspace.files.index_formats.rdf_imports import with_texts
from taxonaut.workspace.files.index_formats.skos import (
    ConceptReading,
    SkosOptions,
    as_reading,
    is_in,
    read_concepts,
)
from taxonaut.workspace.files.index_formats.skos_export import export_graph
from taxonaut.workspace.files.sources import Source


@dataclass(frozen=True, slots=True)
class LabelLanguages:
    """The language that labels have names in now, "" where they have none, and how many names each language has."""

    language: str
    names: Mapping[str, int]


def find_readings(workspace: Core) -> dict[LabelId, ConceptReading]:
    """Return what was read of each label that came from RDF."""
    found = {}
    for reading in RdfSources(workspace.database).readings():
        for row in reading["concepts"]:
            if row["label"]:
                found[LabelId(row["label"])] = as_reading(row)
    return found


def find_languages(workspace: Core) -> LabelLanguages:
    """Return the languages of names, the most common first. Raises InputError where no label came from RDF."""
    readings = find_readings(workspace)
    if not readings:
        raise InputError(
            f"the labels of {str(workspace.folder)!r} have one name each: languages are kept of SKOS files, imported "
            "with: taxonaut labels import x.ttl"
        )
    tags: Counter[str] = Counter()
    for one in readings.values():
        if not one.deprecated:
            tags.update({tag for kind, tag, _ in one.texts if kind == "prefLabel"})
    now = Counter(one.tag for one in readings.values()).most_common(1)[0][0]
    return LabelLanguages(now, dict(tags.most_common()))


def names_in(workspace: Core, language: str) -> dict[LabelId, str]:
    """Return the names of labels in a language; those without one there are missing.

    A label that was renamed in that language has its new name. Raises InputError for a language that no name is in.
    """
    wanted, found = language.lower(), {}
    readings = find_readings(workspace)
    for label, one in readings.items():
        names = [(tag, text) for kind, tag, text in one.texts if kind == "prefLabel" and is_in(tag, wanted)]
        if names and not is_in(one.tag, wanted):
            found[label] = min(names, key=lambda name: len(name[0]))[1]
    if not found and not any(is_in(one.tag, wanted) for one in readings.values()):
        known = ", ".join(tag for tag in find_languages(workspace).names if tag)
        raise InputError(
            f"no label has a name in the language {language!r}; names are in {known or 'no language'}"
        )
    return found


def switch_language(workspace: Core, language: str) -> int:
    """Give labels, and the nodes that are labels, their names and texts in another language; return how many changed.

    One change, which `undo` takes back. What was edited before stays an edit: an export has it. Raises InputError for
    a language that no name is in.
    """
    names_in(workspace, language)
    index = workspace.index
    store = RdfSources(workspace.database)
    snapshot = index.snapshot()
    content = io.BytesIO()
    sources = store.all()
    graph = export_graph(snapshot, sources)
    format_ = "nquads" if hasattr(graph, "quads") else "nt"
    write_rdf(graph, content, format_)
    source = Source(
        sources[-1].name,
        Path("labels.nq" if format_ == "nquads" else "labels.nt"),
        "lines",
        data=content.getvalue(),
    )
    read, tag = read_concepts(source, SkosOptions(language, collections=True))
    before = find_readings(workspace)
    ids = {one.concept: label for label, one in before.items()}
    of_node: dict[NodeId, str] = {}
    for each in sources:
        of_node |= {NodeId(int(node)): concept for node, concept in each.reading.get("nodes", {}).items()}
    named = {
        ids[one.concept]: one
        for one in read.values()
        if one.concept in ids and index.has_label(ids[one.concept])
    }
    with workspace.database.write(), index.change(f"language {language}"):
        index.rename_labels({label: one.name for label, one in named.items()})
        index.describe_labels({label: one.description for label, one in named.items()})
        index.set_alternatives({label: one.alternatives for label, one in named.items()})
        for id_, node in snapshot.nodes.items():
            of_label = named.get(node.label_id) if node.label_id is not None else None
            one = of_label or read.get(of_node.get(id_, ""))
            if one is None or id_ == ROOT:
                continue
            texts = (one.name, one.description, one.includes or node.includes)
            if texts != (node.name, node.description, node.includes):
                index.edit_node(id_, name=texts[0], description=texts[1], includes=texts[2])
        event = index.version()
        if event == snapshot.version:
            return 0
        now = {label.id: label for label in index.labels(list(named))}
        concepts = [{**asdict(one), "label": ids.get(one.concept, "")} for one in read.values()]
        reading = {
            **sources[-1].reading,
            "language": language.lower(),
            "tag": tag,
            "concepts": [with_texts(row, now) for row in concepts],
            "nodes": {str(node): concept for node, concept in of_node.items()},
            "whole": True,
        }
        reading.pop("root", None)
        store.put(event, RdfSource(sources[-1].name, format_, content.getvalue(), reading))
    return sum(
        snapshot.labels[id_].name != label.name for id_, label in now.items() if id_ in snapshot.labels
    )


@dataclass(frozen=True, slots=True)
class ShownNames:
    """Names of labels in a language, by their ids, and by the names that they have in the index (steps of paths)."""

    names: Mapping[LabelId, str]
    steps: Mapping[str, str]

    def label(self, label: Label) -> Label:
        """Return a label with its name in the language."""
        return replace(label, name=self.names.get(label.id, label.name))

    def path(self, path: Sequence[str], label: LabelId) -> tuple[str, ...]:
        """Return a path to a label with its names in the language."""
        steps = [self.steps.get(step, step) for step in path]
        return (*steps[:-1], self.names.get(label, steps[-1])) if steps else ()

    def result(self, result: ItemResult) -> ItemResult:
        """Return a result with names in the language."""
        labels = (
            replace(
                label,
                name=self.names.get(label.label_id, label.name),
                path=self.path(label.path, label.label_id),
            )
            for label in result.labels
        )
        return replace(result, labels=tuple(labels))


def shown_names(workspace: Core) -> ShownNames | None:
    """Return the names in the language of [labels] language; None where it is not set, or labels have names in it."""
    language = workspace.config.labels.language
    if not language:
        return None
    names = names_in(workspace, language)
    present = workspace.index.labels([label for label in names if workspace.index.has_label(label)])
    steps = {label.name: names[label.id] for label in present}
    return ShownNames(names, steps) if names else None
