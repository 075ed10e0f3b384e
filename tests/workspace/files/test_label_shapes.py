"""The shapes in which people have their labels: each is seen, or refused with the way out."""

import json
from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
from taxonaut.workspace.files.label_files import LabelColumns, LabelFile, read_labels
from taxonaut.workspace.files.native_tree import build_native_tree


@pytest.fixture
def read(tmp_path: Path):
    """Write a file and read its labels."""

    def read(name: str, content: str | bytes, **options: object) -> LabelFile:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_labels(path, **options)

    return read


def parents(file: LabelFile) -> dict[str, set[str]]:
    """Give the names above each label, by its id; "" at the top."""
    tree = build_native_tree(file.rows)
    names = {0: "", **{node.key: node.name for node in tree.nodes}}
    owner = {node.label_id: node.key for node in tree.nodes if node.label_id}
    above: dict[str, set[str]] = {}
    for parent, child in tree.edges:
        label = next((label for label, key in owner.items() if key == child), None)
        if label:
            above.setdefault(label, set()).add(names[parent])
    for node, label in tree.placements:
        if owner.get(label) != node:
            above.setdefault(label, set()).add(names[node])
    return above


KITCHEN = {"1": {""}, "2": {"Kitchen"}, "3": {"Kitchen"}, "4": {""}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.txt", "# Version 2021\n1 - Kitchen\n2 - Kitchen > Kettles\n3 - Kitchen > Toasters\n4 - Garden\n"),
        ("t.txt", "1 : Kitchen\n2 : Kitchen > Kettles\n3 : Kitchen > Toasters\n4 : Garden\n"),
        ("t.csv", "id,path\n1,Kitchen\n2,Kitchen>Kettles\n3,Kitchen >Toasters\n4,Garden\n"),
        ("t.csv", "id,path\n1,Kitchen\n2,Kitchen/Kettles\n3,Kitchen/Toasters\n4,Garden\n"),
        ("t.csv", "id,name,parent_id\n1,Kitchen,0\n2,Kettles,1\n3,Toasters,1\n4,Garden,0\n"),
        ("t.csv", "id,name,parent_id\n1,Kitchen,NULL\n2,Kettles,1\n3,Toasters,1.0\n4,Garden,-1\n"),
        ("t.csv", "id,name,parent\n1,Kitchen,1\n2,Kettles,1\n3,Toasters,1\n4,Garden,4\n"),
        ("t.csv", "id,name,parent\n1,Kitchen,\n2,Kettles,Kitchen\n3,Toasters,Kitchen\n4,Garden,\n"),
        ("t.csv", "id,slug,name,parent\n1,k,Kitchen,\n2,ke,Kettles,k\n3,to,Toasters,k\n4,g,Garden,\n"),
        ("t.csv", "id,level,name\n1,1,Kitchen\n2,2,Kettles\n3,2,Toasters\n4,1,Garden\n"),
        ("t.csv", "id,cat1,cat2\n1,Kitchen,\n2,Kitchen,Kettles\n3,Kitchen,Toasters\n4,Garden,\n"),
        ("t.csv", "id,L1,L2\n1,Kitchen,\n2,,Kettles\n3,,Toasters\n4,Garden,\n"),
        ("t.csv", "sep=;\nid;name;parents\n1;Kitchen\n2;Kettles;1\n3;Toasters;1\n4;Garden\n"),
        ("t.csv", "Groups,,\nof 2024,,\n,,\nid,name,parents\n1,Kitchen,\n2,Kettles,1\n3,Toasters,1\n4,Garden,\n"),
        ("t.csv", "id,name,parents\r1,Kitchen,\r2,Kettles,1\r3,Toasters,1\r4,Garden,\r"),
        ("t.csv", "id,name,parents\n1,Kitchen,\n2,Kettles,1\n3,Toasters,1\n4,Garden,\n".encode("utf-16")),
        ("t.json", '[{"id": 1, "name": "Kitchen", "children": [{"id": 2, "name": "Kettles"}, '
                   '{"id": 3, "name": "Toasters"}]}, {"id": 4, "name": "Garden"}]'),
        ("t.json", '{"1": {"name": "Kitchen", "parent": null}, "2": {"name": "Kettles", "parent": "1"}, '
                   '"3": {"name": "Toasters", "parent": 1}, "4": {"name": "Garden"}}'),
        ("t.json", '[{"uri": "1", "name": "Kitchen", "broader": null}, {"uri": "2", "name": "Kettles", '
                   '"broader": [{"name": "Kitchen", "uri": "1"}]}, {"uri": "3", "name": "Toasters", '
                   '"broader": {"uri": "1"}}, {"uri": "4", "name": "Garden"}]'),
    ],
)  # fmt: skip
def test_a_small_shop_in_many_shapes(read, name: str, content: str | bytes) -> None:
    file = read(name, content)
    assert {label.id: label.name for label in file.labels} == {
        "1": "Kitchen", "2": "Kettles", "3": "Toasters", "4": "Garden",
    }  # fmt: skip
    assert parents(file) == KITCHEN
    assert not [column for column in file.reading.unused if column != "slug"]


