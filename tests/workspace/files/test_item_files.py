"""Reading texts: in batches, with ids, gold labels, and refusals before the first batch."""

import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.records import Item, as_item
from taxonaut.workspace.files.item_files import ItemColumns, ItemRow, open_items


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_row_has_a_text_an_id_and_gold_labels(write):
    path = write("t.jsonl", '{"id": "x", "text": "a\\u0000 b", "labels": ["l1", "l2", "l1"]}\n{"text": ""}\n')
    file = open_items(path)
    assert (file.name, file.count, file.blank, file.with_gold) == ("t.jsonl", 2, 1, 1)
    assert list(file.rows()) == [
        ItemRow(Item("x", "a b"), ("l1", "l2"), "t.jsonl, line 1"),
        ItemRow(Item("t.jsonl:2", ""), (), "t.jsonl, line 2"),
    ]


def test_columns_by_option(write):
    path = write("t.csv", 'Nr,Satz,Gold\n7,"eins, zwei",a|b\n8,"drei\nvier",\n')
    file = open_items(path, ItemColumns("Nr", "Satz", "Gold", "|"))
    assert list(file.rows()) == [
        ItemRow(Item("7", "eins, zwei"), ("a", "b"), "t.csv, line 2"),
        ItemRow(Item("8", "drei\nvier"), (), "t.csv, line 3"),
    ]
    assert [row.item.id for row in open_items(path, ItemColumns("", "Satz")).rows()] == ["t.csv:2", "t.csv:3"]


def test_a_text_a_line(write):
    file = open_items(write("t.txt", "one\n\n  two\nthree"))
    assert [row.item for row in file.rows()] == [
        Item("t.txt:1", "one"),
        Item("t.txt:3", "  two"),
        Item("t.txt:4", "three"),
    ]


def test_a_json_list_of_texts(write):
    assert [row.item for row in open_items(write("t.json", '["one", "two"]')).rows()] == [
        Item("t.json:1", "one"),
        Item("t.json:2", "two"),
    ]


def test_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    duckdb.execute(f"COPY (SELECT range AS id, 'text ' || range AS text FROM range(2500)) TO '{path}'")
    file = open_items(path)
    rows = list(file.rows())
    assert (file.count, rows[0].item, rows[-1].item) == (2500, Item("0", "text 0"), Item("2499", "text 2499"))


def test_standard_input_can_be_read_more_than_once(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"one\ntwo\n")))
    file = open_items("-")
    assert [list(file.rows()), list(file.rows())] == [
        [
            ItemRow(as_item("one"), (), "standard input, line 1"),
            ItemRow(as_item("two"), (), "standard input, line 2"),
        ]
    ] * 2


def test_batches_hold_no_more_than_asked(write):
    file = open_items(write("t.txt", "\n".join("abcde")))
    assert [[row.item.text for row in batch] for batch in file.batches(2)] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_text_of_a_million_characters(write):
    text = "word, " * 200_000
    for path in (write("t.csv", f'text\n"{text}"\n'), write("t.jsonl", json.dumps({"text": text}))):
        assert [row.item.text for row in open_items(path).rows()] == [text]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "t.jsonl",
            '{"id": 1, "text": "a"}\n{"id": "1", "text": "b"}',
            "t.jsonl, line 2: the id '1' was already used (t.jsonl, line 1). Ids must differ: remove one "
            "of the two "
            "rows, name another column with --id-column, or make ids from the line numbers with --id-column ''.",
        ),
        (
            "t.csv",
            "id,front,back\n1,a,b\n",
            "t.csv, line 1: there is no column 'text'; the columns are 'id', 'front', 'back'. "
            "Name the right one with --text-column NAME.",
        ),
        (
            "t.jsonl",
            '{"text": "a"}\n{"body": "b", "id": 1}',
            "t.jsonl, line 2: there is no column 'text'; the columns are 'body', 'id'. "
            "Name the right one with --text-column NAME.",
        ),
        ("t.csv", "id,text\n", "t.csv holds no texts; it must have at least one row below its header."),
        (
            "t.csv",
            b"text\nok\nna\xefve\n",
            "t.csv, line 3: byte 0xef at offset 10 is not utf-8. Save the file as UTF-8, or name its "
            "encoding: --encoding cp1252 reads 'naïve', --encoding cp1250 reads 'naďve'.",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_the_first_text(write, name, content, message):
    with pytest.raises(InputError) as caught:
        open_items(write(name, content))
    assert str(caught.value) == message


def test_a_gold_column_named_by_option_must_be_there(write):
    with pytest.raises(InputError) as caught:
        open_items(write("t.jsonl", '{"text": "a", "label": "x"}'), ItemColumns(labels="labls"))
    assert str(caught.value) == (
        "t.jsonl: there is no column 'labls'; the columns are 'label', 'text'. Did you mean "
        "--labels-column 'label'?"
    )


def test_items_of_two_files_never_share_an_id_that_was_made_up(write):
    rows = [*open_items(write("a.txt", "one\ntwo")).rows(), *open_items(write("b.txt", "three\none")).rows()]
    assert [row.item.id for row in rows] == ["a.txt:1", "a.txt:2", "b.txt:1", "b.txt:2"]


def test_equal_texts_on_standard_input_are_items_of_their_own(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"one\ntwo\none\none\n")))
    ids = [row.item.id for row in open_items("-").rows()]
    one = as_item("one").id
    assert ids == [one, as_item("two").id, f"{one}-2", f"{one}-3"]


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.jsonl", '{"text": "x"}\n' + DEEP, "t.jsonl, line 2, column 1: it is nested too deeply."),
        ("t.json", DEEP, "t.json, line 1, column 1: it is nested too deeply."),
        ("t.json", '[{"text": ' + DEEP, "t.json, line 1, column 1: it is nested too deeply."),
    ],
)
def test_nesting_without_end_is_an_error_of_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_items(tmp_path / name)
    assert str(caught.value).startswith(said)


