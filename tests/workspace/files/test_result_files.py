"""Results in files: whole content, what replaces what, and what cannot be written."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.errors import DiskError, InputError
from taxonaut.state.records import ItemResult, Prediction
from taxonaut.workspace.files.result_files import (
    TableOptions,
    labelled_format,
    open_file,
    open_results,
    result_row,
)
from taxonaut.workspace.files.sources import open_source
from taxonaut.workspace.files.tables import read_table

RESULTS = [
    ItemResult(
        "1",
        (
            Prediction("b", "Birds", ("Animals", "Birds"), 0.9876543219, "a heron", "it flies"),
            Prediction("=x", 'a, "b"\nc', ('a, "b"\nc',), 0.5, "=1+1"),
        ),
    ),
    ItemResult("2", (), "no answer"),
    ItemResult("3", (Prediction("ع", "🦉", ("حيوان", "🦉"), float("nan"), "\x00nul \ud800"),)),
]
ROWS = [
    {
        "id": "1",
        "labels": [
            {
                "id": "b",
                "name": "Birds",
                "notation": "",
                "path": ["Animals", "Birds"],
                "score": 0.987654,
                "evidence": "a heron",
                "reason": "it flies",
            },
            {
                "id": "=x",
                "name": 'a, "b"\nc',
                "notation": "",
                "path": ['a, "b"\nc'],
                "score": 0.5,
                "evidence": "=1+1",
                "reason": "",
            },
        ],
    },
    {"id": "2", "labels": [], "error": "no answer"},
    {
        "id": "3",
        "labels": [
            {
                "id": "ع",
                "name": "🦉",
                "notation": "",
                "path": ["حيوان", "🦉"],
                "score": None,
                "evidence": "nul \ufffd",
                "reason": "",
            }
        ],
    },
]
LONG = [
    ["id", "rank", "label", "label_id", "path", "score", "evidence", "reason", "error"],
    ["1", "1", "Birds", "b", "Animals > Birds", "0.987654", "a heron", "it flies", ""],
    ["1", "2", 'a, "b"\nc', "'=x", 'a, "b"\nc', "0.5", "'=1+1", "", ""],
    ["2", "", "", "", "", "", "", "", "no answer"],
    ["3", "1", "🦉", "ع", "حيوان > 🦉", "", "nul \ufffd", "", ""],
]
WIDE = [
    [
        "id",
        "label_1",
        "label_id_1",
        "path_1",
        "score_1",
        "label_2",
        "label_id_2",
        "path_2",
        "score_2",
        "error",
    ],
    ["1", "Birds", "b", "Animals > Birds", "0.987654", 'a, "b"\nc', "'=x", 'a, "b"\nc', "0.5", ""],
    ["2", *[""] * 8, "no answer"],
    ["3", "🦉", "ع", "حيوان > 🦉", *[""] * 6],
]


def write(path, results=RESULTS, top=2, **options):
    with open_results(path, top=top, **options) as writer:
        writer.write(results[:1])
        writer.write(results[1:])
    return path


def interrupted(path):
    """Write one item and stop as Ctrl-C does."""
    with open_results(path) as writer:
        writer.write(RESULTS[:1])
        raise KeyboardInterrupt


def names_in(folder: Path):
    return sorted(path.name for path in folder.iterdir())


def test_json_lines_hold_an_object_for_each_item(tmp_path):
    lines = write(tmp_path / "r.jsonl").read_text("utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == ROWS
    assert lines[-1] == ""


@pytest.mark.parametrize(("suffix", "delimiter"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize(("long", "cells"), [(False, WIDE), (True, LONG)])
def test_text_tables_hold_a_row_for_each_item_or_label(tmp_path, suffix, delimiter, long, cells):
    path = write(tmp_path / f"r.{suffix}", options=TableOptions(long=long))
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file, delimiter=delimiter)) == cells
    assert names_in(tmp_path) == [f"r.{suffix}"]


@pytest.mark.parametrize("name", ["r.csv", "r.tsv.gz", "r.xlsx", "r.parquet", "r.arrow"])
def test_a_table_has_as_many_labels_as_the_item_with_most(tmp_path, name):
    def names_of(results, shape):
        path = tmp_path / name
        with open_file(path, shape) as writer:
            writer.write(results)
        table = read_table(open_source(path), plain="text")
        assert len(list(table.rows())) == len(results)
        assert names_in(tmp_path) == [name]
        return [column for column in table.columns if column.startswith("label_") and "id" not in column]

    unlabelled = RESULTS[1:2]
    assert names_of(RESULTS, labelled_format(10)) == ["label_1", "label_2"]
    assert names_of(RESULTS[1:], labelled_format(10, notations=True)) == ["label_1"]
    assert names_of(unlabelled, labelled_format(10)) == ["label_1"]
    assert names_of(unlabelled, labelled_format(3, fixed=True)) == ["label_1", "label_2", "label_3"]


@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_a_table_that_is_interrupted_leaves_nothing(tmp_path, name):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / name)
    assert names_in(tmp_path) == []


def test_a_json_list_holds_the_objects_of_json_lines(tmp_path):
    assert json.loads(write(tmp_path / "r.json").read_text("utf-8")) == ROWS
    assert json.loads(write(tmp_path / "none.json", []).read_text("utf-8")) == []


def test_parquet_has_types(tmp_path):
    path = write(tmp_path / "it's [1].parquet")
    with duckdb.connect() as con:
        con.execute("SELECT * FROM read_parquet($1)", [str(path).replace("[", "[[]")])
        assert [str(column[1]) for column in con.description] == [
            "VARCHAR", *["VARCHAR", "VARCHAR", "VARCHAR[]", "DOUBLE"] * 2, "VARCHAR",
        ]  # fmt: skip
        rows = con.fetchall()
    assert rows[0] == (
        "1", "Birds", "b", ["Animals", "Birds"], 0.987654, 'a, "b"\nc', "=x", ['a, "b"\nc'], 0.5, None,
    )  # fmt: skip
    assert rows[1] == ("2", *[None] * 8, "no answer")
    assert names_in(tmp_path) == ["it's [1].parquet"]


def test_compressed_results(tmp_path):
    assert gzip.decompress(write(tmp_path / "r.jsonl.gz").read_bytes()).count(b"\n") == 3
    assert gzip.decompress(write(tmp_path / "r.csv.gz").read_bytes()).startswith(b"id,label_1,label_id_1")
    assert names_in(tmp_path) == ["r.csv.gz", "r.jsonl.gz"]


def test_no_results_make_an_empty_table(tmp_path):
    assert write(tmp_path / "r.jsonl", []).read_text() == ""
    one_label = [*WIDE[0][:5], WIDE[0][-1]]
    assert write(tmp_path / "r.csv", []).read_text() == ",".join(one_label) + "\n"
    path = write(tmp_path / "r.parquet", [])
    assert duckdb.execute("SELECT count(*) FROM read_parquet($1)", [str(path)]).fetchall() == [(0,)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_that_breaks_off_leaves_what_was_there(tmp_path, suffix):
    path = tmp_path / f"r.{suffix}"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert (names_in(tmp_path), path.read_text()) == ([f"r.{suffix}"], "before")


def test_json_lines_that_break_off_stay(tmp_path):
    path = tmp_path / "r.jsonl"
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert json.loads(path.read_text("utf-8")) == ROWS[0]


def test_standard_output(capsys):
    write("-")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS
    write("-", format="csv", options=TableOptions(path_separator="/"))
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [row[3] for row in table] == ["path_1", "Animals/Birds", "", "حيوان/🦉"]


def test_what_cannot_be_written_is_refused_at_once(tmp_path):
    def refusal(*args, **options):
        with pytest.raises(InputError) as caught:
            open_results(*args, **options)
        return str(caught.value)

    source = tmp_path / "items.jsonl"
    source.write_text('{"text": "x"}')
    assert refusal(source, inputs=["-", source]) == (
        f"{str(source)!r} is an input file; name another output file with -o."
    )
    assert refusal(tmp_path) == f"{tmp_path.name}: it has no suffix; " + refusal(tmp_path).split("; ", 1)[1]
    (tmp_path / "d.csv").mkdir()
    assert refusal(tmp_path / "d.csv") == f"{str(tmp_path / 'd.csv')!r} is a folder; name a file in it."
    assert refusal(tmp_path / "no" / "r.csv") == (
        f"the folder {str(tmp_path / 'no')!r} does not exist; create it first, or name another file."
    )
    assert refusal("r.txt") == (
        "r.txt: results are written as .jsonl, .json, .csv, .tsv, .xlsx, .parquet or .arrow; rename the file, or "
        "name the format with --output-format."
    )
    assert refusal("r.csv", "lines") == (
        "--output-format 'lines' cannot be written; it can be one of jsonl, json, csv, tsv, excel, parquet, arrow."
    )
    assert refusal("-", "parquet") == "parquet cannot be written to standard output; name a file with -o."
    assert refusal("r.parquet.gz") == "r.parquet.gz: parquet is compressed inside; remove the .gz suffix."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_so():
    with pytest.raises(DiskError) as caught, open_results("/dev/full", "jsonl") as writer:
        writer.write(RESULTS)
    assert str(caught.value) == (
        "'/dev/full' cannot be written: no space left on the disk. The results are kept in the "
        "workspace: free some space or name another file with -o, and run the same command again."
    )


def test_a_closed_pipe_is_left_to_the_caller(monkeypatch):
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    with pytest.raises(BrokenPipeError), open_results("-") as writer:
        writer.write(RESULTS)
    monkeypatch.undo()


texts = st.text(max_size=10)
predictions = st.builds(
    Prediction, texts, texts, st.lists(texts, max_size=3).map(tuple), st.floats(0, 1), texts, texts
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.builds(ItemResult, texts, st.lists(predictions, max_size=3).map(tuple), texts), max_size=4)
)
def test_any_result_survives_json_lines_and_csv(tmp_path_factory, results):
    folder = tmp_path_factory.mktemp("results")
    lines = write(folder / "r.jsonl", results).read_text("utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [result_row(result) for result in results]
    options = TableOptions(long=True, raw=True)
    with write(folder / "r.csv", results, options=options).open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    expected = [
        (row["id"], label["name"], label["evidence"])
        for row in map(result_row, results)
        for label in row["labels"] or [{"name": "", "evidence": ""}]
    ]
    assert [(cell["id"], cell["label"], cell["evidence"]) for cell in cells] == expected
