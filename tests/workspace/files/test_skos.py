"""Other people's SKOS: several parents, several languages, links that lead nowhere; and what is refused."""

from pathlib import Path

import pytest

from taxonaut.state.errors import CycleError, InputError
from taxonaut.state.records import Label
from taxonaut.workspace.files.index_file import IndexFile
from taxonaut.workspace.files.index_transfer import read_index

pytest.importorskip("rdflib")

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
        Label("http://e.org/cat", "cat"),  # type: ignore[arg-type]
        Label("D1", "dog", "barks", alternatives=("hound", "mutt")),  # type: ignore[arg-type]
        Label("http://e.org/fish", "fish"),  # type: ignore[arg-type]
        Label("http://e.org/mammal", "mammal"),  # type: ignore[arg-type]
        Label("http://e.org/pet", "pet"),  # type: ignore[arg-type]
    )
    assert drawn(file) == [
        "Animals < [] ['http://e.org/fish']",
        "mammal < ['Animals'] ['http://e.org/mammal', 'http://e.org/cat', 'D1']",
        "pet < ['Animals'] ['http://e.org/pet', 'http://e.org/cat', 'D1']",
    ]
    assert file.notes == (
        "links to concepts that are not in the file are left out; there are 1 such concepts, first "
        "http://e.org/gone",
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
        (ANIMALS.replace('skos:prefLabel "pet"@en, "Haustier"@de ;', ""), {}, InputError,
         "animals.ttl: 1 of 5 concepts have no skos:prefLabel: http://e.org/pet; name or remove them"),
        (ANIMALS.replace('skos:broader :gone', "skos:broader :cat"), {}, CycleError,
         "http://e.org/cat -> http://e.org/mammal -> http://e.org/cat"),
    ],
)  # fmt: skip
def test_refusals(
    tmp_path: Path, text: str, options: dict[str, str], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        read(tmp_path, text, **options)
    assert said in str(caught.value)
