"""Reading label files: every format and every column option."""

import csv
import gzip
import io
import json
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.errors import InputError
from taxonaut.state.records import Label
from taxonaut.workspace.files.label_files import LabelColumns, read_labels

ODD_NAMES = [
    'a, b; "c"',
    "two\nlines",
    "عربى",
    "👩‍🔬 lab",
    "tab\there",
    "> not a path",
    "'; DROP TABLE labels",
]


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


def seen(file):
    return [(row.label.id, row.label.name, row.path, row.parents, row.label.description) for row in file.rows]


TREE = [
    ("a", "Animals", ("Animals",), (), ""),
    ("b", "Birds", ("Animals", "Birds"), ("a",), "have feathers"),
]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "t.csv",
            "id,name,path,parents,description\na,Animals,Animals,,\nb,Birds,Animals > Birds,a,have "
            "feathers\n",
        ),
        (
            "t.csv",
            "id;name;path;parents;description\na;Animals;Animals;;\nb;Birds;Animals > Birds;a;have "
            "feathers\n",
        ),
        (
            "t.csv",
            "\ufeffid,name,path,parents,description\r\na,Animals,Animals,,\r\n"
            'b,Birds,"[""Animals"",""Birds""]",a,'
            "have feathers\r\n",
        ),
        (
            "t.TSV",
            "id\tname\tpath\tparents\tdescription\na\tAnimals\tAnimals\t\t\n\nb\tBirds\tAnimals > "
            "Birds\ta\thave feathers",
        ),
        (
            "t.jsonl",
            '{"id":"a","name":"Animals","path":["Animals"]}\n\n'
            '{"id":"b","name":"Birds","path":["Animals","Birds"],"parents":["a"],"description":"have '
            'feathers"}\n',
        ),
        (
            "t.json",
            '[{"id":"a","name":"Animals","path":["Animals"],"parents":null},'
            '{"id":"b","name":"Birds","path":"Animals > Birds","parents":"a","description":"have feathers"}]',
        ),
        (
            "t.json",
            '{"id":"a","name":"Animals","path":["Animals"]}\n'
            '{"id":"b","name":"Birds","path":["Animals","Birds",null],"parents":["a"],"description":"have '
            'feathers"}',
        ),
    ],
)
def test_every_text_format_reads_the_same(write, name, content):
    assert seen(read_labels(write(name, content))) == TREE


def test_compressed_files_are_unpacked(write):
    path = write("t.csv.gz", gzip.compress(b"name\nBirds\nFish\n"))
    assert [label.name for label in read_labels(path).labels] == ["Birds", "Fish"]


def test_parquet_is_read_with_lists_numbers_and_columns_called_like_methods(tmp_path):
    path = tmp_path / "labels [1]*.parquet"
    duckdb.execute(
        "COPY (SELECT * FROM (VALUES (1, 'Animals', ['Animals'], 'x'), (2, 'Birds', ['Animals', 'Birds'], "
        "'y'))"
        f" AS t(id, name, path, fetchmany)) TO '{path}' (FORMAT parquet)"
    )
    assert seen(read_labels(path)) == [
        ("1", "Animals", ("Animals",), (), ""),
        ("2", "Birds", ("Animals", "Birds"), (), ""),
    ]


def test_one_label_a_line(write):
    file = read_labels(write("labels.txt", "Birds\n\n  Fish  \r\nمرحبا\n"), batch="second")
    assert file.labels == (
        Label("Birds", "Birds", batch="second"),
        Label("Fish", "Fish", batch="second"),
        Label("مرحبا", "مرحبا", batch="second"),
    )
    assert not file.has_tree


def test_one_path_a_line(write):
    columns = LabelColumns(name="line", path="line", path_separator=" :: ")
    file = read_labels(write("labels.txt", "Topic\nTopic :: Internet\n"), columns)
    assert seen(file) == [
        ("Topic", "Topic", ("Topic",), (), ""),
        ("Topic :: Internet", "Internet", ("Topic", "Internet"), (), ""),
    ]
    assert file.has_tree


def test_columns_and_separators_by_option(write):
    path = write("t.csv", "Code,Titel,Pfad,Oben,Text\n1,Tiere,Tiere,,\n2,Vögel,Tiere/Vögel,1|1,mit Federn\n")
    columns = LabelColumns("Code", "Titel", "Pfad", "Oben", "Text", path_separator="/", parent_separator="|")
    assert seen(read_labels(path, columns)) == [
        ("1", "Tiere", ("Tiere",), (), ""),
        ("2", "Vögel", ("Tiere", "Vögel"), ("1",), "mit Federn"),
    ]


def test_a_missing_id_is_the_path_or_the_name(write):
    path = write(
        "t.jsonl", '{"path": ["A", "B"]}\n{"name": "C"}\n{"id": 7.0, "name": "D"}\n{"id": 8, "name": "E"}'
    )
    assert [(label.id, label.name) for label in read_labels(path).labels] == [
        ("A > B", "B"),
        ("C", "C"),
        ("7", "D"),
        ("8", "E"),
    ]


def test_paths_may_stop_at_the_parent(write):
    path = write("t.csv", "name,path\nBirds,Animals\nAnimals,\n")
    assert [row.path for row in read_labels(path, LabelColumns(path_to_parent=True)).rows] == [
        ("Animals", "Birds"),
        (),
    ]