def test_a_cell_of_labels_that_is_nested_without_end_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"id,text,labels\n1,x,{DEEP}\n", encoding="utf-8")
    assert [row.gold for row in open_items(tmp_path / "t.csv").rows()] == [(DEEP,)]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "txt.gz", "csv.gz", "json.gz"])
def test_a_compressed_file_holds_no_more_than_it_may(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"bomb.{suffix}"
    path.write_bytes(
        gzip.compress(b"text" + b"a" * 3_000_000 if suffix != "json.gz" else b"[" + b" " * 3_000_000)
    )
    monkeypatch.setenv("TAXONAUT_MAX_UNPACKED_GB", "0.002")
    with pytest.raises(InputError) as caught:
        open_items(path)
    assert str(caught.value) == (
        f"bomb.{suffix} holds more than 0.002 GB, unpacked. If it is yours, set the environment variable "
        "TAXONAUT_MAX_UNPACKED_GB to the gigabytes it may hold, or unpack it first."
    )
    monkeypatch.setenv("TAXONAUT_MAX_UNPACKED_GB", "many")
    with pytest.raises(InputError, match="is 'many'; give a number of gigabytes, such as 4"):
        open_items(path)


@pytest.mark.parametrize("sql", ["repeat('a', 100000)", "repeat(md5(range::VARCHAR), 3000)"])
def test_parquet_holds_no_more_than_it_may(tmp_path: Path, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT range AS id, {sql} AS text FROM range(100)) TO '{path}' (COMPRESSION zstd)"
        )
    assert open_items(path).count == 100
    monkeypatch.setenv("TAXONAUT_MAX_UNPACKED_GB", "0.002")
    with pytest.raises(InputError, match=r"bomb.parquet holds more than 0.002 GB, unpacked"):
        open_items(path)


def test_an_item_may_have_a_row_for_each_gold_label(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("id,text,labels\n1,kettle,11\n2,hose,21\n1,kettle,12\n")
    file = open_items(path)
    assert (file.count, file.with_gold) == (2, 2)
    assert file.notes == ("rows of one id in 'id' are one item: a gold label a row",)
    assert [(row.item.id, row.gold) for row in file.rows()] == [("1", ("11", "12")), ("2", ("21",))]
    path.write_text("id,text,labels\n1,kettle,11\n1,hose,21\n")
    with pytest.raises(InputError, match="the id '1' was already used"):
        open_items(path)


def test_tasks_of_label_studio_keep_their_gold_where_the_text_is_named(tmp_path):
    path = tmp_path / "tasks.json"
    path.write_text(
        '[{"id": 1, "data": {"text": "kettle"}, "annotations": [{"result": [{"value": {"choices": ["K"]}}]}]}]'
    )
    for columns in (ItemColumns(), ItemColumns(text="data.text")):
        assert [(row.item.text, row.gold) for row in open_items(path, columns).rows()] == [("kettle", ("K",))]


def test_columns_of_recbole_are_read_without_their_types(tmp_path):
    path = tmp_path / "goods.item"
    path.write_text("item_id:token\ttitle:token_seq\tprice:float\n7\tred kettle\t1.5\n")
    file = open_items(path)
    assert [(row.item.id, row.item.text) for row in file.rows()] == [("7", "red kettle")]
    assert file.fields.names == ("item_id", "title", "price")
    assert file.notes[1] == "the text is read from the column 'title', the id from 'item_id'"


def test_a_sheet_of_items_is_named(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.active.append([1, "kettle"])
    other = book.create_sheet("more")
    other.append(["id", "text"])
    other.append([2, "hose"])
    book.save(tmp_path / "items.xlsx")
    assert [row.item.text for row in open_items(tmp_path / "items.xlsx", sheet="more").rows()] == ["hose"]
    (note,) = open_items(tmp_path / "items.xlsx").notes
    assert note == "other sheets are not read: 'more'; choose one with --sheet"


@pytest.mark.parametrize(
    ("header", "text"), [("SKU,Titel,Preis", "Titel"), ("Código,Título,Descripción", "Título")]
)
def test_text_columns_in_other_languages(tmp_path: Path, header: str, text: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"{header}\n1,kettle,2\n", encoding="utf-8")
    found = open_items(file)
    assert [row.item.text for row in found.rows()] == ["kettle"]
    assert any(f"the text is read from the column {text!r}" in note for note in found.notes)


def test_texts_with_html_are_said_where_tags_are_kept(write) -> None:
    path = write("t.csv", 'id,text\n1,"<p class=""hose"">Electric kettle</p>"\n2,a </ b\n')
    said = "1 texts hold HTML, whose tags and scripts count as words; without them: --html"
    assert said in open_items(path).notes
    assert said not in open_items(path, ItemColumns(html=True)).notes
