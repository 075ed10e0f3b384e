"""Read and write an index as SKOS (W3C, 2009), with rdflib."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, BinaryIO
from urllib.parse import quote

from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode, distinct_names
from taxonaut.workspace.files.index_file import IndexFile
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import Source

CATEGORY = "urn:taxonaut:Category"
"""Our own class for concepts that are inner nodes, not labels to predict."""

EXCLUDES = "urn:taxonaut:excludes"
BATCH = "urn:taxonaut:batch"
SKOS_XL = "http://www.w3.org/2008/05/skos-xl#"


def import_rdflib() -> ModuleType:
    """Import rdflib. Raises MissingExtraError if it is not installed."""
    try:
        import rdflib
    except ImportError:
        raise MissingExtraError("rdflib", "skos") from None
    return rdflib


_SHOWN = 3


def read_skos(source: Source, *, language: str = "", leaves_only: bool = False) -> IndexFile:
    """Read Turtle, N-Triples or RDF/XML, depending on the suffix.

    Every concept is a label, whose id is its notation (its address if it has none, several, or one that
    another concept has, too); a `urn:taxonaut:Category` is a node only, and with `leaves_only` so is every
    concept that has narrower ones. Names are the prefLabels in `language`; without it the untagged ones, then
    English, then those of the language that most have. Alternative names are the altLabels and hiddenLabels in the
    language of the name. Raises InputError for a file that cannot be parsed or
    has no concepts, a concept without a name, two labels with one name under one parent; CycleError for a
    cycle.
    """
    return _Reader(source, language, leaves_only).read()


class _Reader:
    def __init__(self, source: Source, language: str, leaves_only: bool) -> None:
        self.source = source
        self.language = language.lower()
        self.leaves_only = leaves_only
        self.lib = import_rdflib()
        self.graph = self._parse()
        skos = self.lib.SKOS
        self.concepts: list[Any] = sorted(set(self.graph.subjects(self.lib.RDF.type, skos.Concept)))
        if not self.concepts:
            raise InputError(
                f"{source.name} contains no skos:Concept; give a SKOS vocabulary, "
                "or import labels of another format with: taxonaut labels import"
            )
        self.notes: list[str] = []
        self.languages = self._languages()
        self.foreign = 0
        """Alternative names in other languages than their concept's name."""

    def _parse(self) -> Any:
        suffix = next((each for each in reversed(self.source.path.suffixes) if each != ".gz"), "").lower()
        format_ = {".rdf": "xml", ".nt": "nt"}.get(suffix, "turtle")
        graph = self.lib.Graph()
        try:
            with self.source.open_bytes() as file:
                graph.parse(data=file.read(), format=format_)
        except Exception as error:  # noqa: BLE001 - rdflib's parsers raise whatever they meet
            said = " ".join(str(error).split())[:200]
            raise InputError(f"{self.source.name} cannot be read as {format_}: {said}") from None
        return graph

    def read(self) -> IndexFile:
        parents = self._parents()
        names = self._names()
        ids = self._ids()
        above = {parent for each in parents.values() for parent in each}
        category = self.lib.URIRef(CATEGORY)
        rows = []
        for concept in sorted(self.concepts, key=lambda each: (names[each].casefold(), each)):
            is_category = (concept, self.lib.RDF.type, category) in self.graph
            rows.append(
                LabelRow(
                    Label(
                        LabelId(f"node {concept}" if is_category else ids[concept]),
                        names[concept],
                        " ".join(self._all(concept, self.lib.SKOS.definition)[:1]),
                        str(self.graph.value(concept, self.lib.URIRef(BATCH)) or "initial"),
                        distinct_names(self._alternatives(concept), names[concept]),
                    ),
                    parents=tuple(
                        LabelId(f"node {parent}" if self._is_category(parent) else ids[parent])
                        for parent in parents[concept]
                    ),
                    is_node=is_category or (self.leaves_only and concept in above),
                    place=f"{self.source.name}, {concept}",
                    includes=self._all(concept, self.lib.SKOS.scopeNote),
                    excludes=self._all(concept, self.lib.URIRef(EXCLUDES)),
                    examples=self._all(concept, self.lib.SKOS.example),
                )
            )
        if self.foreign:
            self.notes.append(
                f"{self.foreign:,} alternative names are in another language than the concept's name and left out"
            )
        check_labels(rows, self.source.name)
        labels = tuple(row.label for row in rows if not row.is_node)
        if not labels:
            raise InputError(f"{self.source.name} holds categories only and no label to predict")
        return IndexFile(
            self.source.name, labels, self._with_root(build_native_tree(rows)), tuple(self.notes)
        )

    def _is_category(self, concept: Any) -> bool:
        return (concept, self.lib.RDF.type, self.lib.URIRef(CATEGORY)) in self.graph

    def _parents(self) -> Mapping[Any, list[Any]]:
        skos, known = self.lib.SKOS, set(self.concepts)
        found: defaultdict[Any, dict[Any, None]] = defaultdict(dict)
        missing = set()
        pairs = [*self.graph.subject_objects(skos.broader)]
        pairs += [(low, high) for high, low in self.graph.subject_objects(skos.narrower)]
        for low, high in sorted(set(pairs)):
            if low in known and high in known:
                found[low][high] = None
            else:
                missing.add(high if low in known else low)
        if missing:
            self.notes.append(
                f"links to concepts that are not in the file are left out; there are {len(missing):,} such "
                f"concepts, first {min(missing)}"
            )
        return {concept: list(found[concept]) for concept in self.concepts}

    def _languages(self) -> list[str]:
        """Return the languages for names, best first."""
        tags: Counter[str] = Counter()
        for literal in self.graph.objects(None, self.lib.SKOS.prefLabel):
            tags[(getattr(literal, "language", None) or "").lower()] += 1
        common = [tag for tag, _ in sorted(tags.items(), key=lambda entry: (-entry[1], entry[0]))]
        order = ["", "en", *common]
        if not self.language:
            return list(dict.fromkeys(order))
        return list(dict.fromkeys([self.language, *order]))

    def _best(self, literals: Iterable[Any]) -> tuple[str, str]:
        """Return the text in the preferred language, and that language."""
        by_tag: dict[str, str] = {}
        for literal in sorted(literals, key=str):
            by_tag.setdefault((getattr(literal, "language", None) or "").lower(), str(literal))
        for wanted in self.languages:
            for tag in sorted(by_tag, key=len):
                if tag == wanted or (wanted and tag.startswith(f"{wanted}-")):
                    return by_tag[tag], tag
        return next(iter(by_tag.items()))[::-1] if by_tag else ("", "")

    def _names(self) -> Mapping[Any, str]:
        names: dict[Any, str] = {}
        nameless, elsewhere = [], 0
        for concept in self.concepts:
            name, tag = self._best(self._name_literals(concept))
            names[concept] = name
            if not name.strip():
                nameless.append(concept)
            elif self.language and tag != self.language and not tag.startswith(f"{self.language}-"):
                elsewhere += 1
        if nameless:
            shown = ", ".join(map(str, nameless[:_SHOWN])) + (", …" if len(nameless) > _SHOWN else "")
            raise InputError(
                f"{self.source.name}: {len(nameless):,} of {len(self.concepts):,} concepts have no "
                f"skos:prefLabel: {shown}; name or remove them"
            )
        if elsewhere == len(self.concepts):
            known = ", ".join(repr(tag) for tag in self.languages[1:] if tag) or "none"
            raise InputError(
                f"{self.source.name} has no name in the language {self.language!r}; its languages are {known}"
            )
        if elsewhere:
            self.notes.append(
                f"{elsewhere:,} of {len(self.concepts):,} concepts have no name in {self.language!r}; "
                "theirs is in another"
            )
        return names

    def _name_literals(self, concept: Any) -> list[Any]:
        literals = list(self.graph.objects(concept, self.lib.SKOS.prefLabel))
        if not literals:
            xl = self.lib.Namespace(SKOS_XL)
            for label in self.graph.objects(concept, xl.prefLabel):
                literals += self.graph.objects(label, xl.literalForm)
        return literals

    def _alternatives(self, concept: Any) -> Iterator[str]:
        """Yield the altLabels and hiddenLabels in the language of a concept's name, or in none."""
        name = self._best(self._name_literals(concept))[1]
        skos, xl = self.lib.SKOS, self.lib.Namespace(SKOS_XL)
        for short in ("altLabel", "hiddenLabel"):
            literals = set(self.graph.objects(concept, skos[short]))
            for label in self.graph.objects(concept, xl[short]):
                literals.update(self.graph.objects(label, xl.literalForm))
            for literal in sorted(literals, key=str):
                tag = (getattr(literal, "language", None) or "").lower()
                if not str(literal).strip():
                    continue
                if tag in ("", name) or not name or tag.partition("-")[0] == name.partition("-")[0]:
                    yield str(literal)
                else:
                    self.foreign += 1

    def _ids(self) -> Mapping[Any, str]:
        notations = {
            concept: sorted({str(each) for each in self.graph.objects(concept, self.lib.SKOS.notation)})
            for concept in self.concepts
        }
        counts = Counter(each for found in notations.values() for each in found)
        return {
            concept: found[0]
            if len(found) == 1 and counts[found[0]] == 1 and found[0].strip()
            else str(concept)
            for concept, found in notations.items()
        }

    def _all(self, concept: Any, term: Any) -> tuple[str, ...]:
        """Return a concept's texts of one kind in the language of its name, else all of them."""
        literals = sorted(self.graph.objects(concept, term), key=str)
        _, best = self._best(literals)
        chosen = [each for each in literals if (getattr(each, "language", None) or "").lower() == best]
        return tuple(str(each) for each in chosen)

    def _with_root(self, tree: Tree) -> Tree:
        """Name the root after the concept scheme, if exactly one exists and has a name."""
        schemes = sorted(self.graph.subjects(self.lib.RDF.type, self.lib.SKOS.ConceptScheme))
        names = [self._best(self._name_literals(each))[0] for each in schemes]
        if len(schemes) != 1 or not names[0].strip():
            return tree
        root = TreeNode(
            0,
            names[0],
            " ".join(self._all(schemes[0], self.lib.SKOS.definition)[:1]),
            examples=self._all(schemes[0], self.lib.SKOS.example),
            includes=self._all(schemes[0], self.lib.SKOS.scopeNote),
            excludes=self._all(schemes[0], self.lib.URIRef(EXCLUDES)),
        )
        return Tree(NATIVE, (root, *tree.nodes), tree.edges, tree.placements)


