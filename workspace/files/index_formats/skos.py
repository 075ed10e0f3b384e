"""Read SKOS (W3C, 2009) as labels with their tree, with rdflib."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import unquote

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import NATIVE, Label, Tree, TreeNode, distinct_names
from taxonaut.state.stores.rdf_sources import RdfSource
from taxonaut.workspace.files.documents.document_texts import html_text
from taxonaut.workspace.files.index_formats.index_file import IndexFile, RetiredLabel
from taxonaut.workspace.files.index_formats.rdf_graph import import_rdflib, read_rdf, shown_iri
from taxonaut.workspace.files.label_graph import LabelRow, check_labels
from taxonaut.workspace.files.native_tree import build_native_tree, node_rows
from taxonaut.workspace.files.sources import Source

CATEGORY = "urn:taxonaut:Category"
"""Our own class for concepts that are inner nodes, not labels to predict."""

EXCLUDES = "urn:taxonaut:excludes"
BATCH = "urn:taxonaut:batch"
BASE = "urn:taxonaut:index:"
"""What addresses begin with that an export makes of ids."""

ID = "urn:taxonaut:id"
"""The id of a label whose address an export made."""

SKOS_XL = "http://www.w3.org/2008/05/skos-xl#"
ISO_THES = "http://purl.org/iso25964/skos-thes#"
KINDS = ("", "Generic", "Instantial", "Partitive")
"""Endings of ISO-THES's kinds of broader and narrower; "" is SKOS's own."""

REPLACED_BY = "http://purl.org/dc/terms/isReplacedBy"
_MADS = "http://www.loc.gov/mads/rdf/v1#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_SHOWN = 3
_MOST_OF = 0.9
"""The share of the most common language's names that untagged or English names must reach to be preferred."""

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_FURTHER_NAMES = (
    ("rdfs:label", "http://www.w3.org/2000/01/rdf-schema#label"),
    ("dct:title", "http://purl.org/dc/terms/title"),
    ("dc:title", "http://purl.org/dc/elements/1.1/title"),
    ("schema:name", "https://schema.org/name"),
    ("schema:name", "http://schema.org/name"),
    ("skos:altLabel", f"{_SKOS}altLabel"),
    ("skos:hiddenLabel", f"{_SKOS}hiddenLabel"),
    ("skos:notation", f"{_SKOS}notation"),
)
"""What names a concept that has no prefLabel, the best first; else the last part of its address does."""


@dataclass(frozen=True, slots=True)
class ConceptReading:
    """What was read of a concept: `concept` is its address (`concept_ref`), `label` its label's id, "" for a node.

    `tag` is the language of its name; `parents` are the addresses of what it stands below, () at the top. `texts` are
    all its literals of `TEXTS`: kind, language and text.
    """

    concept: str
    label: str
    name: str
    tag: str
    description: str
    alternatives: tuple[str, ...]
    parents: tuple[str, ...]
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    texts: tuple[tuple[str, str, str], ...] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class SkosRows:
    """SKOS as rows of labels, what was left out or chosen, the file to keep, and its deprecated concepts."""

    rows: list[LabelRow]
    notes: tuple[str, ...]
    rdf: RdfSource
    retired: tuple[RetiredLabel, ...]


def as_reading(row: Mapping[str, Any]) -> ConceptReading:
    """Return what was read of a concept from its stored values."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    given["texts"] = tuple((kind, tag, text) for kind, tag, text in given.get("texts", ()))
    return ConceptReading(**given)


TEXTS = (
    "prefLabel", "altLabel", "hiddenLabel", "notation", "definition", "scopeNote", "example", "note", "historyNote",
    "changeNote", "editorialNote",
)  # fmt: skip
"""The literals of SKOS that a reading keeps, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class SkosOptions:
    """How SKOS is read: the language of names; concepts with narrower ones, or collections, as nodes only."""

    language: str = ""
    leaves_only: bool = False
    collections: bool = False


