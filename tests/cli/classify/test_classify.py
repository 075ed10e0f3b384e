"""`taxonaut classify`."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import Answer, ScriptedModel
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.records import as_item

TEXTS = 'id,text\na,"fresh, red apples"\nb,hiking boots\n'

pytestmark = [pytest.mark.usefixtures("embedder"), pytest.mark.slow]


def rows(text: str) -> list[Any]:
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def best(row: Any) -> str:
    """Return the id of a row's first label."""
    return str(row["labels"][0]["id"])


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.csv"
    file.write_text(TEXTS, encoding="utf-8")
    return file


def test_a_text_for_a_person(run: Any, shop: Path) -> None:
    called = run("classify", "fresh red apples", "--top", 1, "-w", shop)
    assert called.code == 0
    text, label, *_ = called.out.splitlines()
    assert text == "fresh red apples"
    assert label.split("  ")[2:4] == ["Food > Fruit > Red apples", "“red apples”"]
    assert called.err.startswith("1 item in ")


def test_texts_as_json_lines(run: Any, shop: Path) -> None:
    called = run("classify", "fresh red apples", "hiking boots", "--json", "-w", shop)
    assert called.code == 0
    apples, boots = rows(called.out)
    assert (best(apples), best(boots)) == ("apples", "boots")
    assert list(apples) == ["id", "text", "labels"]
    assert list(apples["labels"][0]) == ["id", "name", "notation", "path", "score", "evidence", "reason"]
    assert apples["labels"][0]["path"] == ["Food", "Fruit", "Red apples"]


def test_at_most_top_labels_best_first(run: Any, shop: Path) -> None:
    text = "red apples, green pears and hiking boots"
    labels = rows(run("classify", text, "--json", "--top", 2, "-w", shop).out)[0]["labels"]
    assert len(labels) == 2
    assert labels[0]["score"] >= labels[1]["score"]


def test_a_file_for_a_person_shows_ids(run: Any, shop: Path, texts: Path) -> None:
    out = run("classify", texts, "--top", 1, "-w", shop).out
    assert [line for line in out.splitlines() if line and not line.startswith(" ")] == [
        "a  fresh, red apples",
        "b  hiking boots",
    ]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"])
def test_output_files(run: Any, shop: Path, texts: Path, tmp_path: Path, name: str) -> None:
    import duckdb

    out = tmp_path / name
    called = run("classify", texts, "-o", out, "-w", shop)
    assert (called.code, called.out) == (0, "")
    assert called.err.startswith(f"2 items -> {out} in ")
    if name == "out.csv":
        with out.open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        assert [(row["id"], row["text"], row["label_id_1"]) for row in table] == [
            ("a", "fresh, red apples", "apples"),
            ("b", "hiking boots", "boots"),
        ]
    elif name == "out.parquet":
        found = duckdb.sql(f"SELECT id, label_id_1 FROM '{out}'").fetchall()
        assert found == [("a", "apples"), ("b", "boots")]
    else:
        data = gzip.decompress(out.read_bytes()) if name.endswith(".gz") else out.read_bytes()
        assert [(row["id"], best(row)) for row in rows(data.decode())] == [("a", "apples"), ("b", "boots")]


def test_output_and_json_print_a_summary(run: Any, shop: Path, texts: Path, tmp_path: Path) -> None:
    summary = json.loads(run("classify", texts, "-o", tmp_path / "o.jsonl", "--json", "-w", shop).out)
    assert (summary["items"], summary["failed"], summary["blank"]) == (2, 0, 0)
    assert (summary["requests"], summary["comparisons"] > 0) == (0, True)


def test_standard_input(run: Any, shop: Path) -> None:
    for arguments in (["-"], []):
        called = run("classify", *arguments, "--json", "-w", shop, stdin="red apples\nhiking boots\n")
        assert [(row["id"], best(row)) for row in rows(called.out)] == [
            (as_item("red apples").id, "apples"),
            (as_item("hiking boots").id, "boots"),
        ]