BASE = "urn:taxonaut:index:"
_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`\x00-\x20]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write_skos(snapshot: Snapshot, file: BinaryIO, *, base: str = BASE, language: str = "") -> None:
    """Write nodes and labels as concepts under one ConceptScheme, which is the root.

    A label's id is its notation, and its address if it is one; other addresses are made from `base`. What is
    below and what is in a node is narrower than it. Descriptions are definitions, alternative names altLabels,
    examples `skos:example`, what belongs `skos:scopeNote`. A node that is no label is also a `urn:taxonaut:Category`.
    All texts get the tag `language`, if one is given. RDF keeps no order.
    """
    if language and not _LANGUAGE.fullmatch(language):
        raise InputError(f"the language {language!r} is not a language tag; give one such as en or pt-BR")
    if not _IRI.fullmatch(base):
        raise InputError(f"the base {base!r} is not a URI; give one such as https://example.org/labels/")
    _Writer(snapshot, base, language).graph().serialize(file, format="turtle", encoding="utf-8")


class _Writer:
    def __init__(self, snapshot: Snapshot, base: str, language: str) -> None:
        self.snapshot = snapshot
        self.base = base
        self.language = language or None
        self.lib = import_rdflib()
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
            for name in label.alternatives:
                graph.add((here, skos.altLabel, self.text(name)))
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
    """Remove control characters, which Turtle parsers reject."""
    return _CONTROL.sub("", text)
