"""Other people's SKOS: several parents, several languages, links that lead nowhere; and what is refused."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label
from taxonaut.workspace.files.index_formats.index_file import IndexFile
from taxonaut.workspace.files.index_formats.index_transfer import read_index
from taxonaut.workspace.files.label_files import read_labels

pytest.importorskip("rdflib")

E = "http://e.org/"
PREFIXES = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix : <http://e.org/> .
"""
ANIMALS = (
    PREFIXES
    + """\
:s a skos:ConceptScheme ; skos:prefLabel "Tiere"@de, "Animals"@en .
:dog a skos:Concept ; skos:prefLabel "Hund"@de, "dog"@en-GB ; skos:broader :pet, :mammal ;
    skos:notation "D1" ; skos:definition "barks"@en, "bellt"@de ; skos:altLabel "hound"@en, "Köter"@de ;
    xl:hiddenLabel [ xl:literalForm "mutt"@en ] .
:pet a skos:Concept ; skos:prefLabel "pet"@en, "Haustier"@de ; skos:narrower :cat ; skos:notation "P" .
:mammal a skos:Concept ; skos:prefLabel "mammal"@en ; skos:broader :gone ; skos:notation "P" .
:cat a skos:Concept ; skos:prefLabel "cat"@en, "Katze"@de ; skos:broader :mammal ; skos:notation "C1", "C2" .
:fish a skos:Concept ; xl:prefLabel [ xl:literalForm "fish"@en ] .
"""
)


def read(folder: Path, text: str, **options: str | bool) -> IndexFile:
    path = folder / "animals.ttl"
    path.write_text(text, encoding="utf-8")
    return read_index(path, **options)  # type: ignore[arg-type]


def drawn(file: IndexFile) -> list[str]:
    """Return each node with its parents and its labels."""
    names = {0: "root", **{node.key: node.name for node in file.tree.nodes}}
    return [
        f"{name} < {[names[parent] for parent, child in file.tree.edges if child == key]} "
        f"{[label for at, label in file.tree.placements if at == key]}"
        for key, name in names.items()
    ]


def test_every_concept_is_a_label_with_all_its_parents(tmp_path: Path) -> None:
    file = read(tmp_path, ANIMALS)
    assert file.labels == (
        Label(LabelId(E + "cat"), "cat", notation="C1"),
        Label(LabelId(E + "dog"), "dog", "barks", alternatives=("hound", "mutt"), notation="D1"),
        Label(LabelId(E + "fish"), "fish"),
        Label(LabelId(E + "mammal"), "mammal", notation="P"),
        Label(LabelId(E + "pet"), "pet", notation="P"),
    )
    assert drawn(file) == [
        "Animals < [] ['http://e.org/fish']",
        "mammal < ['Animals'] ['http://e.org/mammal', 'http://e.org/cat', 'http://e.org/dog']",
        "pet < ['Animals'] ['http://e.org/pet', 'http://e.org/cat', 'http://e.org/dog']",
    ]
    assert file.notes == (
        "links to concepts that are not in the file are left out; there are 1 such concepts, first "
        "http://e.org/gone",
        "names are in the language en (4), en-gb (1); --language takes another: de (3)",
        "1 alternative names are in another language than the concept's name and left out",
    )


def test_a_language_and_leaves_only(tmp_path: Path) -> None:
    file = read(tmp_path, ANIMALS, language="de", leaves_only=True)
    assert [(label.name, label.description, label.alternatives) for label in file.labels] == [
        ("fish", "", ()), ("Hund", "bellt", ("Köter",)), ("Katze", "", ()),
    ]  # fmt: skip
    assert [node.name for node in file.tree.nodes] == ["Tiere", "Haustier", "mammal"]
    assert file.notes[1] == "2 of 5 concepts have no name in 'de'; theirs is in another"


@pytest.mark.parametrize(
    ("text", "options", "kind", "said"),
    [
        (ANIMALS, {"language": "fr"}, InputError,
         "animals.ttl has no name in the language 'fr'; its languages are 'en', 'de', 'en-gb'"),
        (PREFIXES + ":s a skos:ConceptScheme .", {}, InputError, "contains no skos:Concept"),
        ("hello <", {}, InputError, "animals.ttl cannot be read as turtle"),
    ],
)  # fmt: skip
def test_refusals(
    tmp_path: Path, text: str, options: dict[str, str], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, text, **options)
    assert said in str(caught.value)


def test_one_bad_concept_refuses_no_file(tmp_path: Path) -> None:
    file = read(tmp_path, ANIMALS.replace('skos:prefLabel "pet"@en, "Haustier"@de ;', ""))
    assert {label.name for label in file.labels} == {"cat", "dog", "fish", "mammal", "P"}
    assert any("(1 skos:notation): http://e.org/pet ('P')" in note for note in file.notes)
    file = read(tmp_path, ANIMALS.replace("skos:broader :gone", "skos:broader :cat"))
    assert len(file.labels) == 5
    assert any("1 relations that put a concept below itself are left out" in note for note in file.notes)


