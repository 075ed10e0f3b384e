"""Items with their descriptors as files of other programs, read back."""

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Node
from taxonaut.workspace.files.parquet import parquet_columns, parquet_rows
from taxonaut.workspace.vocabulary.export import export_format, export_vocabulary
from taxonaut.workspace.vocabulary.reading import Descriptor, Vocabulary

NAMES = ("Paper & pens", 'The "best"\tpens', "长 stühle", "=Tents")
PATHS: Mapping[int, Sequence[int]] = {2: (2,), 3: (2, 3), 4: (4,), 5: (4, 5)}


def described(number: int) -> Descriptor:
    path = tuple(NAMES[at - 2] for at in PATHS[number])
    parent = NodeId(([1, *PATHS[number]])[-2])
    return Descriptor(NodeId(number), parent, len(path), path, Node(NodeId(number), path[-1]))


def vocabulary(*taggings: tuple[str, Sequence[int], Sequence[int]]) -> Vocabulary:
    """Four descriptors, 3 below 2 and 5 below 4."""
    made = [Tagging(ItemId(item), tuple(map(NodeId, p)), tuple(map(NodeId, o))) for item, p, o in taggings]
    return Vocabulary(NodeId(1), [described(number) for number in PATHS], made)


SHOP = vocabulary(("p1", [2, 3], [4]), ("a b", [2, 3], [3]), ("'\"\t", [4], []), ("?", [], [5, 2]))


def read_recbole(file: Path) -> tuple[list[str], list[list[str]]]:
    """Read as RecBole does: a header split at tabs, rows by pandas' default quoting."""
    with file.open(encoding="utf-8", newline="") as opened:
        head = opened.readline()[:-1].split("\t")
        return head, list(csv.reader(opened, delimiter="\t"))


def test_parquet_has_tokens_numbers_and_names(tmp_path: Path) -> None:
    file = tmp_path / "it's [a]*.parquet"
    assert export_vocabulary(SHOP, file, further=1).files == (str(file),)
    assert tuple(parquet_columns(file)) == (
        "item_id", "l1", "l1_number", "l2", "l2_number", "x1", "x1_number", "r", "r_number", "path", "further",
    )  # fmt: skip
    pens = ["Paper & pens", 'The "best"\tpens']
    assert list(parquet_rows(file)) == [
        ("p1", "<a_0>", 0, "<b_0>", 0, "<c_2>", 2, "<d_0>", 0, pens, [["长 stühle"]]),
        ("a b", "<a_0>", 0, "<b_0>", 0, "<pad>", None, "<d_0>", 0, pens, []),
        ("'\"\t", "<a_1>", 1, "<pad>", None, "<pad>", None, "<d_0>", 0, ["长 stühle"], []),
        ("?", "<pad>", None, "<pad>", None, "<c_3>", 3, "<d_0>", 0, [], [["长 stühle", "=Tents"], pens[:1]]),
    ]
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_recbole_reads_typed_columns(tmp_path: Path) -> None:
    file = tmp_path / "shop.item"
    export_vocabulary(SHOP, file)
    assert file.read_text(encoding="utf-8") == (
        "item_id:token\tl1:token\tl2:token\tr:token\tsemantic_id:token_seq\tclass:token_seq\n"
        """p1\t<a_0>\t<b_0>\t<c_0>\t<a_0> <b_0> <c_0>\t"Paper_&_pens The_""best""_pens"\n"""
        """a b\t<a_0>\t<b_0>\t<c_1>\t<a_0> <b_0> <c_1>\t"Paper_&_pens The_""best""_pens"\n"""
        """"'""\t"\t<a_1>\t<pad>\t<c_0>\t<a_1> <c_0>\t长_stühle\n"""
        """?\t<pad>\t<pad>\t<c_0>\t<c_0>\t\n"""
    )


def test_ids_that_recbole_loses_are_counted(tmp_path: Path) -> None:
    made = export_vocabulary(vocabulary(("NA", [2], []), ("", [], []), ("x", [], [])), tmp_path / "a.item")
    assert made.notes == ("RecBole will read 2 item ids, such as 'NA', as missing values",)


