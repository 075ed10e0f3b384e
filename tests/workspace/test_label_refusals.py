"""Label files that are wrong: each message names the file, the line, what was found and the way out."""

import gzip

import pytest

from taxonaut.state.errors import CycleError, InputError
from taxonaut.workspace.files.label_files import LabelColumns, read_labels


@pytest.fixture
def write(tmp_path):
    """Write bytes or text under a name and give the path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(*args, **kwargs):
    """Read labels and give the message of the error that stops it."""
    with pytest.raises(InputError) as caught:
        read_labels(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("e.csv", "", "e.csv is empty; it must hold at least one row."),
        ("e.jsonl", "\ufeff \n\n", "e.jsonl is empty; it must hold at least one row."),
        ("e.csv", "id,name\n", "e.csv holds no labels; it must have at least one row below its header."),
        ("e.json", "[]", "e.json holds no labels; it must have at least one row below its header."),
        (
            "t.csv",
            "id,nam,nem\n1,Birds,Oiseaux\n",
            "t.csv, line 1: there is no column 'name'; the columns are 'id', 'nam', 'nem'. "
            "Did you mean --name-column 'nam'?",
        ),
        (
            "t.csv",
            "Birds\nFish\n",
            "t.csv, line 1: there is no column 'name'; the columns are 'Birds'. Name the right one with "
            "--name-column NAME. If the file has no header and one text per line, use --format lines.",
        ),
        (
            "t.jsonl",
            '{"name": "Birds"}\n{"id": 2, "nme": "Fish"}',
            "t.jsonl, line 2: there is no column 'name'; the columns are 'id', 'nme'. "
            "Did you mean --name-column 'nme'?",
        ),
        (
            "t.csv",
            "id,name\n1,Birds\n2,  \n",
            "t.csv, line 3: the name is empty. Give the label a name, or remove the row.",
        ),
        (
            "t.csv",
            b"id,name\n1,Birds\n2,V\xf6gel\n",
            "t.csv, line 3: byte 0xf6 at offset 19 is not utf-8. Save the file as UTF-8, or name its "
            "encoding: --encoding cp1252 reads 'Vögel'.",
        ),
        (
            "t.csv",
            'id,name\n1,"Birds\nand more"\n1,Fish\n',
            "t.csv, line 4: the id '1' was already given to 'Birds\\nand more' (t.csv, line 2). Ids must "
            "differ: "
            "remove one of the two rows, or name another column with --id-column.",
        ),
        (
            "t.csv",
            "id,name,parents\na,Animals,\nb,Birds,animals\n",
            "t.csv, line 3: the parent 'animals' of 'b' is not an id in t.csv. Add a row for it, or correct "
            "the id.",
        ),
        (
            "t.csv",
            "id,name,parents\nx1,Animals,\nx2,Animals,\nb,Birds,Animals\n",
            "t.csv, line 4: the parent 'Animals' of 'b' is not an id in t.csv. "
            "Parents are ids, and 'Animals' is the name of 'x1' and 'x2'.",
        ),
        (
            "t.csv",
            "id,name,parents\nanimals,A,\npets,P,\nb,Birds,animal\n",
            "t.csv, line 4: the parent 'animal' of 'b' is not an id in t.csv. Did you mean 'animals'?",
        ),
        (
            "t.csv",
            "id,name,parents\na,A,\nb,B,\nc,C,a|b\n",
            "t.csv, line 4: the parent 'a|b' of 'c' is not an id in t.csv. Add a row for it, or correct the id. "
            "If it is several ids, name their separator with --parent-separator.",
        ),
        (
            "t.csv",
            "id,name,path\n1,Birds,Animals/Birds\n",
            "t.csv, line 2: the path 'Animals/Birds' must end in the label's own name 'Birds', but ends in "
            "'Animals/Birds'. If its steps have another separator, give it with --path-separator; if paths "
            "stop at "
            "the parent, add --path-to-parent.",
        ),
        (
            "t.csv",
            "id,name,path,parents\na,Animals,Animals,\np,Pets,Pets,\nb,Birds,Animals > Birds,p\n",
            "t.csv, line 4: the path of 'Birds' puts it under 'Animals', but its parent 'p' stands at 'Pets' "
            "(t.csv, line 3). Correct one of the two, or read only one column: --path-column '' or "
            "--parents-column ''.",
        ),
        (
            "t.csv",
            "id,name\n1,Birds,extra\n",
            "t.csv, line 2: 3 fields where the header has 2. A text that holds ',', a quote or a line "
            "break must "
            "be in double quotes.",
        ),
        (
            "t.csv",
            'id,name\n1,Birds\n2,"Fish\n3,Cats\n',
            "t.csv, line 3: unexpected end of data. Check the double quotes: each one that opens must "
            "close, and "
            'one inside a text is written twice ("").',
        ),
        (
            "t.csv",
            "name,name\nBirds,Birds\n",
            "t.csv, line 1: 'name' names more than one column. Rename or remove one of them.",
        ),
        (
            "t.jsonl",
            '{"name": "Birds"}\n{"name": Fish}\n',
            "t.jsonl, line 2, column 10: Expecting value. Each line must be one whole JSON object; this one "
            "starts '{\"name\": Fish}\\n'.",
        ),
        ("t.jsonl", "[1]\n", "t.jsonl, line 1: an object such as {'name': …} is expected, not [1]."),
        (
            "t.jsonl",
            '{"name": ["Birds"]}\n',
            "t.jsonl, line 1: 'name' must be one text, not [\"Birds\"]",
        ),
        (
            "t.json",
            '[{"name": "Birds"},\n]',
            "t.json, line 2, column 1: Expecting value. The file must be one JSON list of objects, or one "
            "object per line.",
        ),
        ("t.json", "17", "t.json: a JSON list of objects is expected, not int."),
        (
            "t.rar",
            b"Rar!\x1a\x07\x01\x00",
            "t.rar: the suffix '.rar' is unknown; known are .csv, .tsv, .tab, .jsonl, .ndjson, .json, .txt, "
            ".parquet, .pq, .arrow, .feather, .item, .xlsx, .xlsm, .xlsb, .xls, .ods, .md, .markdown, .html, "
            ".htm, .pdf, .docx (and .gz after each but Parquet's). Rename the file or "
            "name its format: --format csv|tsv|jsonl|json|lines|parquet|arrow|excel|document|md|html|pdf|docx.",
        ),
        (
            "t.xlsx",
            "x",
            "t.xlsx cannot be read as a workbook: Cannot detect file format. Save it again as .xlsx or as CSV UTF-8",
        ),
        (
            "t.parquet.gz",
            "x",
            "t.parquet.gz: parquet is compressed inside; unpack it first: gunzip t.parquet.gz",
        ),
        (
            "t.csv.gz",
            gzip.compress(b"name\nBirds\nFish\n", mtime=0)[:-9],
            "t.csv.gz: the gzip data is damaged or cut off (Compressed file ended before the end-of-stream "
            "marker was reached). Copy or compress it again.",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused(write, name, content, message):
    assert refusal(write(name, content)) == message


def test_a_damaged_parquet_file_is_refused(write):
    message = refusal(write("t.parquet", "PAR1 this is not"))
    assert message.startswith("t.parquet cannot be read as Parquet: Invalid Input Error: ")


def test_a_file_that_is_not_there_is_refused(write, tmp_path):
    write("labels.csv", "name\nBirds\n")
    assert refusal(tmp_path / "label.csv") == (
        f"{str(tmp_path / 'label.csv')!r} does not exist; did you mean {str(tmp_path / 'labels.csv')!r}?"
    )
    assert refusal(tmp_path / "no" / "x.csv") == (
        f"{str(tmp_path / 'no' / 'x.csv')!r} does not exist (nor does the folder {str(tmp_path / 'no')!r})."
    )
    assert refusal(tmp_path) == f"{str(tmp_path)!r} is a folder; give one file in it."
    assert refusal(tmp_path / "labels.csv", format="xml") == (
        "--format 'xml' is unknown; it can be one of csv, tsv, jsonl, json, lines, parquet, arrow, excel, "
        "document, "
        "md, html, pdf, docx."
    )


def test_a_column_named_by_option_must_be_there(write):
    path = write("t.csv", "id,name,topic\n1,Birds,x\n")
    assert refusal(path, LabelColumns(path="topics")) == (
        "t.csv, line 1: there is no column 'topics'; the columns are 'id', 'name', 'topic'. "
        "Did you mean --path-column 'topic'?"
    )
    path = write("t.jsonl", '{"name": "Birds"}')
    assert refusal(path, LabelColumns(description="about")) == (
        "t.jsonl: there is no column 'about'; the columns are 'name'. Name the right one with "
        "--description-column NAME. If the file has no header and one text per line, use --format lines."
    )
    assert refusal(path, LabelColumns(path_separator="")) == (
        "--path-separator '' is empty; give the separator, such as ' > '."
    )


def test_a_cycle_is_shown(write):
    path = write("t.csv", "id,name,parents\nr,R,\na,A,c;r\nb,B,a\nc,C,b\n")
    with pytest.raises(CycleError) as caught:
        read_labels(path)
    assert str(caught.value) == (
        "t.csv, line 3: the parents form a cycle: a -> c -> b -> a. "
        "Each of these has the next as a parent; remove one of these parents."
    )
