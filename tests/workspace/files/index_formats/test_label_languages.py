"""Names of SKOS in several languages: shown in one, matched in one, and another taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.workspace.files.index_formats.index_transfer import export_index
from taxonaut.workspace.files.index_formats.label_languages import find_languages, names_in, switch_language
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

rdflib = pytest.importorskip("rdflib")

T = "http://t.org/"
TOOLS = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix : <http://t.org/> .
:tool a skos:Concept ; skos:prefLabel "tool"@en, "Werkzeug"@de ; skos:notation "T" .
:saw a skos:Concept ; skos:prefLabel "saw"@en, "Säge"@de ; skos:altLabel "handsaw"@en, "Handsäge"@de ;
    skos:definition "Cuts."@en, "Schneidet."@de ; skos:broader :tool ; skos:notation "T1" .
:rasp a skos:Concept ; skos:prefLabel "rasp"@en ; skos:broader :tool .
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "tools.ttl").write_text(TOOLS, encoding="utf-8")
    with Workspace.init(tmp_path / "w") as workspace:
        workspace.import_labels(read_labels(tmp_path / "tools.ttl"))
        yield workspace


def told(workspace: Workspace) -> list[tuple[str, str, tuple[str, ...]]]:
    return sorted((each.name, each.description, each.alternatives) for each in workspace.index.all_labels())


def test_names_are_found_in_each_language(workspace: Workspace) -> None:
    found = find_languages(workspace)
    assert (found.language, dict(found.names)) == ("en", {"en": 3, "de": 2})
    assert names_in(workspace, "de") == {LabelId(T + "tool"): "Werkzeug", LabelId(T + "saw"): "Säge"}
    with pytest.raises(InputError, match="no label has a name in the language 'fr'; names are in en, de"):
        names_in(workspace, "fr")


def test_another_language_is_one_change_that_undo_takes_back(workspace: Workspace) -> None:
    english = told(workspace)
    assert switch_language(workspace, "de") == 2
    german = [("Säge", "Schneidet.", ("Handsäge",)), ("Werkzeug", "", ()), ("rasp", "", ())]
    assert told(workspace) == german
    assert workspace.index.paths(LabelId(T + "saw")) == [("Werkzeug", "Säge")]
    assert find_languages(workspace).language == "de"
    workspace.index.undo()
    assert told(workspace) == english
    assert find_languages(workspace).language == "en"


def test_what_was_edited_in_one_language_is_exported_from_another(
    workspace: Workspace, tmp_path: Path
) -> None:
    saw = LabelId(T + "saw")
    workspace.index.rename_labels({saw: "hand saw"})
    switch_language(workspace, "de")
    workspace.index.rename_labels({saw: "Fuchsschwanz"})
    export_index(workspace, tmp_path / "out.ttl")
    graph = rdflib.Graph().parse(tmp_path / "out.ttl")
    before = rdflib.Graph().parse(data=TOOLS)
    gone, new = ({(str(o), o.language) for _, _, o in each} for each in (before - graph, graph - before))
    assert gone == {("saw", "en"), ("Säge", "de")}
    assert new == {("hand saw", "en"), ("Fuchsschwanz", "de")}
    switch_language(workspace, "en")
    assert workspace.index.label(saw).name == "hand saw"
