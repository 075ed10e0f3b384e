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
from taxonaut.workspace.files.result_files import open_results, result_row

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
                "path": ["Animals", "Birds"],
                "score": 0.987654,
                "evidence": "a heron",
                "reason": "it flies",
            },
            {
                "id": "=x",
                "name": 'a, "b"\nc',
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
                "path": ["حيوان", "🦉"],
                "score": None,
                "evidence": "nul \ufffd",
                "reason": "",
            }
        ],
    },
]
CELLS = [
    ["id", "rank", "label_id", "name", "path", "score", "evidence", "reason", "error"],
    ["1", "1", "b", "Birds", "Animals > Birds", "0.987654", "a heron", "it flies", ""],
    ["1", "2", "=x", 'a, "b"\nc', 'a, "b"\nc', "0.5", "=1+1", "", ""],
    ["2", "", "", "", "", "", "", "", "no answer"],
    ["3", "1", "ع", "🦉", "حيوان > 🦉", "", "nul \ufffd", "", ""],
]


def write(path, results=RESULTS, **options):
    with open_results(path, **options) as writer:
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
def test_tables_hold_a_row_for_each_label(tmp_path, suffix, delimiter):
    with write(tmp_path / f"r.{suffix}").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file, delimiter=delimiter)) == CELLS
    assert names_in(tmp_path) == [f"r.{suffix}"]


def test_parquet_holds_nested_labels(tmp_path):
    path = write(tmp_path / "it's [1].parquet")
    with duckdb.connect() as con:
        con.execute("SELECT id, labels, error FROM read_parquet($1)", [str(path).replace("[", "[[]")])
        rows = [dict(zip(("id", "labels", "error"), row, strict=True)) for row in con.fetchall()]
    assert rows == [
        {"error": None, **row, "labels": [{**label, "place": None} for label in row["labels"]]}
        for row in ROWS
    ]
    assert names_in(tmp_path) == ["it's [1].parquet"]


def test_compressed_results(tmp_path):
    assert gzip.decompress(write(tmp_path / "r.jsonl.gz").read_bytes()).count(b"\n") == 3
    assert gzip.decompress(write(tmp_path / "r.csv.gz").read_bytes()).startswith(b"id,rank,label_id")
    assert names_in(tmp_path) == ["r.csv.gz", "r.jsonl.gz"]


def test_no_results_make_an_empty_table(tmp_path):
    assert write(tmp_path / "r.jsonl", []).read_text() == ""
    assert write(tmp_path / "r.csv", []).read_text() == ",".join(CELLS[0]) + "\n"
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
    write("-", path_separator="/")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS
    write("-", format="csv", path_separator="/")
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [row[4] for row in table] == ["path", "Animals/Birds", 'a, "b"\nc', "", "حيوان/🦉"]


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
        "r.txt: results are written as .jsonl, .csv, .tsv or .parquet; rename the file, or name the format "
        "with --output-format."
    )
    assert refusal("r.csv", "lines") == (
        "--output-format 'lines' cannot be written; it can be one of jsonl, csv, tsv, parquet."
    )
    assert refusal("-", "parquet") == "Parquet cannot be written to standard output; name a file with -o."
    assert refusal("r.parquet.gz") == "r.parquet.gz: Parquet is compressed inside; remove the .gz suffix."


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
    with write(folder / "r.csv", results).open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    expected = [
        (row["id"], label["name"], label["evidence"])
        for row in map(result_row, results)
        for label in row["labels"] or [{"name": "", "evidence": ""}]
    ]
    assert [(cell["id"], cell["name"], cell["evidence"]) for cell in cells] == expected