def read_skos(
    source: Source, options: SkosOptions | None = None, known: Callable[[LabelId], bool] = lambda _: False
) -> IndexFile:
    """Read SKOS in any of rdflib's formats, recognised by content (`read_rdf`).

    Every concept is a label, typed as one or meant as one (`_find_concepts`). Its id is its address, its notation the
    first of its notations; a concept that an export of ours made has the id it had, and one whose notation is `known`
    as an id has that. A `urn:taxonaut:Category` is a node only, and with `leaves_only` so is every concept that has
    narrower ones; with `collections` so is every skos:Collection. Names are the prefLabels in `language`; without it
    those without a language if most have one, else the English ones, else those of the language that most have; a
    concept without a prefLabel takes what it has (`_FURTHER_NAMES`). Alternative names are further prefLabels,
    altLabels and hiddenLabels in the language of the name. Deprecated concepts are no labels but `retired`; their
    names are alternative names of what replaces them. `notes` say what was left out or chosen; `rdf` is the file.
    Raises InputError for a file that cannot be parsed or has no concepts.
    """
    return _Reader(source, options or SkosOptions(), known).read()


def read_skos_rows(
    source: Source, options: SkosOptions | None = None, known: Callable[[LabelId], bool] = lambda _: False
) -> SkosRows:
    """Read SKOS as rows of labels; see `read_skos`."""
    reader = _Reader(source, options or SkosOptions(), known)
    rows = reader.rows()
    return SkosRows(rows, tuple(reader.notes), reader.kept(rows), tuple(reader.retired))


def read_concepts(source: Source, options: SkosOptions) -> tuple[dict[str, ConceptReading], str]:
    """Return what is read of each concept, by its address, and the language of most names."""
    reader = _Reader(source, options, lambda _: False)
    kept = reader.kept(reader.rows())
    return {one.concept: one for one in reader.reading}, kept.reading["tag"]


def concept_ref(graph: Any, concept: Any) -> str:
    """Return what a concept is known by in any reading of its file: its address, or a hash of what it says."""
    if not isinstance(concept, import_rdflib().BNode):
        return shown_iri(concept)
    said = sorted(f"{p} {o.n3()}" for p, o in graph.predicate_objects(concept) if str(o) != str(concept))
    return "_:" + hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def literal_text(literal: object) -> str:
    """Return the text of a literal that is a name."""
    return str(literal).strip()


def prose(literal: object) -> str:
    """Return a literal's text without the tags of HTML, if it has any."""
    text = str(literal).strip()
    return html_text(text) if _TAG.search(text) else text


def tag_of(literal: object) -> str:
    """Return a literal's language in lower case, "" if it has none."""
    return (getattr(literal, "language", None) or "").lower()


def is_in(tag: str, wanted: str) -> bool:
    """Return whether a language tag is the wanted one or a region's: `en-gb` is in `en`."""
    return tag == wanted or bool(wanted and tag.startswith(f"{wanted}-"))