def test_plain_files(tmp_path: Path) -> None:
    pens = ["Paper & pens", 'The "best"\tpens']
    export_vocabulary(SHOP, tmp_path / "a.json", "plain")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "p1": pens, "a b": pens, "'\"\t": ["长 stühle"], "?": [],
    }  # fmt: skip
    export_vocabulary(SHOP, tmp_path / "a.jsonl.gz")
    lines = gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"item_id": "p1", "path": pens, "further": [["长 stühle"]]},
        {"item_id": "a b", "path": pens, "further": []},
        {"item_id": "'\"\t", "path": ["长 stühle"], "further": []},
        {"item_id": "?", "path": [], "further": [["长 stühle", "=Tents"], ["Paper & pens"]]},
    ]
    export_vocabulary(SHOP, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as opened:
        assert list(csv.reader(opened)) == [
            ["item_id", "l1", "l2", "further"],
            ["p1", *pens, '[["长 stühle"]]'],
            ["a b", *pens, ""],
            ["'\"\t", "长 stühle", "", ""],
            ["?", "", "", '[["长 stühle", "=Tents"], ["Paper & pens"]]'],
        ]


IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)


@given(st.dictionaries(IDS, st.sampled_from([(), *PATHS.values()]), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_every_format_read_back_is_the_same(drawn: dict[str, Sequence[int]]) -> None:
    given = vocabulary(*((item, path, ()) for item, path in drawn.items()))
    names = [(item, [NAMES[node - 2] for node in path]) for item, path in drawn.items()]
    with TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("a.parquet", "a.item", "a.json", "a.jsonl", "a.csv")]
        for file in files:
            made = export_vocabulary(given, file, "plain" if file.suffix == ".json" else None)
        assert [(row[0], row[-2]) for row in parquet_rows(files[0])] == names
        _, rows = read_recbole(files[1])
        assert {row[0]: tuple(row[1:-2]) for row in rows} == made.ids.ids
        assert list(json.loads(files[2].read_bytes()).items()) == names
        lines = [json.loads(line) for line in files[3].read_bytes().splitlines()]
        assert [(line["item_id"], line["path"]) for line in lines] == names
        with files[4].open(encoding="utf-8", newline="") as opened:
            cells = list(csv.reader(opened))[1:]
        assert [(row[0], [name for name in row[1:-1] if name]) for row in cells] == names


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("a.json", None, "'a.json' can have several formats; give --format semantic-ids|plain|free-form"),
        ("a.toml", None, "invalid suffix of 'a.toml' for an export; use one of .csv, .item, .json"),
        ("a.csv", "parquet", "invalid suffix of 'a.csv' for parquet; use one of .parquet, .pq"),
        ("a.json", "xml", "--format 'xml' is unknown; it can be one of semantic-ids, parquet, recbole, plain"),
        ("a.item.gz", None, "recbole files are not read compressed; remove the .gz suffix"),
        ("-", None, "standard output needs a format; give --format semantic-ids|"),
        ("-", "parquet", "Parquet cannot be written to standard output; name a file"),
    ],
)  # fmt: skip
def test_formats_that_cannot_be_are_named(name: str, given: str | None, says: str) -> None:
    with pytest.raises(InputError) as raised:
        export_format(Path(name), given)
    assert says in str(raised.value)


def test_formats_are_told_by_suffixes() -> None:
    files = ("a.parquet", "A.ITEM", "b.csv.gz", "c.jsonl")
    assert [export_format(Path(file), None) for file in files] == ["parquet", "recbole", "plain", "plain"]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no item has been tagged yet; tag some: taxonaut vocabulary assign"):
        export_vocabulary(vocabulary(), tmp_path / "a.csv")
    with pytest.raises(InputError, match="does not exist; create it first"):
        export_vocabulary(SHOP, tmp_path / "no" / "a.parquet")
    assert list(tmp_path.iterdir()) == []