DEPRECATED = """
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix dct: <http://purl.org/dc/terms/> .
:a a skos:Concept ; skos:prefLabel "ball games"@en .
:b a skos:Concept ; skos:prefLabel "football"@en ; skos:broader :old .
:old a skos:Concept ; skos:prefLabel "team games"@en ; owl:deprecated true ; skos:broader :a .
:c a skos:Concept ; skos:prefLabel "soccer"@en ; dct:isReplacedBy :b .
"""


def test_deprecated_concepts_are_no_answers(tmp_path: Path) -> None:
    file = read(tmp_path, PREFIXES + DEPRECATED)
    assert [(each.label.name, each.replaced_by) for each in file.retired] == [
        ("soccer", (E + "b",)),
        ("team games", ()),
    ]
    assert [(label.name, label.alternatives) for label in file.labels] == [
        ("ball games", ()),
        ("football", ("soccer",)),
    ]
    assert drawn(file)[1] == "ball games < ['root'] ['http://e.org/a', 'http://e.org/b']"
    assert file.notes == (
        "2 deprecated concepts are retired, and no answers; the names of 1 are other names of what replaces them",
    )


COLLECTIONS = """
@prefix iso: <http://purl.org/iso25964/skos-thes#> .
:s skos:hasTopConcept :bus .
:bus skos:prefLabel "bus"@en ; skos:topConceptOf :s .
:night skos:prefLabel "night bus"@en ; iso:broaderGeneric :bus ; skos:inScheme :s .
:g a skos:Collection ; skos:prefLabel "Transport"@en ; skos:member :bus, :h .
:h a skos:OrderedCollection ; skos:prefLabel "Night"@en ; skos:memberList ( :night ) .
"""


def test_concepts_without_a_type_and_collections(tmp_path: Path) -> None:
    file = read(tmp_path, PREFIXES + COLLECTIONS)
    assert [label.name for label in file.labels] == ["bus", "night bus"]
    assert (
        "2 collections are left out ('Transport', 'Night'); --collections makes a branch of each"
        in file.notes
    )
    file = read(tmp_path, PREFIXES + COLLECTIONS, collections=True)
    assert sorted(drawn(file)) == [
        "Night < ['Transport'] ['http://e.org/night']",
        "Transport < ['root'] []",
        "bus < ['Transport'] ['http://e.org/bus', 'http://e.org/night']",
        "root < [] []",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
@pytest.mark.filterwarnings("ignore:.*is deprecated, use Dataset:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("v.ttl", "turtle"), ("v.rdf", "xml"), ("v.xml", "xml"), ("v.owl", "xml"), ("v.n3", "n3"), ("v.nt", "nt"),
        ("v.jsonld", "json-ld"), ("v.json", "json-ld"), ("v.trig", "trig"), ("v.rdf", "turtle"), ("v.ttl", "xml"),
        ("v.ttl", "nt"), ("v.xml", "json-ld"),
    ],
)  # fmt: skip
def test_a_serialization_is_known_by_its_content(tmp_path: Path, name: str, format: str) -> None:
    import rdflib

    source = PREFIXES + DEPRECATED
    graph = rdflib.Dataset(default_union=True) if format == "trig" else rdflib.Graph()
    graph.parse(data=source, format="turtle")
    graph.serialize(tmp_path / name, format=format, encoding="utf-8")
    assert [label.name for label in read_index(tmp_path / name).labels] == ["ball games", "football"]
    if not name.endswith(".json"):
        assert [label.name for label in read_labels(tmp_path / name).labels] == ["ball games", "football"]