class _Reader:
    def __init__(self, source: Source, options: SkosOptions, known: Callable[[LabelId], bool]) -> None:
        self.source = source
        self.language = options.language.lower()
        self.leaves_only = options.leaves_only
        self.known = known
        self.lib = import_rdflib()
        self.file = read_rdf(source)
        self.graph = self.file.graph
        self.notes: list[str] = list(self.file.notes)
        self.groups: list[Any] = self._find_collections() if options.collections else []
        self.broader = {self.lib.SKOS.broader}
        """Properties from a concept to a broader one, besides those of ISO-THES."""

        self.concepts: list[Any] = self._find_concepts()
        self.deprecated = self._find_deprecated()
        self.languages = self._languages()
        self.foreign = 0
        """Alternative names in other languages than their concept's name."""

        self.reading: list[ConceptReading] = []
        self.retired: list[RetiredLabel] = []

    def _typed(self, *names: str) -> set[Any]:
        types = {self.lib.SKOS[name] for name in names}
        waiting = list(types)
        while waiting:  # classes of the file's own, such as a thesaurus' Descriptor
            for each in self.graph.subjects(self.lib.RDFS.subClassOf, waiting.pop()):
                if each not in types and not str(each).startswith(_SKOS):
                    types.add(each)
                    waiting.append(each)
        return {each for type_ in types for each in self.graph.subjects(self.lib.RDF.type, type_)}

    def _find_collections(self) -> list[Any]:
        return sorted(self._typed("Collection", "OrderedCollection") - self._typed("Concept"))

    def _find_concepts(self) -> list[Any]:
        """Return what is typed as a concept, and what SKOS's properties say is one (SKOS Reference, 4 and 8)."""
        skos, graph = self.lib.SKOS, self.graph
        found = self._typed("Concept")
        implied: set[Any] = set(graph.objects(None, skos.hasTopConcept)) | set(
            graph.subjects(skos.topConceptOf, None)
        )
        for relation in (skos.broader, skos.narrower, skos.related):
            implied |= set(graph.subjects(relation, None)) | set(graph.objects(None, relation))
        for each in (*graph.subjects(skos.inScheme, None), *graph.objects(None, skos.member)):
            if (each, skos.prefLabel, None) in graph:
                implied.add(each)
        others = self._typed("ConceptScheme") | set(self._find_collections())
        others |= set(graph.subjects(self.lib.RDF.type, self.lib.URIRef(f"{SKOS_XL}Label")))
        others |= {each for each in found | implied if str(each).startswith(_SKOS)}
        implied = {each for each in implied if (each, None, None) in graph} - found - others
        if implied:
            self.notes.append(
                f"{len(implied):,} concepts have no rdf:type skos:Concept and are taken for ones by their relations"
            )
        concepts = self._distinct(sorted((found | implied) - others)) or self._find_classes()
        if not concepts:
            raise InputError(self._say_no_concepts())
        left = [] if self.groups else self._find_collections()
        if left:
            shown = ", ".join(repr(self._any_name(each)) for each in left[:_SHOWN])
            self.notes.append(
                f"{len(left):,} collections are left out ({shown}{', …' if len(left) > _SHOWN else ''}); "
                "--collections makes a branch of each"
            )
        own = self.graph.subjects(self.lib.RDFS.subPropertyOf, skos.broader)
        self.broader |= {each for each in own if not str(each).startswith(_SKOS)}
        return concepts

    def _distinct(self, concepts: Sequence[Any]) -> list[Any]:
        """Return concepts without blank nodes that say the same as another one."""
        kept: dict[str, Any] = {}
        for each in concepts:
            kept.setdefault(concept_ref(self.graph, each), each)
        if len(kept) < len(concepts):
            self.notes.append(
                f"{len(concepts) - len(kept):,} concepts without an address say the same as another, and count once"
            )
        return list(kept.values())

    def _find_classes(self) -> list[Any]:
        """Return the named classes of an ontology, whose tree is by rdfs:subClassOf."""
        owl, rdfs = self.lib.OWL, self.lib.RDFS
        found = {
            each
            for kind in (owl.Class, rdfs.Class)
            for each in self.graph.subjects(self.lib.RDF.type, kind)
            if isinstance(each, self.lib.URIRef) and each != owl.Thing
        }
        if found:
            self.broader.add(rdfs.subClassOf)
            self.notes.append(
                f"no skos:Concept; the {len(found):,} classes are taken for concepts, in a tree by rdfs:subClassOf"
            )
        return sorted(found)

    def _say_no_concepts(self) -> str:
        if any(str(kind).startswith(_MADS) for kind in self.graph.objects(None, self.lib.RDF.type)):
            return (
                f"{self.source.name} is MADS/RDF, which is not read; the Library of Congress publishes the same "
                "authorities as SKOS: give that file"
            )
        kinds = Counter(shown_iri(each) for each in self.graph.objects(None, self.lib.RDF.type))
        held = ", ".join(kind for kind, _ in kinds.most_common(_SHOWN)) or "no types at all"
        return (
            f"{self.source.name} contains no skos:Concept (it holds {held}); give a SKOS vocabulary, or import "
            "labels of another format with: taxonaut labels import"
        )

    def _any_name(self, thing: Any) -> str:
        names = self._name_literals(thing)
        return literal_text(names[0]) if names else shown_iri(thing)

    def _find_deprecated(self) -> set[Any]:
        """Take deprecated concepts out of `concepts`."""
        owl, by = self.lib.OWL, self.lib.URIRef(REPLACED_BY)
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
            self.notes.append(f"{len(found):,} deprecated concepts are retired, and no answers{names}")
        return found

    def read(self) -> IndexFile:
        rows = self.rows()
        labels = tuple(row.label for row in rows if not row.is_node)
        if not labels:
            raise InputError(f"{self.source.name} holds categories only and no label to predict")
        tree = self._with_root(build_native_tree(rows))
        return IndexFile(
            self.source.name, labels, tree, tuple(self.notes), self.kept(rows), tuple(self.retired)
        )

    def kept(self, rows: Sequence[LabelRow]) -> RdfSource:
        """Return the file to keep, with the concepts of those nodes of the tree that are no labels."""
        standing = [one for one in self.reading if not one.deprecated]
        names = {row.label.id: one.concept for row, one in zip(rows, standing, strict=True)}
        nodes = {}
        if any(row.is_node for row in rows):
            nodes = {at: names[row.label.id] for at, row in node_rows(rows).items() if row.is_node}
        tags = Counter(one.tag for one in self.reading)
        reading = {
            "language": self.language,
            "tag": tags.most_common(1)[0][0] if tags else "",
            "concepts": [asdict(one) for one in self.reading],
            "tree_nodes": {str(number): concept for number, concept in nodes.items()},
        }
        return RdfSource(self.source.name, self.file.format, self.file.content, reading)

    def rows(self) -> list[LabelRow]:
        """Return the concepts with their parents, checked to form a graph."""
        parents = self._parents()
        names = self._names()
        ids = self._ids({concept: name for concept, (name, _) in names.items()})
        above = {parent for each in parents.values() for parent in each}
        rows = []
        for concept in sorted(self.concepts, key=lambda each: (names[each][0].casefold(), each)):
            name, tag = names[concept]
            is_node = self._is_category(concept) or (self.leaves_only and concept in above)
            groups = self._groups_of(concept)
            row = LabelRow(
                Label(
                    LabelId(self._node_id(concept) if self._is_category(concept) else ids[concept]),
                    name,
                    next(iter(self._texts(concept, self.lib.SKOS.definition)), ""),
                    str(self.graph.value(concept, self.lib.URIRef(BATCH)) or "initial"),
                    distinct_names(self._alternatives(concept, name, tag), name),
                    self._notation(concept, ids[concept]),
                ),
                parents=(
                    *(
                        LabelId(self._node_id(parent) if self._is_category(parent) else ids[parent])
                        for parent in parents[concept]
                    ),
                    *(LabelId(self._node_id(group)) for group in groups),
                ),
                is_node=is_node,
                place=f"{self.source.name}, {shown_iri(concept)}",
                includes=self._texts(concept, self.lib.SKOS.scopeNote),
                excludes=self._texts(concept, self.lib.URIRef(EXCLUDES)),
                examples=self._texts(concept, self.lib.SKOS.example),
            )
            rows.append(row)
            self._keep_reading(concept, row, tag, [*parents[concept], *groups])
        rows += self._group_rows()
        self._say_languages()
        self._retire(ids)
        if self.foreign:
            self.notes.append(
                f"{self.foreign:,} alternative names are in another language than the concept's name and left out"
            )
        self.notes += check_labels(rows, self.source.name)
        return rows

    def _retire(self, ids: Mapping[Any, str]) -> None:
        """Make retired labels of deprecated concepts, with those in use that replace them."""
        taken = set(ids.values())
        for concept in sorted(self.deprecated):
            name, tag = self._best(self._name_literals(concept))
            if not name:
                _, (name, tag) = self._other_name(concept)
            id_ = self._exported_id(concept) or shown_iri(concept)
            if isinstance(concept, self.lib.BNode) or id_ in taken:
                continue
            label = Label(LabelId(id_), name, notation=self._notation(concept, id_))
            heirs = tuple(LabelId(ids[each]) for each in self._heirs(concept) if each in ids)
            self.retired.append(RetiredLabel(label, heirs))
            row = LabelRow(label)
            self._keep_reading(concept, row, tag, (), deprecated=True)

    def _heirs(self, concept: Any) -> list[Any]:
        """Return the concepts in use that replace a deprecated one, over others that are deprecated too."""
        found: dict[Any, None] = {}
        waiting, seen = [concept], {concept}
        while waiting:
            for each in sorted(self.graph.objects(waiting.pop(0), self.lib.URIRef(REPLACED_BY))):
                if each in seen:
                    continue
                seen.add(each)
                if each in self.deprecated:
                    waiting.append(each)
                else:
                    found[each] = None
        return list(found)

    def _say_languages(self) -> None:
        """Say which language names are in, where the file has several."""
        used = Counter(one.tag for one in self.reading)
        offered = Counter(
            tag for one in self.reading for tag in {tag for kind, tag, _ in one.texts if kind == "prefLabel"}
        )
        if len([tag for tag in offered if tag]) < 2:
            return
        shown = ", ".join(f"{tag or 'none'} ({count:,})" for tag, count in used.most_common(_SHOWN))
        others = ", ".join(
            f"{tag or 'none'} ({count:,})" for tag, count in offered.most_common(8) if not used[tag]
        )
        self.notes.append(
            f"names are in the language {shown}" + (f"; --language takes another: {others}" if others else "")
        )

    def _keep_reading(
        self, concept: Any, row: LabelRow, tag: str, above: Sequence[Any], *, deprecated: bool = False
    ) -> None:
        self.reading.append(
            ConceptReading(
                concept=concept_ref(self.graph, concept),
                label="" if row.is_node else row.label.id,
                name=row.label.name,
                tag=tag,
                description=row.label.description,
                alternatives=row.label.alternatives,
                parents=tuple(concept_ref(self.graph, each) for each in above),
                includes=row.includes,
                excludes=row.excludes,
                examples=row.examples,
                texts=tuple(self._all_texts(concept)),
                deprecated=deprecated,
            )
        )

    def _all_texts(self, concept: Any) -> Iterator[tuple[str, str, str]]:
        for kind in TEXTS:
            labels = kind.endswith("Label")
            found = (
                self._label_literals(concept, kind)
                if labels
                else self._literals(concept, self.lib.SKOS[kind])
            )
            for literal in sorted(found, key=lambda each: (tag_of(each), str(each))):
                yield kind, tag_of(literal), literal_text(literal) if labels else prose(literal)

    def _is_category(self, concept: Any) -> bool:
        return (concept, self.lib.RDF.type, self.lib.URIRef(CATEGORY)) in self.graph

    def _node_id(self, concept: Any) -> str:
        return f"node {concept_ref(self.graph, concept)}"

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
        rows = []
        for group in self.groups:
            name, tag = self._best(self._name_literals(group))
            outer = self._groups_of(group)
            row = LabelRow(
                Label(LabelId(self._node_id(group)), name or shown_iri(group)),
                parents=tuple(LabelId(self._node_id(each)) for each in outer),
                is_node=True,
                place=f"{self.source.name}, {shown_iri(group)}",
            )
            rows.append(row)
            self._keep_reading(group, row, tag, outer)
        return rows

    def _parents(self) -> Mapping[Any, list[Any]]:
        known = {*self.concepts, *self.deprecated}
        found: defaultdict[Any, dict[Any, None]] = defaultdict(dict)
        missing = set()
        for low, high in sorted(self._broader_pairs()):
            if low in known and high in known:
                found[low][high] = None
            elif isinstance(high, self.lib.URIRef) and high != self.lib.OWL.Thing:
                missing.add(high if low in known else low)
        if missing:
            self.notes.append(
                f"links to concepts that are not in the file are left out; there are {len(missing):,} such "
                f"concepts, first {shown_iri(min(missing))}"
            )
        self._break_cycles(found)
        return {concept: self._standing(found, concept) for concept in self.concepts}

    def _broader_pairs(self) -> set[tuple[Any, Any]]:
        """Return (narrower, broader) from either direction, also of ISO-THES; transitive ones if nothing else."""
        skos = self.lib.SKOS
        pairs: set[tuple[Any, Any]] = {
            pair for relation in self.broader for pair in self.graph.subject_objects(relation)
        }
        pairs |= {(low, high) for high, low in self.graph.subject_objects(skos.narrower)}
        for kind in KINDS[1:]:
            pairs |= set(self.graph.subject_objects(self.lib.URIRef(f"{ISO_THES}broader{kind}")))
            down = self.graph.subject_objects(self.lib.URIRef(f"{ISO_THES}narrower{kind}"))
            pairs |= {(low, high) for high, low in down}
        if not pairs:
            pairs |= set(self.graph.subject_objects(skos.broaderTransitive))
            pairs |= {(low, high) for high, low in self.graph.subject_objects(skos.narrowerTransitive)}
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
            low, high = map(shown_iri, removed[0])
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
        for concept in self.concepts:
            tags.update({tag_of(literal) for literal in self._name_literals(concept)})
        common = [tag for tag, _ in sorted(tags.items(), key=lambda entry: (-entry[1], entry[0]))]
        enough = _MOST_OF * max(tags.values(), default=0)
        first = [tag for tag in ("", "en") if 0 < enough <= tags[tag]]
        return list(dict.fromkeys([*([self.language] if self.language else first), *common]))

    def _best(self, literals: Iterable[Any]) -> tuple[str, str]:
        """Return the text in the preferred language, and that language."""
        by_tag: dict[str, str] = {}
        for literal in sorted(literals, key=str):
            if text := literal_text(literal):
                by_tag.setdefault(tag_of(literal), text)
        for wanted in self.languages:
            for tag in sorted(by_tag, key=len):
                if is_in(tag, wanted):
                    return by_tag[tag], tag
            if wanted == self.language and (whole := wanted.partition("-")[0]) in by_tag and whole:
                return by_tag[whole], whole
        return next(iter(by_tag.items()))[::-1] if by_tag else ("", "")

    def _names(self) -> Mapping[Any, tuple[str, str]]:
        """Return each concept's name and its language."""
        names: dict[Any, tuple[str, str]] = {}
        nameless, elsewhere = [], 0
        for concept in self.concepts:
            names[concept] = self._best(self._name_literals(concept))
            if not names[concept][0]:
                nameless.append(concept)
            elif self.language and not self._is_asked(names[concept][1]):
                elsewhere += 1
        if nameless:
            taken: Counter[str] = Counter()
            for concept in nameless:
                what, names[concept] = self._other_name(concept)
                taken[what] += 1
            said = ", ".join(f"{count:,} {what}" for what, count in taken.items())
            first = ", ".join(f"{shown_iri(each)} ({names[each][0]!r})" for each in nameless[:_SHOWN])
            self.notes.append(
                f"{len(nameless):,} of {len(self.concepts):,} concepts have no skos:prefLabel and take another name "
                f"({said}): {first}{', …' if len(nameless) > _SHOWN else ''}"
            )
        if self.language and elsewhere and elsewhere + len(nameless) == len(self.concepts):
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

    def _is_asked(self, tag: str) -> bool:
        return is_in(tag, self.language) or tag == self.language.partition("-")[0]

    def _other_name(self, concept: Any) -> tuple[str, tuple[str, str]]:
        """Return what names a concept without a prefLabel, and the name with its language."""
        for what, term in _FURTHER_NAMES:
            name, tag = self._best(self.graph.objects(concept, self.lib.URIRef(term)))
            if name:
                return what, (name, tag)
        last = unquote(re.split(r"[/#:]", shown_iri(concept).rstrip("/#"))[-1])
        return "by their address", (last.strip() or shown_iri(concept), "")

    def _name_literals(self, concept: Any) -> list[Any]:
        return self._label_literals(concept, "prefLabel")

    def _label_literals(self, concept: Any, kind: str) -> list[Any]:
        """Return the literals of a kind of label, also those of SKOS-XL."""
        xl = self._xl
        literals = dict.fromkeys(self.graph.objects(concept, self.lib.SKOS[kind]))
        for label in self.graph.objects(concept, xl[kind]) if self._has_xl else ():
            literals |= dict.fromkeys(self.graph.objects(label, xl.literalForm))
        return [each for each in literals if isinstance(each, self.lib.Literal)]

    @cached_property
    def _xl(self) -> Any:
        return self.lib.Namespace(SKOS_XL)

    @cached_property
    def _has_xl(self) -> bool:
        return (None, self._xl.literalForm, None) in self.graph

    def _alternatives(self, concept: Any, name: str, tag: str) -> Iterator[str]:
        """Yield further prefLabels, altLabels and hiddenLabels in the language of a concept's name, or in none."""
        for old in sorted(self.graph.subjects(self.lib.URIRef(REPLACED_BY), concept)):
            if former := self._best(self._name_literals(old))[0]:
                yield former
        for kind in ("prefLabel", "altLabel", "hiddenLabel"):
            for literal in sorted(self._label_literals(concept, kind), key=str):
                text, own = literal_text(literal), tag_of(literal)
                if not text:
                    continue
                if own in ("", tag) or not tag or own.partition("-")[0] == tag.partition("-")[0]:
                    yield text
                elif kind != "prefLabel":
                    self.foreign += 1

    def _ids(self, names: Mapping[Any, str]) -> Mapping[Any, str]:
        """Return each concept's id: its address, what an export of ours says, or a blank node's notation or name."""
        ids: dict[Any, str] = {}
        taken: set[str] = set()
        for concept in sorted(self.concepts, key=lambda each: isinstance(each, self.lib.BNode)):
            given = self._exported_id(concept)
            notations = self._notations(concept)
            if given is None and not self.known(LabelId(shown_iri(concept))):
                given = next((each for each in notations if self.known(LabelId(each))), None)
            if given is None and isinstance(concept, self.lib.BNode):
                given = (notations or [names[concept]])[0]
                if given in taken:
                    given = concept_ref(self.graph, concept)
            ids[concept] = given if given is not None else shown_iri(concept)
            if ids[concept] in taken:
                ids[concept] = f"{ids[concept]} {concept_ref(self.graph, concept)}"
            taken.add(ids[concept])
        return ids

    def _exported_id(self, concept: Any) -> str | None:
        """Return the id that a concept had in the workspace whose export made its address, None for any other."""
        given = self.graph.value(concept, self.lib.URIRef(ID))
        if given is None and str(concept).startswith(BASE):
            given = next(iter(self._notations(concept)), None)
        return None if given is None else str(given)

    def _notations(self, concept: Any) -> list[str]:
        """Return a concept's notations, those without a type first."""
        found = sorted(
            self.graph.objects(concept, self.lib.SKOS.notation),
            key=lambda each: (getattr(each, "datatype", None) is not None, str(each)),
        )
        return [text for each in found if (text := str(each)).strip()]

    def _notation(self, concept: Any, id: str) -> str:
        return next((each for each in self._notations(concept) if each != id), "")

    def _texts(self, concept: Any, term: Any) -> tuple[str, ...]:
        """Return a concept's texts of one kind in the best language that any has."""
        literals = sorted(self._literals(concept, term), key=str)
        _, best = self._best(literals)
        texts = (prose(each) for each in literals if tag_of(each) == best)
        return tuple(text for text in texts if text)

    def _literals(self, concept: Any, term: Any) -> Iterator[Any]:
        """Yield a concept's texts, also those of notes that are things with a value (SKOS Primer, 4.2)."""
        for value in self.graph.objects(concept, term):
            if isinstance(value, self.lib.Literal):
                yield value
            else:
                yield from self.graph.objects(value, self.lib.RDF.value)

    def _with_root(self, tree: Tree) -> Tree:
        """Name the root after the concept scheme, if exactly one exists and has a name."""
        schemes = sorted(self.graph.subjects(self.lib.RDF.type, self.lib.SKOS.ConceptScheme))
        names = [self._best(self._name_literals(each))[0] for each in schemes]
        if len(schemes) != 1 or not names[0]:
            return tree
        root = TreeNode(
            0,
            names[0],
            next(iter(self._texts(schemes[0], self.lib.SKOS.definition)), ""),
            examples=self._texts(schemes[0], self.lib.SKOS.example),
            includes=self._texts(schemes[0], self.lib.SKOS.scopeNote),
            excludes=self._texts(schemes[0], self.lib.URIRef(EXCLUDES)),
        )
        return Tree(NATIVE, (root, *tree.nodes), tree.edges, tree.placements)