def test_columns_format_and_encoding(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.dat"
    file.write_text("sku;titel\nx;hiking boots für müde\n", encoding="latin-1")
    called = run(
        "classify", file, "--json", "-w", shop,
        "--format", "csv", "--encoding", "latin-1", "--text-column", "titel", "--id-column", "sku",
    )  # fmt: skip
    assert [(row["id"], best(row)) for row in rows(called.out)] == [("x", "boots")]


@pytest.mark.parametrize("shortlist", ["tree", "dense", "both"])
def test_shortlists(run: Any, shop: Path, shortlist: str) -> None:
    called = run("classify", "hiking boots", "--shortlist", shortlist, "--json", "-w", shop)
    assert best(rows(called.out)[0]) == "boots"


def test_a_second_run_asks_no_model(run: Any, shop: Path, texts: Path) -> None:
    first = run("classify", texts, "--json", "-w", shop)
    second = run("classify", texts, "--json", "-w", shop)
    assert second.out == first.out
    assert second.err.endswith("no model was asked: all was kept from before\n")


def test_quiet_prints_results_only(run: Any, shop: Path, texts: Path) -> None:
    called = run("classify", texts, "--json", "--quiet", "-w", shop)
    assert (called.code, called.err) == (0, "")
    assert len(rows(called.out)) == 2


def test_a_failed_item_is_in_the_output_and_asked_for_again(
    run: Any, shop: Path, texts: Path, scripted: ScriptedModel
) -> None:
    works = scripted.rule
    assert works is not None

    def fails(request: ModelRequest) -> Answer:
        return ModelReplyError("only prose") if "boots" in request.text else works(request)

    scripted.rule = fails
    failed = run("classify", texts, "--json", "--shortlist", "tree", "-w", shop)
    assert failed.code == 6
    assert [row.get("error") for row in rows(failed.out)] == [None, "only prose"]
    assert failed.err.splitlines()[-2:] == [
        "1 of 2 items failed, the first: only prose",
        "run the same command again to ask for these only",
    ]
    scripted.rule = works
    scripted.history.clear()
    mended = run("classify", texts, "--json", "--shortlist", "tree", "-w", shop)
    assert mended.code == 0
    assert [row.get("error") for row in rows(mended.out)] == [None, None]
    assert {request.text for request in scripted.history} == {"hiking boots"}


def test_no_answer_at_all_is_4_and_leaves_no_output(
    run: Any, shop: Path, texts: Path, tmp_path: Path, scripted: ScriptedModel
) -> None:
    scripted.rule = lambda request: ModelReplyError("only prose")
    out = tmp_path / "out.csv"
    out.write_text("what was there", encoding="utf-8")
    called = run("classify", texts, "-o", out, "-w", shop)
    assert (called.code, called.out) == (4, "")
    assert "2 requests in a row got no answer: only prose" in called.err
    assert out.read_text(encoding="utf-8") == "what was there"


def test_an_item_without_text_is_counted_apart(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text('id,text\na,red apples\nb,"  "\n', encoding="utf-8")
    called = run("classify", file, "--json", "-w", shop)
    assert called.code == 0
    assert rows(called.out)[1] == {
        "id": "b",
        "text": "  ",
        "labels": [],
        "error": "the text is empty",
    }
    assert called.err.splitlines()[-1] == "1 item without text got no labels"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.csv"], "'missing.csv' does not exist"),
        (["texts.csv", "--text-column", "title"], "there is no column 'title'; the columns are 'id', 'text'"),
        (["texts.csv", "-o", "out.docx"], "out.docx"),
        (["texts.csv", "-o", "nowhere/out.csv"], "the folder 'nowhere' does not exist"),
        (["texts.csv", "-o", "texts.csv"], "'texts.csv' is an input file"),
        (["texts.csv", "--encoding", "klingon"], "--encoding 'klingon' is unknown"),
        (["texts.csv", "--shortlist", "forest"], "'forest' is not one of"),
        (["texts.csv", "--top", "0"], "--top"),
        (["   "], "is an empty text; give a text or a file"),
    ],
)
def test_refusals(
    run: Any, shop: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(texts.parent)
    called = run("classify", *arguments, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert said in " ".join(called.err.replace("│", " ").split())
    assert texts.read_text(encoding="utf-8") == TEXTS


def test_a_workspace_without_labels_or_tree(run: Any, blank: Path) -> None:
    assert "has no labels yet; import some" in run("classify", "red apples", "-w", blank).err
    run("labels", "import", "-", "-w", blank, stdin="red apples\ngreen pears\n")
    called = run("classify", "red apples", "-w", blank)
    assert called.code == 2
    assert "are not in a tree yet; build one with: taxonaut index build" in called.err
    assert run("classify", "red apples", "--shortlist", "dense", "-w", blank).code == 0


def test_texts_are_data_and_no_markup(run: Any, shop: Path) -> None:
    called = run("classify", "[red]apples[/] :smile: \x1b[31m\u202e apples", "-w", shop)
    assert called.out.splitlines()[0] == "[red]apples[/] :smile: [31m apples"
    assert "\x1b" not in called.out


def test_a_folder_of_documents(run: Any, shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    filler = "Meet here. " * 800
    (folder / "long.md").write_text(filler + "We bought red apples. " * 60 + filler, encoding="utf-8")
    (folder / "deep" / "page.html").write_text(
        "<p>hiking boots</p><script>apples()</script>", encoding="utf-8"
    )
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    called = run("classify", folder, "--json", "-w", shop)
    assert called.code == 6
    page, long = rows(called.out)
    assert (page["id"], best(page)) == ("deep/page.html", "boots")
    assert (long["id"], best(long)) == ("long.md", "apples")
    evidence, place = long["labels"][0]["evidence"], long["labels"][0]["place"]
    text = (folder / "long.md").read_text(encoding="utf-8")
    assert text[place["start"] : place["end"]] == evidence == "red apples"
    assert 1 < place["passage"] < place["passages"]
    assert "3 documents are read, each as one text" in called.err
    assert f"not read: {folder / 'broken.pdf'}" in called.err


def test_of_a_text_that_is_too_long_it_is_said_how_much_was_read(
    run: Any, shop: Path, tmp_path: Path
) -> None:
    settings = shop / "taxonaut.toml"
    settings.write_text(f"{settings.read_text()}\n[scoring]\npassages = 2\n", encoding="utf-8")
    file = tmp_path / "long.md"
    file.write_text("We bought red apples and hiking boots for all of them. " * 100, encoding="utf-8")
    called = run("classify", file, "-w", shop)
    assert called.code == 0
    assert "note: a text is longer than is read: 'long.md' has 7 passages, of which 2 were read" in called.err
    assert called.err.count("longer than is read") == 1


def test_a_row_for_each_label_is_asked_for_in_a_table(
    run: Any, shop: Path, texts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.tsv"
    assert run("classify", texts, "--long", "--top", 1, "-o", out, "-w", shop).code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["id"], row["rank"], row["label_id"]) for row in rows] == [
        ("a", "1", "apples"),
        ("b", "1", "boots"),
    ]
    for more in ((), ("-o", tmp_path / "out.jsonl"), ("--json",)):
        refused = run("classify", texts, "--long", *more, "-w", shop)
        assert (refused.code, "--long is for tables" in refused.err) == (2, True)


def test_a_workbook_has_the_tree_on_its_second_sheet(
    run: Any, shop: Path, texts: Path, tmp_path: Path
) -> None:
    import openpyxl

    out = tmp_path / "out.xlsx"
    assert run("classify", texts, "--top", 1, "-o", out, "-w", shop).code == 0
    book = openpyxl.load_workbook(out)
    assert [cell.value for cell in book["items"][2]][:4] == ["a", "fresh, red apples", "Red apples", "apples"]
    assert ("apples", "Red apples", "Food > Fruit > Red apples", None) in list(book["tree"].values)
    again = run("labels", "import", out, "--sheet", "tree", "--dry-run", "-w", shop)
    assert "a tree by the paths in 'path'" in again.err
