"""Matching two taxonomies: words, vectors, what is above; candidates, kinds and one to one."""

from itertools import pairwise
from pathlib import Path

import pytest
from fakes import FakeEmbedder, word_embedder

from taxonaut import InputError, Workspace, read_labels
from taxonaut.workspace.labels.label_match import LabelMatch, match_sets
from taxonaut.workspace.labels.label_sets import LabelSet, set_from_file
from taxonaut.workspace.labels.match_table import write_matches

OURS = """\
id,path,synonyms
1,Animals,
2,Animals > Food,
3,People,
4,People > Food,
5,People > Food > Crisps,potato chips
6,People > Food > Rye bread,
"""
THEIRS = """\
id,path
a,People
b,People > Foods
c,People > Foods > Potato Chips
d,Animals
e,Animals > Animal Food
"""


@pytest.fixture
def embedder() -> FakeEmbedder:
    return word_embedder(64)


def read(folder: Path, text: str) -> LabelSet:
    path = folder / f"{len(text)}.csv"
    path.write_text(text, encoding="utf-8")
    return set_from_file(read_labels(path))


def shown(matches: list[LabelMatch]) -> list[tuple[str, str, str]]:
    return [(str(match.source.id), match.kind, str(match.target.id)) for match in matches]


def test_places_and_alternative_names_tell_labels_apart(tmp_path: Path, embedder: FakeEmbedder) -> None:
    matches = match_sets(read(tmp_path, OURS), read(tmp_path, THEIRS), embedder.embed)
    assert shown(matches) == [
        ("1", "exact", "d"),
        ("2", "close", "e"),
        ("3", "exact", "a"),
        ("4", "exact", "b"),
        ("5", "exact", "c"),
        ("6", "broad", "b"),
    ]
    assert all(0 <= match.score <= 1 for match in matches)
    words = match_sets(read(tmp_path, OURS), read(tmp_path, THEIRS), None)
    assert [match.target.id for match in words][:5] == [match.target.id for match in matches][:5]


def test_candidates_are_ranked_and_weak_ones_left_out(tmp_path: Path, embedder: FakeEmbedder) -> None:
    ours, theirs = read(tmp_path, OURS), read(tmp_path, THEIRS)
    three = match_sets(ours, theirs, embedder.embed, top=3)
    assert [match.rank for match in three] == [1, 2, 3] * 6
    assert all(one.score >= other.score for one, other in pairwise(three) if other.rank > 1)
    strong = match_sets(ours, theirs, embedder.embed, top=3, least=0.9)
    assert shown(strong) == [("1", "exact", "d"), ("3", "exact", "a")]


def test_one_to_one_gives_no_label_away_twice(tmp_path: Path, embedder: FakeEmbedder) -> None:
    ours, theirs = read(tmp_path, OURS), read(tmp_path, THEIRS)
    matches = match_sets(ours, theirs, embedder.embed, one_to_one=True)
    targets = [match.target.id for match in matches]
    assert len(targets) == len(set(targets)) == 5
    assert {"1": "d", "3": "a", "5": "c"}.items() <= {
        match.source.id: match.target.id for match in matches
    }.items()


def test_flat_lists_match_by_their_names(tmp_path: Path, embedder: FakeEmbedder) -> None:
    one, other = (
        read(tmp_path, "name\nRed shoes\nLamps\n"),
        read(tmp_path, "name\nlamp\nshoes (red)\nblue hats\n"),
    )
    matches = match_sets(one, other, embedder.embed)
    assert [match.target.name for match in matches] == ["shoes (red)", "lamp"]


def test_mappings_are_written_as_a_table_and_as_skos(tmp_path: Path, embedder: FakeEmbedder) -> None:
    rdflib = pytest.importorskip("rdflib")
    ours = read(tmp_path, OURS.replace("\n1,", "\nhttps://shop.test/1,"))
    matches = match_sets(ours, read(tmp_path, THEIRS), embedder.embed)
    write_matches(tmp_path / "map.csv", matches)
    header, first, *_ = (tmp_path / "map.csv").read_text(encoding="utf-8").splitlines()
    assert header == "id,name,path,rank,score,kind,match_id,match_name,match_path"
    assert first == "https://shop.test/1,Animals,Animals,1,1.0,exact,d,Animals,Animals"
    write_matches(tmp_path / "map.ttl", matches)
    graph = rdflib.Graph().parse(tmp_path / "map.ttl")
    skos = rdflib.SKOS
    assert (
        rdflib.URIRef("https://shop.test/1"),
        skos.exactMatch,
        rdflib.URIRef("urn:taxonaut:index:to:d"),
    ) in graph
    assert len(list(graph.subject_objects(skos.broadMatch))) == 1
    with pytest.raises(InputError, match="input file"):
        write_matches(tmp_path / "map.csv", matches, [str(tmp_path / "map.csv")])


def test_a_workspace_is_matched_to_a_file(tmp_path: Path, embedder: FakeEmbedder) -> None:
    for name, text in (("ours.csv", OURS), ("theirs.csv", THEIRS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with Workspace.init(tmp_path / "w", embedder=embedder) as workspace:
        workspace.import_labels(read_labels(tmp_path / "ours.csv"))
        matches = workspace.match_labels(read_labels(tmp_path / "theirs.csv"))
    assert shown(matches)[4] == ("5", "exact", "c")


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("Kitchen > Toasters", "Kitchen > Toaster", "exact"),
        ("Kitchen > Coffee & Tea", "Kitchen > Tea and coffee", "exact"),
        ("Kitchen > Toasters", "Kitchen > Bread toasters", "close"),
        ("Kitchen > Bread toasters", "Kitchen > Toasters", "broad"),
        ("Vitamins > Vitamin A", "Vitamins > Vitamin", "broad"),
        ("Kitchen > Spares", "Garden > Spares", "close"),
    ],
)
def test_an_exact_match_has_the_name_and_the_place(tmp_path: Path, one: str, other: str, kind: str) -> None:
    words = word_embedder(64)
    pair = [read(tmp_path, f"id,path\n{side},{path}\n") for side, path in (("a", one), ("bb", other))]
    (match,) = [each for each in match_sets(*pair, words.embed) if each.source.id == "a"]
    assert (match.target.id, match.kind) == ("bb", kind)