def test_groups_are_nodes_and_no_labels(write):
    rows = [
        {"id": "g", "name": "skills", "kind": "group", "parents": []},
        {"id": "s", "name": "juggle", "kind": "skill", "parents": ["g"]},
    ]
    path = write("t.jsonl", "\n".join(map(json.dumps, rows)))
    file = read_labels(path)
    assert file.labels == (Label("s", "juggle"),)
    assert file.has_tree
    assert len(read_labels(path, LabelColumns(node_kinds=())).labels) == 2
    assert len(read_labels(path, LabelColumns(kind="", node_kinds=("",))).labels) == 2
    assert "says 'group' in every row" in refusal(write("t.jsonl", json.dumps(rows[0])))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json"])
def test_odd_names_survive(write, suffix):
    text = io.StringIO()
    if suffix in ("csv", "tsv"):
        table = csv.writer(text, delimiter="," if suffix == "csv" else "\t")
        table.writerow(["id", "name"])
        table.writerows(enumerate(ODD_NAMES))
    else:
        rows = [{"id": number, "name": name} for number, name in enumerate(ODD_NAMES)]
        text.write(json.dumps(rows) if suffix == "json" else "\n".join(map(json.dumps, rows)))
    file = read_labels(write(f"odd.{suffix}", text.getvalue()))
    assert [label.name for label in file.labels] == ODD_NAMES


def test_nuls_and_lone_surrogates_are_cleaned_away(write):
    path = write("t.jsonl", '{"name": "a\\u0000b"}\n{"name": "c\\ud800"}')
    assert [label.name for label in read_labels(path).labels] == ["ab", "c\ufffd"]


def test_standard_input_is_lines_or_json_lines(monkeypatch):
    def stdin(data):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    stdin(b"Birds\nFish\n")
    assert [label.id for label in read_labels("-").labels] == ["Birds", "Fish"]
    stdin(b'{"id": 1, "name": "Birds"}\n')
    assert [label.id for label in read_labels("-").labels] == ["1"]
    stdin(gzip.compress(b"name\nBirds\n"))
    assert [label.id for label in read_labels("-", format="csv").labels] == ["Birds"]
    stdin(b" \n")
    assert refusal("-") == "standard input is empty; it must hold at least one text."
    stdin(b"PAR1")
    assert (
        refusal("-", format="parquet") == "parquet cannot be read from standard input; give the file itself."
    )


def test_the_right_encoding_reads_the_file(write):
    path = write("t.csv", b"name\nV\xf6gel\n")
    assert [label.name for label in read_labels(path, encoding="latin-1").labels] == ["Vögel"]
    path = write("t.csv", "name\nVögel\n".encode("utf-16"))
    assert [label.name for label in read_labels(path, encoding="utf-16").labels] == ["Vögel"]
    assert refusal(path, encoding="klingon") == (
        "--encoding 'klingon' is unknown; try utf-8, latin-1, cp1252 or utf-16."
    )


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=1))
def test_any_name_survives_a_csv(tmp_path_factory, names):
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    path = tmp_path_factory.mktemp("any") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "name"], *enumerate(names)])
    if names:
        assert [label.name for label in read_labels(path, tidy=False).labels] == names


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("t.csv", 'name,altLabel\nHeart attack,"old; MI|infarct|MI|heart Attack"\nStroke,\n', "'|'"),
        ("t.csv", 'name,Alt Labels\nHeart attack,"old; MI\ninfarct"\nStroke,\n', r"'\n'"),
        ("t.tsv", 'name\tskos:altLabel\nHeart attack\t["old; MI", "infarct"]\nStroke\t\n', ""),
        ("t.jsonl", '{"name": "Heart attack", "aliases": ["old; MI", "infarct"]}\n{"name": "Stroke"}\n', ""),
    ],
)
def test_alternative_names_are_read_and_their_column_is_named(write, name, content, note):
    file = read_labels(write(name, content))
    names = ("old; MI", "infarct", "MI") if note == "'|'" else ("old; MI", "infarct")
    assert [label.alternatives for label in file.labels] == [names, ()]
    column = {"'|'": "altLabel", r"'\n'": "Alt Labels"}.get(note, "skos:altLabel")
    column = "aliases" if name == "t.jsonl" else column
    split = f", split at {note} (other: --alternative-separator)" if note else ""
    assert file.notes == (f"1 of 2 rows have alternative names in the column '{column}'{split}",)


def test_columns_of_alternative_names_can_be_chosen(write):
    path = write("t.csv", "name,synonyms,keywords,description\nStroke,CVA,brain;clot,x\n")
    assert read_labels(path).labels[0].alternatives == ("CVA", "brain", "clot")
    columns = LabelColumns(alternatives="description", alternative_separator=",")
    assert read_labels(path, columns).labels[0].alternatives == ("x",)
    assert read_labels(path, LabelColumns(alternatives="")).labels[0].alternatives == ()
    assert read_labels(path, LabelColumns(description="synonyms")).labels[0].alternatives == ("brain", "clot")
    assert "Name the right one with --alternatives-column" in refusal(
        path, LabelColumns(alternatives="other")
    )
