"""Read and write an index as SKOS (W3C, 2009), with rdflib."""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from taxonaut.state.errors import InputError, MissingExtraError
from taxonaut.state.ids import LabelId, NodeId
from taxonaut.state.index.shape import ROOT
from taxonaut.state.index.snapshot import Snapshot
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode, distinct_names
from taxonaut.workspace.files.index_formats.index_file import RDF_SUFFIXES, IndexFile
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.native_tree import build_native_tree
from taxonaut.workspace.files.sources import Source, load_json, plain_suffix

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


def read_skos(
    source: Source, *, language: str = "", leaves_only: bool = False, collections: bool = False
) -> IndexFile:
    """Read SKOS in any of rdflib's formats, recognised by content (`find_rdf_formats`).

    Every concept is a label, typed as one or meant as one (`_find_concepts`), whose id is its notation (its address
    if it has none, several, or one that another concept has, too); a `urn:taxonaut:Category` is a node only, and with
    `leaves_only` so is every concept that has narrower ones; with `collections` so is every skos:Collection. Names
    are the prefLabels in `language`; without it the untagged ones, then English, then those of the language that most
    have; a concept without a prefLabel takes what it has (`_FURTHER_NAMES`). Alternative names are the altLabels and
    hiddenLabels in the language of the name. Deprecated concepts are left out; their names are alternative names of
    what replaces them. `notes` say what was left out or chosen. Raises InputError for a file that cannot be parsed or
    has no concepts.
    """
    return _Reader(source, language, leaves_only, collections).read()


def read_skos_rows(source: Source, *, language: str = "") -> tuple[list[LabelRow], tuple[str, ...]]:
    """Read SKOS as rows of labels, and what was left out or chosen; see `read_skos`."""
    reader = _Reader(source, language, leaves_only=False, collections=False)
    rows = reader.rows()
    return rows, tuple(reader.notes)


_FURTHER_NAMES = (
    ("rdfs:label", "http://www.w3.org/2000/01/rdf-schema#label"),
    ("dct:title", "http://purl.org/dc/terms/title"),
    ("dc:title", "http://purl.org/dc/elements/1.1/title"),
    ("schema:name", "https://schema.org/name"),
    ("schema:name", "http://schema.org/name"),
    ("skos:altLabel", "http://www.w3.org/2004/02/skos/core#altLabel"),
    ("skos:hiddenLabel", "http://www.w3.org/2004/02/skos/core#hiddenLabel"),
    ("skos:notation", "http://www.w3.org/2004/02/skos/core#notation"),
)
"""What names a concept that has no prefLabel, the best first; else the last part of its address does."""

_ISO_THES = "http://purl.org/iso25964/skos-thes#"
_KINDS = ("", "Generic", "Instantial", "Partitive")
_REPLACED_BY = "http://purl.org/dc/terms/isReplacedBy"


def find_rdf_formats(start: bytes, suffix: str) -> list[str]:
    """Return the RDF formats that a file may have, the likeliest first, by its first bytes and its suffix."""
    text = start.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text[:1] in "{[" and not text.startswith("[]"):
        return ["json-ld"]
    if text.startswith(("<?xml", "<rdf:", "<!DOCTYPE", "<!--")) or "<rdf:RDF" in text:
        return ["xml"]
    named = RDF_SUFFIXES.get(suffix, "turtle")
    others = ["turtle", "trig", "n3", "nquads"]
    return list(dict.fromkeys([named if named in (*others, "nt") else "turtle", *others]))