SPORT = {"Sport": {""}, "Tennis": {"Sport"}, "Rackets": {"Tennis"}}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.txt", "Sport\n\tTennis\n\t\tRackets\nFood\n"),
        ("o.txt", "Sport\n  Tennis\n    Rackets\nFood\n"),
        ("o.txt", "- Sport\n  - Tennis\n    - Rackets\n- Food\n"),
        ("o.txt", "Sport\n├── Tennis\n│   └── Rackets\nFood\n"),
        ("p.txt", "Sport\nSport > Tennis\nSport > Tennis > Rackets\nFood\n"),
        ("p.txt", "Sport\nSport/Tennis\nSport/Tennis/Rackets\nFood\n"),
        ("p.csv", "path\nSport\n sport >Tennis\nSport>Tennis>Rackets\nFood\n".replace(" sport", "Sport")),
        ("n.json", '{"Sport": {"Tennis": ["Rackets"]}, "Food": []}'),
        ("n.json", '{"name": "Sport", "children": [{"name": "Tennis", "children": ["Rackets"]}]}'),
        ("e.csv", "parent,child\nSport,Tennis\nTennis,Rackets\n,Food\n"),
    ],
)
def test_names_alone_in_many_shapes(read, name: str, content: str) -> None:
    file = read(name, content)
    names = {label.id: label.name for label in file.labels}
    found = {names[id]: above for id, above in parents(file).items()}
    assert {name: found[name] for name in SPORT} == SPORT


@pytest.mark.parametrize(
    ("codes", "above"),
    [
        ("11 111 1111 11111 111110 31-33 311", {"111110": "11111", "311": "31-33", "11": "", "31-33": ""}),
        ("A 01 01.1 01.11 01.12 B 05 05.1", {"01": "A", "01.11": "01.1", "05": "B", "05.1": "05", "B": ""}),
        ("A00-A09 A00 A00.0 A01 B00-B09 B05 B05.1", {"A00": "A00-A09", "A00.0": "A00", "B05": "B00-B09"}),
        ("01 0101 010121 010129 0102 02 0201", {"0101": "01", "010129": "0101", "02": "", "0201": "02"}),
        ("10000000 10100000 10101500 10101501 11000000", {"10101501": "10101500", "10100000": "10000000"}),
        ("A01 A01.236 A01.236.249 A01.378 B01 B01.050", {"A01.236.249": "A01.236", "B01.050": "B01", "B01": ""}),
    ],
)  # fmt: skip
def test_the_hierarchy_in_codes(read, codes: str, above: dict[str, str]) -> None:
    rows = "".join(f'{code},"name of {code}"\n' for code in codes.split())
    file = read("codes.csv", f"code,title\n{rows}")
    assert "codes" in file.reading.shape
    found = {code: {each.removeprefix("name of ") for each in names} for code, names in parents(file).items()}
    assert {code: found[code] for code in above} == {code: {parent} for code, parent in above.items()}
    assert not read("codes.csv", f"code,title\n{rows}", tree="none").has_tree


def test_numbers_in_a_row_are_no_hierarchy(read) -> None:
    rows = "".join(f"{number},label {number}\n" for number in range(1, 40))
    assert not read("t.csv", f"id,name\n{rows}").has_tree


def test_a_table_without_a_header_keeps_its_first_row(read) -> None:
    file = read("c.csv", 'A00,"Cholera"\nA01,"Typhoid and paratyphoid fevers"\nA010,"Typhoid fever"\n')
    assert [label.id for label in file.labels] == ["A00", "A01", "A010"]
    assert any("no header" in note for note in file.notes)
    file = read("s.tsv", "<http://e.org/1>\tstone age\n<http://e.org/2>\tcoins\n")
    assert [label.id for label in file.labels] == ["http://e.org/1", "http://e.org/2"]