def test_a_context_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonld"
    path.write_text('{"@context": "https://e.org/context.json", "@id": "http://e.org/a"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"context at .*, and nothing is fetched"):
        read_index(path)


OAK = (
    PREFIXES
    + """\
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
:a a skos:Concept ; skos:prefLabel "wood"@en . :b a skos:Concept ; skos:prefLabel "oak"@en ; skos:broader :a .
"""
)
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:skos="http://www.w3.org/2004/02/skos/core#" {base}><skos:Concept rdf:about="{about}">
<skos:prefLabel xml:lang="{tag}">ch\u00eane</skos:prefLabel></skos:Concept></rdf:RDF>"""


def rdf(base: str = "", about: str = "http://e.org/a", tag: str = "fr") -> str:
    return RDF.format(base=base, about=about, tag=tag)


def packed(text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("v/oak.ttl", text)
        file.writestr("README.md", "Oak and wood.")
    return archive.getvalue()


TREE = {"wood", "oak"}
ODD: dict[str, tuple[str, bytes, set[str]]] = {
    "a mark at the start": ("v.ttl", b"\xef\xbb\xbf" + OAK.encode(), TREE),
    "utf-16": ("v.ttl", OAK.encode("utf-16"), TREE),
    "windows-1252": ("v.ttl", OAK.replace("oak", "ch\u00eane").encode("cp1252"), {"wood", "ch\u00eane"}),
    "a text file": ("v.txt", OAK.encode(), TREE),
    "a CSV file by name": ("v.csv", OAK.encode(), TREE),
    "gzip": ("v.ttl.gz", gzip.compress(OAK.encode()), TREE),
    "gzip by content": ("v.ttl", gzip.compress(OAK.encode()), TREE),
    "zip": ("v.zip", packed(OAK), TREE),
    "XML in Latin-1": (
        "v.rdf", ('<?xml version="1.0" encoding="ISO-8859-1"?>' + rdf()).encode("latin-1"), {"ch\u00eane"},
    ),
    "a tag with _": ("v.rdf", rdf(tag="fr_CA").encode(), {"ch\u00eane"}),
    "tags with _": ("v.ttl", (OAK + ':c a skos:Concept ; skos:prefLabel "ash"@en_GB .').encode(), {*TREE, "ash"}),
    "xml:base": ("v.rdf", rdf('xml:base="http://e.org/v/"', "a").encode(), {"ch\u00eane"}),
    "no base": ("v.rdf", rdf(about="a").encode(), {"ch\u00eane"}),
    "a blank in an address": ("v.rdf", rdf(about="http://e.org/a b").encode(), {"ch\u00eane"}),
    "undeclared prefixes": (
        "v.ttl", b'<http://e.org/a> a skos:Concept ; skos:prefLabel "x" ; dct:title "y" .', {"x"},
    ),
    "two names in a language": (
        "v.ttl", (PREFIXES + ':a a skos:Concept ; skos:prefLabel "x"@en, "y"@en .').encode(), {"x"},
    ),
    "only in a collection": (
        "v.ttl", (PREFIXES + ':g a skos:Collection ; skos:member :a . :a skos:prefLabel "x" .').encode(), {"x"},
    ),
    "only below another": (
        "v.ttl",
        (PREFIXES + ':a a skos:Concept ; skos:prefLabel "x" ; skos:narrower :b . :b skos:prefLabel "y" .').encode(),
        {"x", "y"},
    ),
    "a collection that is a concept": ("v.ttl", (OAK + ":a a skos:Collection ; skos:member :b .").encode(), TREE),
    "blank nodes alike": (
        "v.ttl", (PREFIXES + '[] a skos:Concept ; skos:prefLabel "x" .' * 2).encode(), {"x"},
    ),
    "notations only": ("v.ttl", (PREFIXES + ':a a skos:Concept ; skos:notation "A1" .').encode(), {"A1"}),
    "nothing but an address": ("v.ttl", (PREFIXES + ":a%20b a skos:Concept .").encode(), {"a b"}),
    "a name that is an address": ("v.ttl", (PREFIXES + ":a a skos:Concept ; skos:prefLabel :c .").encode(), {"a"}),
    "below itself": ("v.ttl", (OAK + ":a skos:broader :a, :b .").encode(), TREE),
    "classes": (
        "v.owl",
        (OAK.replace("skos:Concept", "owl:Class").replace("skos:broader", "rdfs:subClassOf [ ], ")).encode(), TREE,
    ),
    "concepts of a class of its own": (
        "v.ttl", (OAK.replace("skos:Concept", ":Term") + ":Term rdfs:subClassOf skos:Concept .").encode(), TREE,
    ),
    "a named graph": (
        "v.jsonld",
        b'{"@context": {"skos": "http://www.w3.org/2004/02/skos/core#"}, "@id": "http://e.org/g", "@graph": '
        b'[{"@id": "http://e.org/a", "@type": "skos:Concept", "skos:prefLabel": "x"}]}', {"x"},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ODD)
def test_files_as_they_are_published(tmp_path: Path, kind: str) -> None:
    name, content, names = ODD[kind]
    (tmp_path / name).write_bytes(content)
    read = read_labels(tmp_path / name)
    assert {label.name for label in read.labels} == names
    assert read.has_tree == (names in (TREE, {"x", "y"}) or "oak" in names or "wood" in names)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("v.rdf", "<!DOCTYPE html><html><body>404</body></html>", "v.rdf is a web page, not RDF"),
        (
            "v.rdf",
            rdf().replace("skos:Concept", "m:Topic").replace("<rdf:RDF", '<rdf:RDF xmlns:m="http://www.loc.gov/mads/rdf/v1#"'),
            "v.rdf is MADS/RDF, which is not read",
        ),
        ("v.ttl", PREFIXES + ":s a skos:ConceptScheme .", "it holds http://www.w3.org/2004/02/skos/core"),
        ("v.ttl", OAK.split(":a ")[0] + ":a a skos:Concept ; owl:deprecated true .", "all 1 concepts of v.ttl"),
    ],
)  # fmt: skip
def test_files_that_hold_no_labels_say_why(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_labels(tmp_path / name)
    assert said in str(caught.value)