class _Reader:
    def __init__(self, source: Source, language: str, leaves_only: bool, collections: bool) -> None:
        self.source = source
        self.language = language.lower()
        self.leaves_only = leaves_only
        self.lib = import_rdflib()
        self.graph = self._parse()
        self.notes: list[str] = []
        self.groups: list[Any] = self._find_collections() if collections else []
        self.concepts: list[Any] = self._find_concepts()
        if not self.concepts:
            raise InputError(
                f"{source.name} contains no skos:Concept; give a SKOS vocabulary, "
                "or import labels of another format with: taxonaut labels import"
            )
        self.deprecated = self._find_deprecated()
        self.languages = self._languages()
        self.foreign = 0
        """Alternative names in other languages than their concept's name."""

    def _parse(self) -> Any:
        suffix = plain_suffix(self.source.path)
        with self.source.open_bytes() as file:
            content = file.read()
        formats = find_rdf_formats(content[:4096], suffix)
        said = ""
        for format_ in formats:
            if format_ == "json-ld":
                _check_contexts(self.source.name, content)
            graph = (
                self.lib.Dataset(default_union=True) if format_ in ("trig", "nquads") else self.lib.Graph()
            )
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own, about its own classes
                    graph.parse(data=content, format=format_)
            except Exception as error:  # noqa: BLE001 - rdflib's parsers raise whatever they meet
                said = said or " ".join(str(error).split())[:200]
                continue
            return graph
        raise InputError(f"{self.source.name} cannot be read as {formats[0]}: {said}") from None

    def _typed(self, *names: str) -> set[Any]:
        return {
            each for name in names for each in self.graph.subjects(self.lib.RDF.type, self.lib.SKOS[name])
        }

    def _find_collections(self) -> list[Any]:
        return sorted(self._typed("Collection", "OrderedCollection"))

    def _find_concepts(self) -> list[Any]:
        """Return what is typed as a concept, and what SKOS's properties say is one (SKOS Reference, 4 and 8)."""
        skos, graph = self.lib.SKOS, self.graph
        found = self._typed("Concept")
        implied: set[Any] = set(graph.objects(None, skos.hasTopConcept)) | set(
            graph.subjects(skos.topConceptOf, None)
        )
        for relation in (skos.broader, skos.narrower, skos.related):
            implied |= set(graph.subjects(relation, None))
        implied |= {
            each for each in graph.subjects(skos.inScheme, None) if (each, skos.prefLabel, None) in graph
        }
        others = self._typed("ConceptScheme", "Collection", "OrderedCollection")
        others |= set(graph.subjects(self.lib.RDF.type, self.lib.URIRef(f"{SKOS_XL}Label")))
        implied = {each for each in implied if (each, None, None) in graph} - found - others
        if implied:
            self.notes.append(
                f"{len(implied):,} concepts have no rdf:type skos:Concept and are taken for ones by their relations"
            )
        left = [] if self.groups else self._find_collections()
        if left:
            shown = ", ".join(repr(self._any_name(each)) for each in left[:_SHOWN])
            self.notes.append(
                f"{len(left):,} collections are left out ({shown}{', …' if len(left) > _SHOWN else ''}); "
                "--collections makes a branch of each"
            )
        return sorted((found | implied) - others)

    def _any_name(self, thing: Any) -> str:
        names = self._name_literals(thing)
        return str(names[0]) if names else str(thing)

    def _find_deprecated(self) -> set[Any]:
        """Take deprecated concepts out of `concepts`."""
        owl, by = self.lib.OWL, self.lib.URIRef(_REPLACED_BY)
        found = {
            each
            for each in self.concepts
            if str(self.graph.value(each, owl.deprecated) or "").lower() in ("true", "1")
            or (each, self.lib.RDF.type, owl.DeprecatedClass) in self.graph
            or (each, by, None) in self.graph
        }
        if found:
            kept = [each for each in self.concepts if each not in found]
            if not kept:
                raise InputError(f"all {len(found):,} concepts of {self.source.name} are deprecated")
            self.concepts = kept
            replaced = sum((each, by, None) in self.graph for each in found)
            names = f"; the names of {replaced:,} are other names of what replaces them" if replaced else ""
            self.notes.append(f"{len(found):,} deprecated concepts are left out{names}")
        return found

    def read(self) -> IndexFile:
        rows = self.rows()
        labels = tuple(row.label for row in rows if not row.is_node)
        if not labels:
            raise InputError(f"{self.source.name} holds categories only and no label to predict")
        return IndexFile(
            self.source.name, labels, self._with_root(build_native_tree(rows)), tuple(self.notes)
        )

    def rows(self) -> list[LabelRow]:
        """Return the concepts with their parents, checked to form a graph."""
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
                    parents=(
                        *(
                            LabelId(f"node {parent}" if self._is_category(parent) else ids[parent])
                            for parent in parents[concept]
                        ),
                        *(LabelId(f"node {group}") for group in self._groups_of(concept)),
                    ),
                    is_node=is_category or (self.leaves_only and concept in above),
                    place=f"{self.source.name}, {concept}",
                    includes=self._all(concept, self.lib.SKOS.scopeNote),
                    excludes=self._all(concept, self.lib.URIRef(EXCLUDES)),
                    examples=self._all(concept, self.lib.SKOS.example),
                )
            )
        rows += self._group_rows()
        if self.foreign:
            self.notes.append(
                f"{self.foreign:,} alternative names are in another language than the concept's name and left out"
            )
        self.notes += check_labels(rows, self.source.name)
        return rows

    def _is_category(self, concept: Any) -> bool:
        return (concept, self.lib.RDF.type, self.lib.URIRef(CATEGORY)) in self.graph

    def _groups_of(self, thing: Any) -> list[Any]:
        return [group for group in self.groups if thing in self._members(group)]

    @cache  # noqa: B019 - a reader lives for one file
    def _members(self, group: Any) -> frozenset[Any]:
        skos = self.lib.SKOS
        members = set(self.graph.objects(group, skos.member))
        for each in self.graph.objects(group, skos.memberList):
            members.update(self.graph.items(each))
        return frozenset(members)

    def _group_rows(self) -> list[LabelRow]:
        return [
            LabelRow(
                Label(LabelId(f"node {group}"), self._any_name(group)),
                parents=tuple(LabelId(f"node {outer}") for outer in self._groups_of(group)),
                is_node=True,
                place=f"{self.source.name}, {group}",
            )
            for group in self.groups
        ]

    def _parents(self) -> Mapping[Any, list[Any]]:
        known = {*self.concepts, *self.deprecated}
        found: defaultdict[Any, dict[Any, None]] = defaultdict(dict)
        missing = set()
        pairs = self._broader_pairs()
        for low, high in sorted(pairs):
            if low in known and high in known:
                found[low][high] = None
            else:
                missing.add(high if low in known else low)
        if missing:
            self.notes.append(
                f"links to concepts that are not in the file are left out; there are {len(missing):,} such "
                f"concepts, first {min(missing)}"
            )
        self._break_cycles(found)
        return {concept: self._standing(found, concept) for concept in self.concepts}

    def _broader_pairs(self) -> set[tuple[Any, Any]]:
        """Return (narrower, broader) from either direction, also of ISO-THES; transitive ones if nothing else."""
        pairs: set[tuple[Any, Any]] = set()
        for kind in _KINDS:
            up, down = (
                (self.lib.URIRef(f"{_ISO_THES}broader{kind}"), self.lib.URIRef(f"{_ISO_THES}narrower{kind}"))
                if kind
                else (self.lib.SKOS.broader, self.lib.SKOS.narrower)
            )
            pairs |= set(self.graph.subject_objects(up))
            pairs |= {(low, high) for high, low in self.graph.subject_objects(down)}
        if not pairs:
            pairs |= set(self.graph.subject_objects(self.lib.SKOS.broaderTransitive))
        return pairs

    def _break_cycles(self, parents: Mapping[Any, dict[Any, None]]) -> None:
        """Take out the relations that close a cycle."""
        removed: list[tuple[Any, Any]] = []
        done: set[Any] = set()
        for start in sorted(parents):
            stack, path = [(start, iter(list(parents[start])))], {start}
            while stack:
                low, above = stack[-1]
                high = next(above, None)
                if high is None:
                    stack.pop()
                    path.discard(low)
                    done.add(low)
                elif high in path:
                    del parents[low][high]
                    removed.append((low, high))
                elif high not in done:
                    path.add(high)
                    stack.append((high, iter(list(parents.get(high, {})))))
        if removed:
            low, high = removed[0]
            self.notes.append(
                f"{len(removed):,} relations that put a concept below itself are left out, first {low} below {high}"
            )

    def _standing(self, parents: Mapping[Any, Mapping[Any, None]], concept: Any) -> list[Any]:
        """Return a concept's parents; in place of a deprecated one those above it."""
        found: dict[Any, None] = {}
        waiting, seen = list(parents.get(concept, ())), set()
        while waiting:
            parent = waiting.pop(0)
            if parent not in self.deprecated:
                found[parent] = None
            elif parent not in seen:
                seen.add(parent)
                waiting += parents.get(parent, ())
        return list(found)

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
            taken = Counter(self._take_name(concept, names) for concept in nameless)
            shown = ", ".join(f"{count:,} {what}" for what, count in taken.items())
            first = ", ".join(f"{each} ({names[each]!r})" for each in nameless[:_SHOWN])
            self.notes.append(
                f"{len(nameless):,} of {len(self.concepts):,} concepts have no skos:prefLabel and take another name "
                f"({shown}): {first}{', …' if len(nameless) > _SHOWN else ''}"
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

    def _take_name(self, concept: Any, names: dict[Any, str]) -> str:
        """Name a concept by what it has, and return what that is."""
        for what, term in _FURTHER_NAMES:
            name, _ = self._best(self.graph.objects(concept, self.lib.URIRef(term)))
            if name.strip():
                names[concept] = name
                return what
        names[concept] = unquote(re.split(r"[/#:]", str(concept).rstrip("/#"))[-1])
        return "by their address"

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
        for old in sorted(self.graph.subjects(self.lib.URIRef(_REPLACED_BY), concept)):
            if former := self._best(self._name_literals(old))[0]:
                yield former
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
