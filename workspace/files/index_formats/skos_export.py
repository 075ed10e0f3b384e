"""Write an index as SKOS: the RDF that its labels came from, changed where the index was, and what is new."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.label_mappings import RENAMED
from taxonaut.state.records import Label, Node
from taxonaut.state.stores.rdf_sources import RdfSource
from taxonaut.workspace.files.index_formats.rdf_graph import import_rdflib, parse_rdf, shown_iri
from taxonaut.workspace.files.index_formats.skos import (
    BASE,
    BATCH,
    CATEGORY,
    EXCLUDES,
    ID,
    ISO_THES,
    KINDS,
    REPLACED_BY,
    SKOS_XL,
    ConceptReading,
    as_reading,
    concept_ref,
    literal_text,
    prose,
    tag_of,
)

_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`\x00-\x20]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

Term = Any
"""A term of rdflib."""


def export_graph(
    snapshot: Snapshot, sources: Sequence[RdfSource] = (), *, base: str = BASE, language: str = ""
) -> Any:
    """Return the graph (of rdflib) of an index.

    Without sources, nodes and labels are concepts under one ConceptScheme, which is the root: descriptions are
    definitions, alternative names altLabels, what belongs `skos:scopeNote`; a node that is no label is also a
    `urn:taxonaut:Category`. A label's address is its id if that is one, else it is made from `base`, and the id is
    its notation.

    With sources the graph is theirs, the later one's where two describe a concept, with only those statements
    changed that contradict the index: other names, descriptions and alternative names in the language in which they
    were read, other places in the direction in which the source relates concepts, and what the sources do not have.
    Texts that are new get the tag `language`, by default that of the names. Raises InputError for a base or language
    that is none.
    """
    if language and not _LANGUAGE.fullmatch(language):
        raise InputError(f"the language {language!r} is not a language tag; give one such as en or pt-BR")
    if not _IRI.fullmatch(base):
        raise InputError(f"the base {base!r} is not a URI; give one such as https://example.org/labels/")
    return _Writer(snapshot, sources, base, language).write()


def join_sources(sources: Sequence[RdfSource]) -> Any:
    """Return one graph of sources in which the later one replaces what an earlier one says of the same things."""
    lib = import_rdflib()
    graph = parse_rdf(sources[0].content, sources[0].format)
    for source in sources[1:]:
        later = parse_rdf(source.content, source.format)
        for thing in set(later.subjects()):
            if isinstance(thing, lib.URIRef):
                graph.remove((thing, None, None))
        for triple in later.triples((None, None, None)):
            graph.add(triple)
        for prefix, namespace in later.namespaces():
            graph.bind(prefix, namespace, override=False)
        _prune(graph, lib)
    return graph


def _prune(graph: Any, lib: Any) -> None:
    """Take out blank nodes that nothing names any more."""
    while True:
        named = set(graph.objects())
        left = {each for each in graph.subjects() if isinstance(each, lib.BNode) and each not in named}
        if not left:
            return
        for each in left:
            graph.remove((each, None, None))


class _Writer:
    def __init__(self, snapshot: Snapshot, sources: Sequence[RdfSource], base: str, language: str) -> None:
        self.snapshot = snapshot
        self.base = base
        self.lib = import_rdflib()
        self.skos = self.lib.SKOS
        self.graph = join_sources(sources) if sources else self.lib.Graph()
        self.has_source = bool(sources)
        self.readings: dict[str, ConceptReading] = {}
        self.tree_nodes: dict[NodeId, str] = {}
        self.root: Mapping[str, Any] | None = None
        self.trees: set[int] = set()
        for source in sources:
            self.readings |= {row["concept"]: as_reading(row) for row in source.reading["concepts"]}
            self.tree_nodes |= {
                NodeId(int(node)): ref for node, ref in source.reading.get("nodes", {}).items()
            }
            self.root = source.reading.get("root")
            self.trees.add(source.reading.get("tree", 0))
        self.of_id = {self._present_id(one): one for one in self.readings.values() if one.label}
        said = sources[-1].reading["tag"] if sources else ""
        self.language: str | None = language or said or None
        self.given_language = language
        self.owners: dict[LabelId, NodeId] = {}
        for id_, node in snapshot.nodes.items():
            if node.label_id is not None and id_ in snapshot.nodes_of.get(node.label_id, ()):
                self.owners.setdefault(node.label_id, id_)

    def write(self) -> Any:
        """Make the graph say what the index says, and return it."""
        self.graph.bind("skos", self.skos)
        if self.has_source:
            self._edit_root()
            self._remove_gone()
        else:
            self.graph.bind("taxonaut", "urn:taxonaut:")
            root = self.snapshot.nodes[NodeId(ROOT)]
            self.graph.add((self.scheme, self.lib.RDF.type, self.skos.ConceptScheme))
            self._write_texts(self.scheme, root.name, root.description)
            self._write_notes(self.scheme, root)
        for id_, node in self.snapshot.nodes.items():
            if id_ != ROOT and not self._is_owner(node):
                self._node(id_, node)
        for label in self.snapshot.labels.values():
            self._label(label)
        for label in self.snapshot.retired.values():
            self._retired(label)
        return self.graph

    def _retired(self, label: Label) -> None:
        """Mark a retired label's concept as deprecated, with those that replaced it."""
        here, one = self.of_label(label.id), self.of_id.get(label.id)
        if one is None:
            self._write_label(here, label, None)
            self._put_in_scheme(here)
        elif one.deprecated:
            return
        self._add(here, self.lib.OWL.deprecated, self.lib.Literal("true", datatype=self.lib.XSD.boolean))
        for heir in self.snapshot.mappings[label.id].new:
            self._add(here, self.lib.URIRef(REPLACED_BY), self.of_label(heir))

    def _present_id(self, one: ConceptReading) -> str:
        """Return the id that a label has now, which may be another than it was read with."""
        id_, mapping = LabelId(one.label), self.snapshot.mappings.get(LabelId(one.label))
        while mapping is not None and mapping.kind == RENAMED:
            id_ = mapping.new[0]
            mapping = self.snapshot.mappings.get(id_)
        return id_

    def _is_owner(self, node: Node) -> bool:
        return node.label_id is not None and self.owners.get(node.label_id) == node.id

    # which term is what

    @cached_property
    def terms(self) -> Mapping[str, Term]:
        """The terms of the concepts that were read, by what they are known by."""
        found = {shown_iri(each): each for each in self.graph.subjects() if isinstance(each, self.lib.URIRef)}
        if any(ref.startswith("_:") for ref in self.readings):
            for each in set(self.graph.subjects()):
                if isinstance(each, self.lib.BNode):
                    found[concept_ref(self.graph, each)] = each
        return found

    @cached_property
    def schemes(self) -> list[Term]:
        return sorted(self.graph.subjects(self.lib.RDF.type, self.skos.ConceptScheme))

    @cached_property
    def scheme(self) -> Term:
        """The scheme of an index without a source."""
        return self.lib.URIRef(f"{self.base}scheme")

    def _term(self, ref: str) -> Term:
        return self.terms.get(ref) or self.lib.URIRef(ref)

    def of_node(self, node: NodeId) -> Term:
        """Return the term of a node."""
        label = self.snapshot.nodes[node].label_id
        if label is not None and self.owners.get(label) == node:
            return self.of_label(label)
        if node in self.tree_nodes:
            return self._term(self.tree_nodes[node])
        return self.lib.URIRef(f"{self.base}node/{node}")

    def of_label(self, label: LabelId) -> Term:
        """Return the term of a label."""
        if label in self.of_id:
            return self._term(self.of_id[label].concept)
        known = _IRI.fullmatch(label)
        return self.lib.URIRef(label if known else f"{self.base}label/{quote(label, safe='')}")

    # what stands where

    def _parents(self, nodes: Iterable[NodeId]) -> set[Term | None]:
        """Return the terms of nodes, None for the root."""
        return {None if node == ROOT else self.of_node(node) for node in nodes}

    def _place(self, here: Term, nodes: Sequence[NodeId], one: ConceptReading | None) -> None:
        """Relate a concept to those it stands below, and no more to those it was read below."""
        if not nodes:
            return  # without a place in the tree, what the source says stands
        now = self._parents(nodes)
        before: set[Term | None] = set()
        if one is not None:
            before = {self._term(parent) for parent in one.parents} or {None}
        gone = before - now
        for parent in sorted(gone, key=str):
            self._unrelate(here, parent)
        if gone:
            self._unrelate_deprecated(here, before)
        for parent in sorted(now - before, key=str):
            self._relate(here, parent)

    def _unrelate(self, here: Term, parent: Term | None) -> None:
        skos = self.skos
        if parent is None:
            self._remove(here, skos.topConceptOf, None)
            self._remove(None, skos.hasTopConcept, here)
            return
        for relation in self.broader:
            self._remove(here, relation, parent)
        for relation in self.narrower:
            self._remove(parent, relation, here)
        self._remove(parent, skos.member, here)
        for list_ in self.graph.objects(parent, skos.memberList):
            members = self.lib.collection.Collection(self.graph, list_)
            if here in members:
                del members[members.index(here)]

    def _unrelate_deprecated(self, here: Term, known: set[Term | None]) -> None:
        """Take a moved concept from below concepts that were not read, in whose place it stood below others."""
        read = {self._term(ref) for ref in self.readings}
        for relation in self.broader:
            for parent in list(self.graph.objects(here, relation)):
                if parent not in read and parent not in known and (parent, None, None) in self.graph:
                    self._unrelate(here, parent)

    def _relate(self, here: Term, parent: Term | None) -> None:
        skos = self.skos
        if parent is None:
            for scheme in self._schemes_of(here):
                if self.uses(skos.hasTopConcept):
                    self._add(scheme, skos.hasTopConcept, here)
                if self.uses(skos.topConceptOf):
                    self._add(here, skos.topConceptOf, scheme)
            return
        collections = (skos.Collection, skos.OrderedCollection)
        if any((parent, self.lib.RDF.type, kind) in self.graph for kind in collections):
            ordered = self.graph.value(parent, skos.memberList)
            if ordered is not None:
                self.lib.collection.Collection(self.graph, ordered).append(here)
            else:
                self._add(parent, skos.member, here)
            return
        up, down = self.uses(skos.broader), self.uses(skos.narrower)
        if up or not down:
            self._add(here, skos.broader, parent)
        if down:
            self._add(parent, skos.narrower, here)

    def uses(self, relation: Term) -> bool:
        """Return whether the source relates concepts so; a new graph has relations in both directions."""
        return not self.has_source or relation in self._used

    @cached_property
    def _used(self) -> frozenset[Term]:
        return frozenset(self.graph.predicates())

    @cached_property
    def broader(self) -> list[Term]:
        own = self.graph.subjects(self.lib.RDFS.subPropertyOf, self.skos.broader)
        return [
            self.skos.broader,
            self.skos.broaderTransitive,
            self.lib.RDFS.subClassOf,
            *(self.lib.URIRef(f"{ISO_THES}broader{kind}") for kind in KINDS[1:]),
            *(each for each in own if not str(each).startswith(str(self.skos))),
        ]

    @cached_property
    def narrower(self) -> list[Term]:
        return [
            self.skos.narrower,
            self.skos.narrowerTransitive,
            *(self.lib.URIRef(f"{ISO_THES}narrower{kind}") for kind in KINDS[1:]),
        ]

    def _schemes_of(self, here: Term) -> list[Term]:
        if not self.has_source:
            return [self.scheme]
        return sorted(self.graph.objects(here, self.skos.inScheme)) or self.schemes[:1]

    # labels and nodes

    def _label(self, label: Label) -> None:
        here, owner = self.of_label(label.id), self.owners.get(label.id)
        node = self.snapshot.nodes[owner] if owner is not None else None
        one = self.of_id.get(label.id)
        if one is None:
            self._write_label(here, label, node)
        else:
            self._edit_label(here, label, node, one)
        nodes = [at for at in self.snapshot.nodes_of.get(label.id, ()) if at != owner]
        self._place(here, [*nodes, *(self.snapshot.parents.get(owner, ()) if owner is not None else ())], one)
        if one is None:
            self._put_in_scheme(here)

    def _write_label(self, here: Term, label: Label, node: Node | None) -> None:
        self._add(here, self.lib.RDF.type, self.skos.Concept)
        address = str(here) == label.id
        if not address:
            self._add(here, self.lib.URIRef(ID), self.lib.Literal(_clean(label.id)))
        notation = label.notation or ("" if address else label.id)
        if notation:
            self._add(here, self.skos.notation, self.lib.Literal(_clean(notation)))
        self._write_texts(here, label.name, label.description)
        for name in label.alternatives:
            self._add(here, self.skos.altLabel, self.text(name))
        if label.batch != "initial" and not self.has_source:
            self._add(here, self.lib.URIRef(BATCH), self.lib.Literal(_clean(label.batch)))
        if node is not None:
            self._write_notes(here, node)

    def _edit_label(self, here: Term, label: Label, node: Node | None, one: ConceptReading) -> None:
        if one.deprecated:
            self._remove(here, self.lib.OWL.deprecated, None)
            self._remove(here, self.lib.RDF.type, self.lib.OWL.DeprecatedClass)
            self._remove(here, self.lib.URIRef(REPLACED_BY), None)
        name, description = label.name, label.description
        if node is not None and name == one.name:
            name = node.name
        if node is not None and description == one.description:
            description = node.description
        tag = self.given_language or one.tag
        if name != one.name:
            self._rename(here, one.name, name, tag)
        self._swap(here, [self.skos.definition], one.description, description, tag)
        former = {each.casefold() for each in one.alternatives}
        now = {each.casefold() for each in label.alternatives}
        for each in one.alternatives:
            if each.casefold() not in now:
                self._drop_name(here, each, one.tag)
        for each in label.alternatives:
            if each.casefold() not in former and not self._has_name(here, each):
                self._add(here, self.skos.altLabel, self.text(each, tag))
        if node is not None and self.snapshot.tree in self.trees:
            self._edit_notes(here, node, one, tag)

    def _node(self, id_: NodeId, node: Node) -> None:
        here = self.of_node(id_)
        one = self.readings.get(self.tree_nodes.get(id_, ""))
        if one is None:
            self._add(here, self.lib.RDF.type, self.skos.Concept)
            self._add(here, self.lib.RDF.type, self.lib.URIRef(CATEGORY))
            self._write_texts(here, node.name, node.description)
            self._write_notes(here, node)
        else:
            tag = self.given_language or one.tag
            if node.name != one.name:
                self._rename(here, one.name, node.name, tag)
            self._swap(here, [self.skos.definition], one.description, node.description, tag)
            self._edit_notes(here, node, one, tag)
        self._place(here, self.snapshot.parents.get(id_, ()), one)
        if one is None:
            self._put_in_scheme(here)

    def _put_in_scheme(self, here: Term) -> None:
        """Put a new concept into the schemes of those it stands below, or into the only one."""
        above = self.graph.objects(here, self.skos.broader) if self.has_source else ()
        found = {scheme for parent in above for scheme in self.graph.objects(parent, self.skos.inScheme)}
        for scheme in sorted(found) or self._schemes_of(here):
            if not self.has_source or self.uses(self.skos.inScheme):
                self._add(here, self.skos.inScheme, scheme)

    def _edit_root(self) -> None:
        if self.root is None or len(self.schemes) != 1:
            return
        node, scheme = self.snapshot.nodes[NodeId(ROOT)], self.schemes[0]
        if node.name != self.root["name"]:
            self._rename(scheme, self.root["name"], node.name, self.given_language or self.root["tag"])

    def _remove_gone(self) -> None:
        """Take out concepts whose labels or nodes are no more in the index."""
        known = (self.snapshot.labels, self.snapshot.retired)
        gone = [one for id_, one in self.of_id.items() if not any(LabelId(id_) in each for each in known)]
        if self.snapshot.tree in self.trees:
            gone += [
                self.readings[ref]
                for node, ref in self.tree_nodes.items()
                if node not in self.snapshot.nodes and ref in self.readings
            ]
        for one in gone:
            here = self._term(one.concept)
            self._remove(here, None, None)
            self._remove(None, None, here)
        if gone:
            _prune(self.graph, self.lib)

    # texts

    def text(self, text: str, tag: str | None = None) -> Term:
        """Return a literal with a language tag, in the case in which the source has it."""
        chosen = tag or self.language
        return self.lib.Literal(_clean(text), lang=self._tags.get(chosen, chosen) if chosen else None)

    @cached_property
    def _tags(self) -> Mapping[str, str]:
        tags = {each.language for each in self.graph.objects() if isinstance(each, self.lib.Literal)}
        return {tag.lower(): tag for tag in tags if tag}

    def _write_texts(self, here: Term, name: str, description: str) -> None:
        self._add(here, self.skos.prefLabel, self.text(name))
        if description:
            self._add(here, self.skos.definition, self.text(description))

    def _notes_of(self, node: Node) -> tuple[tuple[Term, tuple[str, ...]], ...]:
        return (
            (self.skos.scopeNote, node.includes),
            (self.lib.URIRef(EXCLUDES), node.excludes),
            (self.skos.example, node.examples),
        )

    def _write_notes(self, here: Term, node: Node) -> None:
        for term, texts in self._notes_of(node):
            if term == self.skos.example and self.has_source:
                continue  # those of a node are names of its labels
            for text in texts:
                self._add(here, term, self.text(text))

    def _edit_notes(self, here: Term, node: Node, one: ConceptReading, tag: str) -> None:
        former = (one.includes, one.excludes, one.examples)
        for (term, texts), read in zip(self._notes_of(node), former, strict=True):
            if term == self.skos.example and not read:
                continue  # without examples of its own, a node has some of its labels' names
            for text in read:
                if text not in texts:
                    self._swap(here, [term], text, "", tag)
            for text in texts:
                if text not in read:
                    self._add(here, term, self.text(text, tag))

    def _rename(self, here: Term, old: str, new: str, tag: str) -> None:
        """Replace the prefLabel that was read; one that the concept has in another language is no new name."""
        pref = self.skos.prefLabel
        if any(literal_text(each) == new for each in self._literals(here, "prefLabel")):
            return
        found = self._find(here, pref, old, tag, literal_text)
        for literal in found:
            self._remove(here, pref, literal)
            self._add(here, pref, self._like(literal, new))
        for label in self.graph.objects(here, self._xl.prefLabel):
            for literal in self._find(label, self._xl.literalForm, old, tag, literal_text):
                self._remove(label, self._xl.literalForm, literal)
                self._add(label, self._xl.literalForm, self._like(literal, new))
                found.append(literal)
        if not found:
            self._add(here, pref, self.text(new, tag))

    def _drop_name(self, here: Term, name: str, tag: str) -> None:
        for kind in ("altLabel", "hiddenLabel"):
            for literal in self._find(here, self.skos[kind], name, tag, literal_text):
                self._remove(here, self.skos[kind], literal)
            for label in list(self.graph.objects(here, self._xl[kind])):
                if self._find(label, self._xl.literalForm, name, tag, literal_text):
                    self._remove(here, self._xl[kind], label)
                    if (None, None, label) not in self.graph:
                        self._remove(label, None, None)

    def _swap(self, here: Term, properties: Sequence[Term], old: str, new: str, tag: str) -> None:
        """Replace a text that was read by another, or remove it for ""."""
        if old == new:
            return
        for term in properties:
            if new and any(prose(each) == new for each in self.graph.objects(here, term)):
                return
            found = self._find(here, term, old, tag, prose) if old else []
            for literal in found:
                self._remove(here, term, literal)
                if new:
                    self._add(here, term, self._like(literal, new))
            if new and not found:
                self._add(here, term, self.text(new, tag))

    def _find(self, here: Term, term: Term, text: str, tag: str, shown: Any) -> list[Term]:
        """Return the literals of a property that show a text, those in a language if there are any."""
        alike = [each for each in self.graph.objects(here, term) if shown(each).casefold() == text.casefold()]
        return [each for each in alike if tag_of(each) == tag.lower()] or alike

    def _like(self, literal: Term, text: str) -> Term:
        """Return a literal with another text in the same language."""
        if self.given_language:
            return self.lib.Literal(_clean(text), lang=self.given_language)
        return self.lib.Literal(_clean(text), lang=literal.language, datatype=literal.datatype)

    def _has_name(self, here: Term, name: str) -> bool:
        folded = name.casefold()
        return any(
            literal_text(each).casefold() == folded
            for kind in ("prefLabel", "altLabel", "hiddenLabel")
            for each in self._literals(here, kind)
        )

    def _literals(self, here: Term, kind: str) -> list[Term]:
        found = list(self.graph.objects(here, self.skos[kind]))
        for label in self.graph.objects(here, self._xl[kind]):
            found += self.graph.objects(label, self._xl.literalForm)
        return found

    @cached_property
    def _xl(self) -> Any:
        return self.lib.Namespace(SKOS_XL)

    # the graph

    def _add(self, here: Term, relation: Term, value: Term) -> None:
        if isinstance(self.graph, self.lib.Dataset):
            quad = next(iter(self.graph.quads((here, None, None, None))), None)
            name = quad[3] if quad is not None else next(iter(self._graph_names), None)
            self.graph.add(
                (here, relation, value, self.graph.graph(name)) if name else (here, relation, value)
            )
            return
        self.graph.add((here, relation, value))

    @cached_property
    def _graph_names(self) -> list[Term]:
        return sorted(each.identifier for each in self.graph.graphs() if len(each))

    def _remove(self, here: Term | None, relation: Term | None, value: Term | None) -> None:
        if isinstance(self.graph, self.lib.Dataset):
            self.graph.remove((here, relation, value, None))
        else:
            self.graph.remove((here, relation, value))


def _clean(text: str) -> str:
    """Remove control characters, which Turtle parsers reject."""
    return _CONTROL.sub("", text)
