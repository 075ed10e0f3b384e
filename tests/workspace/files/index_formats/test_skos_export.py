"""What comes in as SKOS goes out as it was, but for what was changed since."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taxonaut.state.ids import LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.workspace.files.index_formats.index_transfer import export_index, import_index, read_index
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.labels.label_update import apply_update, prepare_update
from taxonaut.workspace.workspace import Workspace

rdflib = pytest.importorskip("rdflib")
compare = pytest.importorskip("rdflib.compare")

T = "http://t.org/"
THESAURUS = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xl: <http://www.w3.org/2008/05/skos-xl#> .
@prefix iso: <http://purl.org/iso25964/skos-thes#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <http://t.org/> .
:tools a skos:ConceptScheme ; skos:prefLabel "Tools"@en, "Werkzeuge"@de ; skos:hasTopConcept :tool ;
    dct:creator [ dct:title "A board" ] .
:other a skos:ConceptScheme ; dct:title "Other"@en .
:tool a skos:Concept ; skos:prefLabel "tool"@en, "Werkzeug"@de ; skos:topConceptOf :tools ;
    skos:notation "01"^^xsd:integer, "1.50"^^xsd:decimal, "T-1"^^:code ; skos:inScheme :tools ;
    skos:historyNote "Split in 1990."@en ; skos:changeNote [ rdf:value "by A" ; dct:created "2020-01-01"^^xsd:date ] .
:saw a skos:Concept ; skos:prefLabel "saw"@en, "Säge"@de ; skos:altLabel "handsaw"@en, "Handsäge"@de ;
    skos:hiddenLabel "swa"@en ; skos:definition "Cuts <b>wood</b>."@en, "Schneidet."@de ;
    skos:scopeNote "Not for metal."@en ; skos:example "fretsaw"@en ; skos:broader :tool ;
    iso:broaderGeneric :tool ; skos:related :wood ; skos:exactMatch <http://o.org/1> ; skos:inScheme :tools, :other .
:fret a skos:Concept ; xl:prefLabel :fret-xl ; skos:broader :saw ; xl:altLabel [ a xl:Label ;
    xl:literalForm "jigsaw"@en ] ; skos:inScheme :tools .
:fret-xl a xl:Label ; xl:literalForm "fretsaw"@en .
:hammer a skos:Concept ; skos:prefLabel "hammer"@en ; skos:broader :tool, :hammer ; skos:inScheme :tools .
:mallet a skos:Concept ; skos:prefLabel "mallet"@en ; owl:deprecated true ; dct:isReplacedBy :hammer .
:wood skos:altLabel "timber"@en-GB ; skos:narrower :plank ; skos:inScheme :other .
:plank a skos:Concept ; skos:prefLabel "plank", "board" ; skos:notation 7 .
:group a skos:Collection ; skos:prefLabel "For beginners"@en ; skos:member :saw, :hammer .
:row a skos:OrderedCollection ; skos:memberList ( :hammer :saw ) .
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "w") as workspace:
        yield workspace


def exported(workspace: Workspace, name: str = "out.ttl", **options: str) -> set[Any]:
    """Return the statements of an export, parsed."""
    path = workspace.folder.parent / name
    export_index(workspace, path, **options)  # type: ignore[arg-type]
    dataset = path.suffix in (".trig", ".jsonld", ".nq")
    return set(
        (rdflib.Dataset(default_union=True) if dataset else rdflib.Graph()).parse(path).triples((None,) * 3)
    )


def as_graph(triples: set[Any]) -> Any:
    graph = rdflib.Graph()
    for triple in triples:
        graph.add(triple)
    return graph


def source(folder: Path, text: str = THESAURUS, name: str = "in.ttl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changes(workspace: Workspace, text: str = THESAURUS, **options: str) -> tuple[set[str], set[str]]:
    """Return the statements about named things that an export lacks, and those it has more, in short."""
    before, after = rdflib.Graph().parse(data=text), as_graph(exported(workspace, **options))
    _, gone, new = compare.graph_diff(compare.to_isomorphic(before), compare.to_isomorphic(after))
    return short(gone), short(new)


def short(graph: Any) -> set[str]:
    names = rdflib.Graph().parse(data=THESAURUS).namespace_manager
    return {" ".join(term.n3(names) for term in triple) for triple in graph}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("suffix", ["ttl", "rdf", "nt", "n3", "jsonld", "trig", "nq", "owl"])
@pytest.mark.parametrize("how", ["labels import", "index import"])
def test_an_unchanged_thesaurus_is_given_back(
    workspace: Workspace, tmp_path: Path, suffix: str, how: str
) -> None:
    path = source(tmp_path)
    if how == "labels import":
        workspace.import_labels(read_labels(path))
    else:
        import_index(workspace, read_index(path))
    assert len(workspace.index.label_ids()) == 6
    found = as_graph(exported(workspace, f"out.{suffix}"))
    assert compare.isomorphic(found, rdflib.Graph().parse(path))


def test_notations_keep_their_type_and_form(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    export_index(workspace, tmp_path / "out.ttl")
    text = (tmp_path / "out.ttl").read_text(encoding="utf-8")
    assert '"01"^^xsd:integer' in text
    assert '"1.50"^^xsd:decimal' in text
    assert '"T-1"^^:code' in text
    assert [workspace.index.label(LabelId(T + each)).notation for each in ("tool", "plank", "saw")] == [
        "01",
        "7",
        "",
    ]


def test_edits_are_the_only_differences(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    index = workspace.index
    index.rename_labels({LabelId(T + "hammer"): "claw hammer", LabelId(T + "fret"): "fret saw"})
    index.describe_labels({LabelId(T + "saw"): "Cuts."})
    assert changes(workspace) == (
        {':hammer skos:prefLabel "hammer"@en', ':fret-xl xl:literalForm "fretsaw"@en',
         ':saw skos:definition "Cuts <b>wood</b>."@en'},
        {':hammer skos:prefLabel "claw hammer"@en', ':fret-xl xl:literalForm "fret saw"@en',
         ':saw skos:definition "Cuts."@en'},
    )  # fmt: skip


def node_of(workspace: Workspace, name: str) -> int:
    snapshot = workspace.index.snapshot()
    return next(id_ for id_, node in snapshot.nodes.items() if node.name == name)


def test_what_moved_and_what_is_new(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    index = workspace.index
    saw = node_of(workspace, "saw")
    index.move_node(saw, 1, node_of(workspace, "tool"))  # type: ignore[arg-type]
    new = Label(LabelId("N 1"), "rasp", "Smooths.", "later", ("file",), "9")
    index.add_labels([new])
    index.place(new.id, [saw])  # type: ignore[list-item]
    gone, more = changes(workspace)
    assert gone == {":saw skos:broader :tool", ":saw iso:broaderGeneric :tool"}
    rasp = "<urn:taxonaut:index:label/N%201>"
    assert more == {
        ":tools skos:hasTopConcept :saw", ":saw skos:topConceptOf :tools",
        ":other skos:hasTopConcept :saw", ":saw skos:topConceptOf :other",
        f"{rasp} a skos:Concept".replace(" a ", " rdf:type "), f'{rasp} <urn:taxonaut:id> "N 1"',
        f'{rasp} skos:notation "9"', f'{rasp} skos:prefLabel "rasp"@en', f'{rasp} skos:altLabel "file"@en',
        f'{rasp} skos:definition "Smooths."@en', f"{rasp} skos:broader :saw", f":saw skos:narrower {rasp}",
        f"{rasp} skos:inScheme :tools", f"{rasp} skos:inScheme :other",
    }  # fmt: skip


def test_another_tree_relates_the_same_concepts(workspace: Workspace, tmp_path: Path) -> None:
    """A build by another method keeps what the source says of concepts, and relates them by the new tree."""
    workspace.import_labels(read_labels(source(tmp_path)))
    before = rdflib.Graph().parse(data=THESAURUS)
    index = workspace.index
    placements = tuple((1, label) for label in index.label_ids())
    index.load_tree(Tree("kmeans", (TreeNode(1, "all"),), ((0, 1),), placements))
    after = as_graph(exported(workspace))
    skos = rdflib.SKOS
    everything = rdflib.URIRef("urn:taxonaut:index:node/" + str(node_of(workspace, "all")))
    assert set(after.objects(rdflib.URIRef(T + "fret"), skos.broader)) == {everything}
    kept = {triple for triple in before if triple[1] not in (skos.broader, skos.narrower, skos.topConceptOf)}
    names = {(p, o) for s, p, o in kept if s == rdflib.URIRef(T + "saw") and isinstance(o, rdflib.Literal)}
    assert names <= set(after.predicate_objects(rdflib.URIRef(T + "saw")))


def test_undo_of_an_import_forgets_it(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    workspace.index.undo()
    assert workspace.index.label_ids() == []
    workspace.index.add_labels([Label(LabelId("a"), "A")])
    assert not any(str(term).startswith(T) for triple in exported(workspace) for term in triple)


def test_a_collection_is_a_branch_and_stays_one(workspace: Workspace, tmp_path: Path) -> None:
    import_index(workspace, read_index(source(tmp_path), collections=True))
    assert changes(workspace) == (set(), set())
    group = node_of(workspace, "For beginners")
    workspace.index.rename_node(group, "First steps")  # type: ignore[arg-type]
    workspace.index.unplace(LabelId(T + "hammer"), group)  # type: ignore[arg-type]
    assert changes(workspace) == (
        {':group skos:prefLabel "For beginners"@en', ":group skos:member :hammer"},
        {':group skos:prefLabel "First steps"@en'},
    )


@pytest.mark.parametrize(
    "concept",
    [
        "[] a skos:Concept ; skos:prefLabel 'nameless'@en ; skos:broader :saw .",
        "<#rel> a skos:Concept ; skos:prefLabel 'relative'@en .",
        "<http://t.org/a b> a skos:Concept ; skos:prefLabel 'blank'@en .",
    ],
)
def test_odd_addresses_are_kept(workspace: Workspace, tmp_path: Path, concept: str) -> None:
    text = THESAURUS + concept + "\n"
    workspace.import_labels(read_labels(source(tmp_path, text)))
    assert len(workspace.index.label_ids()) == 7
    odd = next(
        label for label in workspace.index.all_labels() if label.name in ("nameless", "relative", "blank")
    )
    workspace.index.rename_labels({odd.id: "odd"})
    export_index(workspace, tmp_path / "out.ttl")
    with Workspace.init(tmp_path / "w2") as other:
        other.import_labels(read_labels(tmp_path / "out.ttl"))
        ids = set(other.index.label_ids()) - {odd.id}
        assert ids >= set(workspace.index.label_ids()) - {odd.id}
        assert [label.name for label in other.index.all_labels() if label.name in ("odd", odd.name)] == [
            "odd"
        ]


def test_retired_labels_are_deprecated_concepts(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    index, mallet = workspace.index, LabelId(T + "mallet")
    assert index.is_retired(mallet)
    assert index.resolve(mallet).labels == (T + "hammer",)
    index.retire_labels([LabelId(T + "fret")], replaced_by={LabelId(T + "fret"): [LabelId(T + "saw")]})
    index.merge_labels(LabelId(T + "wood"), [LabelId(T + "plank")])
    gone, more = changes(workspace)
    assert gone == set()
    assert more == {
        ':fret owl:deprecated "true"^^xsd:boolean', ":fret dct:isReplacedBy :saw",
        ':plank owl:deprecated "true"^^xsd:boolean', ":plank dct:isReplacedBy :wood",
        ':wood skos:altLabel "board"@en-GB', ':wood skos:altLabel "plank"@en-GB',
    }  # fmt: skip
    index.undo()
    index.undo()
    assert changes(workspace) == (set(), set())


def test_a_restored_label_is_deprecated_no_more(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    workspace.index.restore_labels([LabelId(T + "mallet")])
    gone, more = changes(workspace)
    assert gone == {':mallet owl:deprecated "true"^^xsd:boolean', ":mallet dct:isReplacedBy :hammer"}
    assert more == set()


def test_an_export_without_a_source_keeps_retired_labels(workspace: Workspace, tmp_path: Path) -> None:
    a, b = LabelId("a 1"), LabelId("b")
    workspace.index.add_labels([Label(a, "A"), Label(b, "B")])
    workspace.index.retire_labels([a], replaced_by={a: [b]})
    export_index(workspace, tmp_path / "out.ttl")
    with Workspace.init(tmp_path / "w2") as other:
        other.import_labels(read_labels(tmp_path / "out.ttl"))
        assert other.index.label_ids() == [b]
        assert other.index.resolve(a).labels == (b,)


def test_another_id_of_a_label_changes_no_address(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    workspace.index.reid_labels({LabelId(T + "plank"): LabelId("P-7")})
    assert changes(workspace) == (set(), set())


def test_a_new_version_is_given_back(workspace: Workspace, tmp_path: Path) -> None:
    workspace.import_labels(read_labels(source(tmp_path)))
    new = THESAURUS.replace('"hammer"@en', '"hammers"@en').replace('"handsaw"@en, ', "")
    new += ':rasp a skos:Concept ; skos:prefLabel "rasp"@en ; skos:broader :tool ; skos:inScheme :tools .\n'
    update = prepare_update(workspace, read_labels(source(tmp_path, new, "new.ttl")), guess=False)
    asyncio.run(apply_update(workspace, update, update.changes))
    assert workspace.index.label(LabelId(T + "rasp")).name == "rasp"
    assert changes(workspace, new) == (set(), set())
    workspace.index.undo()
    assert changes(workspace) == (set(), set())
