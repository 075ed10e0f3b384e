"""Results next to the rows they belong to, in every format that is written."""

import csv
import datetime
import json
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.ids import LabelId
from taxonaut.state.records import ItemResult, Prediction
from taxonaut.workspace.files.item_files import ItemColumns, ItemFile, open_items
from taxonaut.workspace.files.result_files import TableOptions, open_results

KETTLES = Prediction(LabelId("007"), "Kettles", ("Kitchen", "Kettles"), 0.75)
OWN = ["label_1", "label_id_1", "path_1", "score_1", "error"]
FOUND: list[object] = ["Kettles", "007", "Kitchen > Kettles", 0.75, None]


def label(items: ItemFile, out: Path, **options: Any) -> list[str]:
    """Give every item of a file the same label; return what is said."""
    with open_results(out, top=1, fields=items.fields, **options) as writer:
        for row in items.rows():
            writer.write([ItemResult(row.item.id, (KETTLES,))], [row.values])
    return writer.notes


def sheet(path: Path, name: str = "items") -> list[list[Any]]:
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path)[name].iter_rows()]


def test_csv_is_written_as_it_came(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_bytes('sep=;\r\n"sku";"titel";"preis"\r\n"001";"Müller; 1,7 l";"12,50"\r\n'.encode("cp1252"))
    items = open_items(source, ItemColumns("sku", "titel"), encoding="cp1252")
    assert label(items, tmp_path / "out.csv") == []
    assert (tmp_path / "out.csv").read_bytes() == (
        'sep=;\r\n"sku";"titel";"preis";"label_1";"label_id_1";"path_1";"score_1";"error"\r\n'
        '"001";"Müller; 1,7 l";"12,50";"Kettles";"007";"Kitchen > Kettles";"0,75";""\r\n'
    ).encode("cp1252")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bom.csv", b"\xef\xbb\xbfid,text\n1,a\n"),
        ("crlf.csv", b"id,text\r\n1,a\r\n"),
        ("bars.csv", b"id|text\n1|a\n"),
        ("open.tsv", b'id\ttext\n1\t"a\n'),
        ("wide.csv", "id,text\n1,ä\n".encode("utf-16")),
    ],
)
def test_marks_line_ends_and_quotes_stay(tmp_path: Path, name: str, data: bytes) -> None:
    source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    source.write_bytes(data)
    label(open_items(source), out)
    assert out.read_bytes()[: data.index(b"t") + 3] == data[: data.index(b"t") + 3]
    encoding = "utf-16" if name == "wide.csv" else "utf-8-sig"
    lines = out.read_bytes().decode(encoding).splitlines(keepends=True)
    first = data.decode(encoding).splitlines(keepends=True)
    assert [line.startswith(was.rstrip("\r\n")) for line, was in zip(lines, first, strict=True)] == [True] * 2
    assert all(line.endswith("\r\n") == (b"\r\n" in data) for line in lines)