def test_quotes_in_unquoted_tsv_are_text(read) -> None:
    file = read("t.tsv", 'id\tname\n1\t"L", "U" or "H" sections\n2\t"Unfinished 5\n3\tTubes, 5" wide\n')
    assert [label.name for label in file.labels] == [
        '"L", "U" or "H" sections',
        '"Unfinished 5',
        'Tubes, 5" wide',
    ]
    file = read("q.tsv", 'id\tname\n1\t"two\nlines"\n2\tplain\n')
    assert [label.name for label in file.labels] == ["two\nlines", "plain"]


def test_a_semicolon_divides_where_names_hold_commas(read) -> None:
    file = read("t.csv", "Code;Name, English;Parent\nA;Agriculture, forestry;\nA1;Crops;A\n")
    assert [(row.label.id, row.label.name, row.parents) for row in file.rows] == [
        ("A", "Agriculture, forestry", ()),
        ("A1", "Crops", ("A",)),
    ]


def test_siblings_of_one_name_are_told_apart(read) -> None:
    file = read("hs.csv", "code,description,parent\n01,Horses,\n0129,Other,01\n0190,Other,01\n")
    assert [label.id for label in file.labels] == ["01", "0129", "0190"]
    assert any("'Other' (0129 and 0190)" in note for note in file.notes)


def test_codes_with_titles_a_level(read) -> None:
    file = read(
        "u.csv", "Segment,Segment Title,Family,Family Title\n10,Plants,1010,Trees\n10,Plants,1020,Grass\n"
    )
    assert parents(file) == {"10": {""}, "1010": {"Plants"}, "1020": {"Plants"}}


def test_texts_are_tidied_and_said(read) -> None:
    file = read(
        "p.csv",
        "path\nToys\nToys\u00a0> Trains\nTOYS > Games\nCafe\u0301 > Cups\nCafé &amp; Bar\nCafé > Mugs\n",
    )
    assert {row.path for row in file.rows} == {
        ("Toys",), ("Toys", "Trains"), ("TOYS", "Games"), ("Café", "Cups"), ("Café & Bar",), ("Café", "Mugs"),
    }  # fmt: skip
    assert any("'TOYS' and 'Toys'" in note for note in file.notes)
    assert any("were tidied" in note for note in file.notes)


def test_a_label_may_stand_in_several_places_of_one_cell(read) -> None:
    file = read("m.jsonl", json.dumps({"id": "x", "name": "Mug", "path": "Cups > Mug; Gifts > Mug"}) + "\n")
    assert [row.path for row in file.rows] == [("Cups", "Mug"), ("Gifts", "Mug")]
    assert len(file.labels) == 1


def test_labels_of_a_file_of_products_are_its_distinct_paths(read) -> None:
    file = read(
        "p.csv",
        "title,category\nKettle A,Kitchen > Kettles\nKettle B,Kitchen > Kettles\nHose,Garden > Hoses\n",
    )
    assert [label.id for label in file.labels] == ["Kitchen > Kettles", "Garden > Hoses"]
    assert file.reading.unused == ("title",)


def test_a_separator_in_a_step_is_escaped_by_a_backslash(read) -> None:
    file = read(
        "c.csv",
        "category\nHome/Heating/A\\/C Units\n",
        columns=LabelColumns(path="category", path_separator="/"),
    )
    assert file.rows[0].path == ("Home", "Heating", "A/C Units")


def test_a_name_with_the_separator_is_one_step(read) -> None:
    file = read("p.csv", "id,name,path\n1,Paper,Paper\n2,Weight > 150 g,Paper > Weight > 150 g\n")
    assert file.rows[1].path == ("Paper", "Weight > 150 g")


def test_a_workbook(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    book.active.append(["This workbook has categories"])
    sheet = book.create_sheet("Categories")
    for row in (
        ["Categories of 2024"],
        [],
        ["Code", "Name", "Parent"],
        [1, "Tools", None],
        [2.0, "Hammers", 1],
    ):
        sheet.append(row)
    book.save(tmp_path / "t.xlsx")
    file = read_labels(tmp_path / "t.xlsx")
    assert parents(file) == {"1": {""}, "2": {"Tools"}}
    assert "sheet 'Categories'" in file.reading.format
    with pytest.raises(InputError, match="no sheet 'Labels'; its sheets are 'Read me', 'Categories'"):
        read_labels(tmp_path / "t.xlsx", sheet="Labels")


def test_what_is_not_read_is_named(read) -> None:
    file = read("t.csv", "id,name,colour,size\n1,Tools,red,5\n2,Hammers,blue,6\n")
    assert file.reading.unused == ("colour", "size")
    assert dict(file.reading.used) == {"id": "id", "name": "name"}
