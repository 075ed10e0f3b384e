"""`taxonaut vocabulary build|assign|show` as a person calls them."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fakes import interrupting_embedder, packaged_embedder

from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.conversation.langgraph_server import assign_descriptors
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError
from taxonaut.workspace.files.item_files import open_items
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

KINDS = ("pen", "desk", "lamp")
COLOURS = ("red", "blue", "grey", "white")
ROWS = [
    f"{kind} {kind}{colour} {kind}{number}" for kind in KINDS for colour in COLOURS for number in range(3)
]
SMALL = ("--categories", "4", "--split-threshold", "6", "--depth", "2")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, templates: dict[str, Path]) -> Path:
    """A file of 36 things of three kinds, and a workspace with a vocabulary of them."""
    folder = tmp_path_factory.mktemp("vocabulary")
    lines = [f"t{number},{text}" for number, text in enumerate(ROWS)]
    (folder / "things.csv").write_text("id,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    shutil.copytree(templates["blank"], folder / "built")
    items = open_items(str(folder / "things.csv"))
    settings = {"categories": 4, "split_threshold": 6, "depth": 2}
    with Workspace.open(folder / "built", embedder=packaged_embedder(), vocabulary=settings) as workspace:
        things = [row.item for row in items.rows()]
        workspace.build_vocabulary(things)
        workspace.assign_vocabulary(things)
    return folder


@pytest.fixture
def file(template: Path) -> Path:
    return template / "things.csv"


@pytest.fixture
def built(template: Path, tmp_path: Path, embedder: Any) -> Path:
    return Path(shutil.copytree(template / "built", tmp_path / "built"))


def names(workspace: Path) -> list[str]:
    with Workspace.open(workspace) as opened:
        return [each.node.name for each in read_vocabulary(opened).descriptors]


def test_a_build_says_what_came_of_it(run: Any, blank: Path, file: Path, embedder: Any) -> None:
    called = run("vocabulary", "build", file, *SMALL, "-w", blank)
    assert (called.code, called.out) == (0, "")
    first, second, third = [line for line in called.err.splitlines() if not line.startswith("  ")]
    assert first.startswith(f"built {len(names(blank))} descriptors on 2 levels (")
    assert " from 36 items in " in first
    assert second.startswith("36 of 36 items got a descriptor (100.0%) in ")
    assert third == f"next: taxonaut vocabulary report -w {blank}"
    called = run("vocabulary", "build", file, *SMALL, "-w", blank)
    first, second, _ = called.err.splitlines()
    assert first == "the vocabulary of these items and settings stands already: nothing was asked or changed"
    assert second.endswith("; no model was asked: all was kept from before")
    assert run("vocabulary", "build", file, *SMALL, "--quiet", "-w", blank).err == ""


def test_a_build_as_json(run: Any, blank: Path, file: Path, embedder: Any) -> None:
    called = run("vocabulary", "build", file, *SMALL, "--json", "-w", blank)
    found = json.loads(called.out)
    assert (called.code, called.err) == (0, "")
    assert (found["items"], found["again"], sum(found["levels"])) == (36, False, found["descriptors"])
    assert (found["assigned"]["items"], found["assigned"]["covered"], found["assigned"]["failed"]) == (
        36,
        36,
        0,
    )
    assert set(found) == {
        "run",
        "items",
        "groups",
        "descriptors",
        "problems",
        "again",
        "failed",
        "levels",
        "seconds",
        "cost",
        "assigned",
    }


def test_items_from_standard_input_are_built_from_and_assigned(run: Any, blank: Path, embedder: Any) -> None:
    called = run("vocabulary", "build", "-", *SMALL, "-w", blank, stdin="\n".join(ROWS))
    assert called.code == 0, called
    assert " from 36 items " in called.err
    assert "36 of 36 items got a descriptor" in called.err


def test_a_sample_is_built_from_and_all_are_assigned(
    run: Any, blank: Path, file: Path, embedder: Any
) -> None:
    called = run("vocabulary", "build", file, *SMALL, "--sample", "20", "-w", blank)
    assert " from 20 items " in called.err
    assert " of 36 items got a descriptor " in called.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.csv"], 2, "'missing.csv'"),
        (
            ["things"],
            2,
            "there is no file 'things'; give the file that holds the items, or - for standard input",
        ),
        (["{file}", "--text-column", "title"], 2, "title"),
        (["{file}", "--categories", "1"], 2, "must be greater than or equal to 2"),
        (["{file}", "--depth", "0"], 2, "must be greater than or equal to 1"),
        (["{empty}"], 2, "none of the items has a text; a vocabulary is built from texts"),
    ],
)
def test_calls_that_cannot_be(
    run: Any, blank: Path, file: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("id,text\na,\nb, \n", encoding="utf-8")
    called = run(
        "vocabulary", "build", *(each.format(file=file, empty=empty) for each in arguments), "-w", blank
    )
    assert called.code == code, called
    assert said in " ".join(called.err.replace("│", " ").split())


def test_a_workspace_with_labels(run: Any, shop: Path, file: Path) -> None:
    called = run("vocabulary", "build", file, "-w", shop)
    assert called.code == 2
    assert called.err.strip().endswith(
        "has 5 labels; build a vocabulary in a separate workspace: taxonaut init DIR"
    )


@pytest.mark.parametrize("command", [["assign", "a pen"], ["show"], ["show", "--history", "--json"]])
def test_without_a_vocabulary(run: Any, blank: Path, command: list[str]) -> None:
    called = run("vocabulary", *command, "-w", blank)
    assert (called.code, called.out) == (2, "")
    assert called.err.strip().endswith("has no vocabulary yet; build one: taxonaut vocabulary build ITEMS")


def test_texts_get_a_line_each(run: Any, built: Path) -> None:
    called = run("vocabulary", "assign", "pen penred pen1", "desk deskblue desk2", "--best", "-w", built)
    assert called.code == 0
    first, second = called.out.splitlines()
    assert (first.split(" > ")[0], second.split(" > ")[0]) != ("", "")
    assert first.split(" > ")[0] in names(built)
    assert called.err.startswith("2 of 2 items got a descriptor (100.0%)")


def tagged_items(folder: Path) -> set[str]:
    with Workspace.open(folder) as workspace:
        return {tagging.item_id for tagging in read_vocabulary(workspace).taggings}


def test_trial_texts_enter_no_export(run: Any, built: Path, tmp_path: Path) -> None:
    before = tagged_items(built)
    for source in (["a trial text"], ["-", "--trial"]):
        assert run("vocabulary", "assign", *source, "-w", built, stdin="a piped trial\n").code == 0
    with Workspace.open(built, embedder=packaged_embedder()) as workspace:
        assert len(workspace.assign_vocabulary(["a trial from Python"], keep=False)) == 1
        asyncio.run(assign_descriptors(workspace, {"texts": ["a trial over the server"]}))
        assert len(workspace.assign_vocabulary(["a trial from Python"], keep=False)) == 1
    assert run("explain", "a trial", "-w", built).code in (0, 2)
    assert run("classify", "a trial", "-w", built).code in (0, 2)
    exported = tmp_path / "items.json"
    assert run("vocabulary", "export", exported, "--format", "plain", "-w", built).code == 0
    assert set(json.loads(exported.read_text(encoding="utf-8"))) == before == tagged_items(built)
    assert run("vocabulary", "assign", "a trial text", "--keep", "-w", built).code == 0
    assert len(tagged_items(built)) == len(before) + 1


def test_items_as_json_lines(run: Any, built: Path, file: Path) -> None:
    called = run("vocabulary", "assign", file, "--json", "--quiet", "-w", built)
    rows = [json.loads(line) for line in called.out.splitlines()]
    assert [row["id"] for row in rows] == [f"t{number}" for number in range(36)]
    assert all(row.keys() == {"id", "descriptors", "others"} and row["descriptors"] for row in rows)
    blank = run(
        "vocabulary",
        "assign",
        "-",
        "--format",
        "jsonl",
        "--json",
        "-w",
        built,
        stdin='{"id":"e","text":""}\n',
    )
    assert json.loads(blank.out) == {"id": "e", "descriptors": [], "others": [], "error": "the text is empty"}
    assert "1 item without text got none" in blank.err


@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv"])
def test_written_to_a_file(run: Any, built: Path, file: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"tagged.{suffix}"
    called = run("vocabulary", "assign", file, "-o", out, "-w", built)
    assert (called.code, called.out) == (0, "")
    assert f" -> {out} in " in called.err
    text = out.read_text(encoding="utf-8")
    assert all(f"t{number}" in text for number in range(36))
    if suffix != "csv":
        rows = json.loads(text) if suffix == "json" else [json.loads(line) for line in text.splitlines()]
        assert len(rows) == 36


def test_an_output_that_cannot_be_is_refused_before_anything_is_asked(
    run: Any, built: Path, file: Path
) -> None:
    called = run("vocabulary", "assign", file, "-o", "tagged.xml", "-w", built)
    assert called.code == 2
    assert "tagged.xml" in called.err


def test_items_that_fail_end_with_6(run: Any, built: Path, scripted: ScriptedModel, tmp_path: Path) -> None:
    def rule(request: Any) -> Any:
        bad = any("bad" in text for text in request.texts)
        return (
            ModelReplyError("no valid call") if bad else {str(n): [1] for n, _ in enumerate(request.texts, 1)}
        )

    scripted.rule = rule
    (built / "taxonaut.toml").write_text(
        "[models.annotator]\nmodel = 'hosted_vllm/test'\napi_base = 'http://127.0.0.1:9/v1'\n",
        encoding="utf-8",
    )
    called = run("vocabulary", "assign", "pen one", "a bad one", "-w", built)
    assert called.code == 6
    assert called.out.splitlines()[1] == "no valid call"
    assert called.err.splitlines()[1:] == [
        "1 of 2 items failed, the first: no valid call",
        "run the same command again to ask for these only",
    ]


def test_the_tree_and_one_descriptor(run: Any, built: Path) -> None:
    called = run("vocabulary", "show", "-w", built)
    lines = called.out.splitlines()
    assert lines[0].startswith("(all items)")
    assert "36 items" in lines[0]
    assert len(lines) == 1 + len(names(built))
    top = names(built)[0]
    one = run("vocabulary", "show", top, "--history", "-w", built)
    assert one.out.splitlines()[0] == top
    assert "How it came to be\n  proposed by the architect at first\n" in one.out
    assert "How its items were divided\n  round 1: 12 of 12 items covered (100.0%)" in one.out
    flat = run("vocabulary", "show", "--depth", "1", "-w", built)
    assert "… 2 descriptors" in flat.out
    assert "└── … " not in called.out


def test_shown_as_json(run: Any, built: Path) -> None:
    found = json.loads(run("vocabulary", "show", "--json", "--history", "-w", built).out)
    assert (found["items"], len(found["descriptors"]), found["more"]) == (36, 4, 0)
    assert [(each["items"], each["assigned"]) for each in found["rounds"]] == [(36, 36)]
    top = found["descriptors"][0]
    assert top["path"] == [top["name"]]
    plain = json.loads(run("vocabulary", "show", str(top["id"]), "--json", "--depth", "1", "-w", built).out)
    assert "rounds" not in plain
    assert [child["id"] for child in plain["descriptors"]] == [child["id"] for child in top["descriptors"]]


def test_a_renamed_and_moved_descriptor_keeps_its_history(run: Any, built: Path) -> None:
    with Workspace.open(built) as opened:
        first, second = read_vocabulary(opened).children[opened.index.root()][:2]
        opened.index.rename_node(second.id, "Renamed [b]")
        opened.index.move_node(second.id, first.id)
        made = opened.index.create_node(first.id, "Drawn")
    called = run("vocabulary", "show", f"#{second.id}", "--history", "-w", built)
    assert called.out.splitlines()[0] == f"{first.node.name} > Renamed [b]"
    assert "How it came to be\n  proposed by the architect at first\n" in called.out
    assert "  it was made by hand" in run("vocabulary", "show", str(made), "--history", "-w", built).out


@pytest.mark.parametrize("node", ["999", "#999", "Nothing", "Nothing > there", "'; DROP TABLE nodes; --"])
def test_a_descriptor_that_is_not_there(run: Any, built: Path, node: str) -> None:
    called = run("vocabulary", "show", node, "-w", built)
    assert called.code == 2
    assert called.out == ""


def test_a_vocabulary_that_was_not_built_here_has_no_history(run: Any, blank: Path) -> None:
    from taxonaut.state.records import Tree, TreeNode

    with Workspace.open(blank) as opened:
        opened.index.load_tree(Tree("vocabulary", (TreeNode(1, "Pens"),), ((0, 1),), ()))
    called = run("vocabulary", "show", "--history", "-w", blank)
    assert called.out.splitlines()[-1] == "it was not built here: nothing is known of how it came to be"


def test_undo_and_log_know_a_build(run: Any, built: Path, file: Path) -> None:
    assert "vocabulary build: 36 items" in run("index", "log", "-w", built).out
    assert run("index", "undo", "-w", built).code == 0
    assert run("vocabulary", "show", "-w", built).code == 2


@pytest.mark.parametrize("stage", ["build", "assign"])
def test_ctrl_c_says_how_to_go_on(
    run: Any, blank: Path, built: Path, file: Path, given: GlobalOptions, tmp_path: Path, stage: str
) -> None:
    given.embedder = interrupting_embedder()
    new = tmp_path / "new.csv"
    new.write_text("id,text\n" + "".join(f"n{at},new {text}\n" for at, text in enumerate(ROWS)), "utf-8")
    folder = {"build": blank, "assign": built}[stage]
    called = run("vocabulary", stage, {"build": file, "assign": new}[stage], "-w", folder)
    assert called.code == 130
    kept = {"build": "what is finished is kept", "assign": "0 of 36 done and kept"}[stage]
    assert called.err.splitlines()[-1] == f"{kept}; run the same command again to continue"


@pytest.mark.parametrize("command", ["build", "assign", "show"])
def test_help_has_an_example(run: Any, command: str) -> None:
    called = run("vocabulary", command, "--help")
    assert called.code == 0
    assert f"taxonaut vocabulary {command}" in called.out.split("Example", 1)[1]


def test_a_second_file_without_ids_adds_items(run: Any, built: Path, tmp_path: Path) -> None:
    for name, texts in (("a.txt", ROWS[:6]), ("b.txt", ROWS[6:12])):
        (tmp_path / name).write_text("\n".join(texts), encoding="utf-8")
        called = run("vocabulary", "assign", tmp_path / name, "-o", tmp_path / "out.csv", "-w", built)
        assert (called.code, "another text" in called.err) == (0, False), called
    run("vocabulary", "export", tmp_path / "all.json", "--format", "plain", "-w", built)
    found = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert (len(found), "a.txt:6" in found, "b.txt:1" in found) == (36 + 12, True, True)


def test_another_text_under_a_known_id_is_reported(run: Any, built: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text(f"id,text\nt0,{ROWS[5]}\nt1,{ROWS[1]}\nnew,{ROWS[0]}\n", encoding="utf-8")
    called = run("vocabulary", "assign", file, "-o", tmp_path / "out.csv", "-w", built)
    (note,) = [line for line in called.err.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: 1 item had another text in this workspace before ('t0'): ")
    assert "note:" not in run("vocabulary", "assign", file, "-o", tmp_path / "out.csv", "-w", built).err