def test_an_encoding_without_a_character_gives_way_to_utf_8(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_bytes("id,text\n1,Müller\n".encode("latin-1"))
    items = open_items(source, encoding="latin-1")
    with open_results(tmp_path / "out.csv", top=1, fields=items.fields) as writer:
        for row in items.rows():
            writer.write([ItemResult(row.item.id, (), "→")], [row.values])
    assert writer.notes == ["the output is UTF-8: latin-1, the encoding of the input, has no '→'"]
    assert "Müller" in (tmp_path / "out.csv").read_text("utf-8-sig")


ROWS = [
    {"id": "01", "text": "=1+1", "n": 3, "price": 1.5, "day": datetime.date(2026, 3, 1), "ok": True},
    {"id": "2", "text": "-5", "n": None, "price": 2.0, "day": None, "ok": False},
]


@pytest.fixture
def items(tmp_path: Path) -> ItemFile:
    """A Parquet file with a column of each kind."""
    path = tmp_path / "items.parquet"
    rows = ", ".join(
        "(" + ", ".join("NULL" if value is None else f"'{value}'" for value in row.values()) + ")"
        for row in ROWS
    )
    duckdb.sql(
        f"COPY (SELECT id, text, n::BIGINT n, price::DOUBLE price, day::DATE AS day, ok::BOOLEAN ok "
        f"FROM (VALUES {rows}) t(id, text, n, price, day, ok)) TO '{path}' (FORMAT parquet)"
    )
    return open_items(path)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_types_of_the_input_stay(items: ItemFile, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    label(items, out)
    back = open_items(out)
    assert dict(back.fields.types) == {
        "id": "VARCHAR", "text": "VARCHAR", "n": "BIGINT", "price": "DOUBLE", "day": "DATE", "ok": "BOOLEAN",
        "label_1": "VARCHAR", "label_id_1": "VARCHAR", "path_1": "VARCHAR[]", "score_1": "DOUBLE",
        "error": "VARCHAR",
    }  # fmt: skip
    found = dict(zip(OWN, ["Kettles", "007", ["Kitchen", "Kettles"], 0.75, None], strict=True))
    assert [row.values for row in back.rows()] == [{**row, **found} for row in ROWS]


def test_a_workbook_has_numbers_dates_texts_and_the_tree(items: ItemFile, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    with open_results(out, top=1, fields=items.fields) as writer:
        writer.tree = lambda: (("id", "path"), [("007", "Kitchen > Kettles"), ("+1", "@x")])
        for row in items.rows():
            writer.write([ItemResult(row.item.id, (KETTLES,))], [row.values])
    assert writer.notes == [
        "cells that begin like formulas: 2, marked as text so that no spreadsheet runs them"
    ]
    day = datetime.datetime(2026, 3, 1)
    assert sheet(out) == [
        ["id", "text", "n", "price", "day", "ok", *OWN],
        ["01", "=1+1", 3, 1.5, day, True, *FOUND],
        ["2", "-5", None, 2, None, False, *FOUND],
    ]
    book = openpyxl.load_workbook(out)
    assert [book["items"][cell].data_type for cell in ("A2", "B2", "C2", "E2")] == ["s", "s", "n", "d"]
    assert book["items"]["B2"].quotePrefix
    assert sheet(out, "tree") == [["id", "path"], ["007", "Kitchen > Kettles"], ["+1", "@x"]]


def test_texts_that_are_numbers_become_numbers_but_codes_do_not(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text(
        "id,text,price,code,version,long,count\n1,a,12.50,007,1.1,1234567890123456,1\n2,b,9.90,12,1.10,2,\n"
    )
    label(open_items(source), tmp_path / "out.xlsx")
    assert [row[2:7] for row in sheet(tmp_path / "out.xlsx")[1:]] == [
        [12.5, "007", "1.1", "1234567890123456", 1],
        [9.9, "12", "1.10", "2", None],
    ]
    assert openpyxl.load_workbook(tmp_path / "out.xlsx")["items"]["C3"].number_format == "0.00"


def test_a_workbook_in_gives_a_workbook_out_without_an_id_of_ours(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["sku", "title", "made"])
    book.active.append([5, "kettle", datetime.date(2026, 1, 2)])
    book.save(tmp_path / "items.xlsx")
    items = open_items(tmp_path / "items.xlsx")
    assert items.notes == ("the text is read from the column 'title', the id from 'sku'",)
    label(items, tmp_path / "out.xlsx")
    assert sheet(tmp_path / "out.xlsx") == [
        ["sku", "title", "made", *OWN],
        [5, "kettle", datetime.datetime(2026, 1, 2), *FOUND],
    ]


def test_columns_named_like_those_of_the_output_are_renamed_and_it_is_said(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text("id,text,Label_1,input_label_1,labels\n1,a,old,older,x\n")
    items = open_items(source)
    said = label(items, tmp_path / "out.csv")
    assert said == [
        "columns of the input that are called like one of the output are 'input_input_Label_1' there"
    ]
    with (tmp_path / "out.csv").open(newline="") as file:
        header, row = csv.reader(file)
    assert header == ["id", "text", "input_input_Label_1", "input_label_1", "labels", *OWN]
    assert row[:5] == ["1", "a", "old", "older", "x"]
    label(items, tmp_path / "out.jsonl")
    found = json.loads((tmp_path / "out.jsonl").read_text())
    assert list(found) == ["id", "text", "Label_1", "input_label_1", "input_labels", "labels"]
    assert found["input_labels"] == "x"


def test_formulas_are_counted_and_kept_on_request(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text("id,text,a\n1,=HYPERLINK(0),+49 30-1\n2,@x,-1.5\n")
    items = open_items(source)
    (said,) = label(items, tmp_path / "out.csv")
    assert said.startswith("cells that begin like formulas: 3; a ' before each")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row[1:3] for row in csv.reader(file)] == [
            ["text", "a"], ["'=HYPERLINK(0)", "'+49 30-1"], ["'@x", "-1.5"],
        ]  # fmt: skip
    assert label(items, tmp_path / "raw.csv", options=TableOptions(raw=True)) == []
    assert ",=HYPERLINK(0)," not in (tmp_path / "out.csv").read_text()
    assert ",=HYPERLINK(0)," in (tmp_path / "raw.csv").read_text()


def test_nested_values_are_json_in_tables_and_themselves_in_json(tmp_path: Path) -> None:
    source = tmp_path / "items.jsonl"
    source.write_text('{"text": "a", "data": {"x": [1]}}\n{"text": "b", "more": 1}\n')
    items = open_items(source)
    label(items, tmp_path / "out.jsonl")
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (list(first), first["id"], first["data"]) == (
        ["id", "text", "data", "labels"], "items.jsonl:1", {"x": [1]},
    )  # fmt: skip
    assert list(second) == ["id", "text", "more", "labels"]
    label(items, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row[:4] for row in csv.reader(file)] == [
            ["id", "text", "data", "more"],
            ["items.jsonl:1", "a", '{"x": [1]}', ""],
            ["items.jsonl:2", "b", "", "1"],
        ]


def test_an_output_that_is_the_input_through_a_link_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text("id,text\n1,a\n")
    (tmp_path / "soft.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    for name in ("soft.csv", "hard.csv"):
        with pytest.raises(InputError, match="is an input file"):
            open_results(tmp_path / name, inputs=[source])


def test_texts_longer_than_a_cell_of_excel_are_said(tmp_path: Path) -> None:
    source = tmp_path / "items.jsonl"
    source.write_text(json.dumps({"id": "1", "text": "x" * 40_000}))
    (said,) = label(open_items(source), tmp_path / "out.xlsx")
    assert said.startswith("1 cells are longer than the 32,767 characters that Excel allows")
