"""An index as a SKOS concept scheme in Turtle, for other people's tools."""

import re
from typing import Any, BinaryIO
from urllib.parse import quote

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.shape import ROOT
from taxonaut.state.snapshot import Snapshot
from taxonaut.workspace.skos import BATCH, CATEGORY, EXCLUDES, rdf

BASE = "urn:taxonaut:index:"
_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`\x00-\x20]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write_skos(snapshot: Snapshot, file: BinaryIO, *, base: str = BASE, language: str = "") -> None:
    """Write nodes and labels as concepts under one ConceptScheme, which is the root.

    A label's id is its notation, and its address if it is one; other addresses are made from `base`. What is
    below and what is in a node is narrower than it. Descriptions are definitions, examples `skos:example`,
    what belongs `skos:scopeNote`. A node that is no label is also a `urn:taxonaut:Category`. All texts get
    the tag `language`, if one is given. RDF keeps no order.
    """
    if language and not _LANGUAGE.fullmatch(language):
        raise InputError(f"the language {language!r} is no language tag; give one such as en or pt-BR")
    if not _IRI.fullmatch(base):
        raise InputError(f"the base {base!r} is no address; give one such as https://example.org/labels/")
    _Writer(snapshot, base, language).graph().serialize(file, format="turtle", encoding="utf-8")


class _Writer:
    def __init__(self, snapshot: Snapshot, base: str, language: str) -> None:
        self.snapshot = snapshot
        self.base = base
        self.language = language or None
        self.lib = rdf()
        self.skos = self.lib.SKOS
        self.owners: dict[LabelId, NodeId] = {}
        for id_, node in snapshot.nodes.items():
            if node.label_id is not None and id_ in snapshot.nodes_of.get(node.label_id, ()):
                self.owners.setdefault(node.label_id, id_)

    def graph(self) -> Any:
        graph, skos, type_ = self.lib.Graph(), self.skos, self.lib.RDF.type
        graph.bind("skos", skos)
        graph.bind("taxonaut", "urn:taxonaut:")
        scheme = self.lib.URIRef(f"{self.base}scheme")
        graph.add((scheme, type_, skos.ConceptScheme))
        for id_, node in self.snapshot.nodes.items():
            here = scheme if id_ == ROOT else self.of_node(id_)
            if id_ != ROOT:
                graph.add((here, type_, skos.Concept))
                graph.add((here, skos.inScheme, scheme))
                if self.owners.get(node.label_id) != id_:  # type: ignore[arg-type]
                    graph.add((here, type_, self.lib.URIRef(CATEGORY)))
                    self._texts(graph, here, node.name, node.description)
            else:
                self._texts(graph, here, node.name, node.description)
            for term, texts in (
                (skos.scopeNote, node.includes),
                (self.lib.URIRef(EXCLUDES), node.excludes),
                (skos.example, node.examples),
            ):
                for text in texts:
                    graph.add((here, term, self.text(text)))
        for parent, child in self.snapshot.edges:
            self._narrower(graph, parent, self.of_node(child), scheme)
        self._labels(graph, scheme)
        return graph

    def _labels(self, graph: Any, scheme: Any) -> None:
        skos = self.skos
        for label in self.snapshot.labels.values():
            here = self.of_label(label.id)
            graph.add((here, self.lib.RDF.type, skos.Concept))
            graph.add((here, skos.inScheme, scheme))
            graph.add((here, skos.notation, self.lib.Literal(_clean(label.id))))
            self._texts(graph, here, label.name, label.description)
            if label.batch != "initial":
                graph.add((here, self.lib.URIRef(BATCH), self.lib.Literal(_clean(label.batch))))
            for node in self.snapshot.nodes_of.get(label.id, ()):
                if self.owners.get(label.id) != node:
                    self._narrower(graph, node, here, scheme)

    def _narrower(self, graph: Any, parent: NodeId, child: Any, scheme: Any) -> None:
        if parent == ROOT:
            graph.add((scheme, self.skos.hasTopConcept, child))
            graph.add((child, self.skos.topConceptOf, scheme))
        else:
            graph.add((self.of_node(parent), self.skos.narrower, child))
            graph.add((child, self.skos.broader, self.of_node(parent)))

    def of_node(self, node: NodeId) -> Any:
        label = self.snapshot.nodes[node].label_id
        if label is not None and self.owners.get(label) == node:
            return self.of_label(label)
        return self.lib.URIRef(f"{self.base}node/{node}")

    def of_label(self, label: LabelId) -> Any:
        known = _IRI.fullmatch(label)
        return self.lib.URIRef(label if known else f"{self.base}label/{quote(label, safe='')}")

    def text(self, text: str) -> Any:
        return self.lib.Literal(_clean(text), lang=self.language)

    def _texts(self, graph: Any, here: Any, name: str, description: str) -> None:
        graph.add((here, self.skos.prefLabel, self.text(name)))
        if description:
            graph.add((here, self.skos.definition, self.text(description)))


def _clean(text: str) -> str:
    """Take out the control signs that Turtle's readers stumble over."""
    return _CONTROL.sub("", text)
