"""Labels of SKOS in the language that is asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rdflib")

T = "http://t.org/"
TOOLS = """\
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix : <http://t.org/> .
:tool a skos:Concept ; skos:prefLabel "tool"@en, "Werkzeug"@de ; skos:notation "T" .
:saw a skos:Concept ; skos:prefLabel "saw"@en, "Säge"@de ; skos:altLabel "handsaw"@en, "Handsäge"@de ;
    skos:definition "Cuts."@en, "Schneidet."@de ; skos:broader :tool ; skos:notation "T1" .
:rasp a skos:Concept ; skos:prefLabel "rasp"@en ; skos:broader :tool .
"""


def test_commands_show_names_in_a_language(run: Any, tmp_path: Path) -> None:
    (tmp_path / "tools.ttl").write_text(TOOLS, encoding="utf-8")
    folder = tmp_path / "w"
    assert run("init", folder, "--quiet").code == 0
    called = run("labels", "import", tmp_path / "tools.ttl", "-w", folder)
    assert "names are in the language en (3); --language takes another: de (2)" in called.err
    called = run("labels", "list", "--language", "de", "--json", "-w", folder)
    assert [json.loads(line)["name"] for line in called.out.splitlines()] == ["rasp", "Säge", "Werkzeug"]
    assert "Werkzeug" in run("index", "show", "--language", "de", "-w", folder).out
    called = run("classify", "a saw", "--language", "de", "--json", "-w", folder)
    best = json.loads(called.out)["labels"][0]
    assert (best["id"], best["name"], best["notation"], best["path"]) == (
        T + "saw", "Säge", "T1", ["Werkzeug", "Säge"],
    )  # fmt: skip
    shown = run("labels", "show", T + "saw", "-w", folder).out
    assert "notation T1" in shown
    assert "altLabel @de  Handsäge" in shown
    assert run("labels", "list", "--language", "fr", "-w", folder).code == 2
    called = run("labels", "language", "de", "-w", folder)
    assert "2 labels renamed" in called.err
    assert [json.loads(line)["name"] for line in run("labels", "list", "--json", "-w", folder).out.splitlines()] == [
        "rasp", "Säge", "Werkzeug",
    ]  # fmt: skip
    assert run("init", tmp_path / "plain", "--quiet").code == 0
    assert "languages are kept of SKOS files" in run("labels", "language", "-w", tmp_path / "plain").err
