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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.yaml", "Kitchen:\n  - Kettles\n  - Toasters\nGarden: {}\n"),
        ("t.yml", "- name: Kitchen\n  children: [{name: Kettles}, {name: Toasters}]\n- name: Garden\n"),
        ("t.xml", '<t><c name="Kitchen"><c name="Kettles"/><c name="Toasters"/></c><c name="Garden"/></t>'),
        ("t.xml", "<?xml version='1.0'?><all xmlns='http://x.org'><c><id>1</id><name>Kitchen</name><sub><c><id>2</id>"
                  "<name>Kettles</name></c><c><id>3</id><name>Toasters</name></c></sub></c><c><id>4</id>"
                  "<name>Garden</name></c></all>"),
        ("t.xml", '<View><Taxonomy name="t" toName="x"><Choice value="Kitchen"><Choice value="Kettles"/>'
                  '<Choice value="Toasters"/></Choice><Choice value="Garden"/></Taxonomy></View>'),
        ("t.md", "# Shop\n\n- Kitchen\n  - Kettles\n  - Toasters\n* Garden\n"),
        ("t.txt", "Kitchen\nKitchen :: Kettles\nKitchen :: Toasters\nGarden\n"),
        ("t.txt", "K1    Kitchen\nK11   Kettles\nK12   Toasters\nG1    Garden\n"),
        ("t.txt", "Kitchen;K01\nKettles;K01.111\nToasters;K01.236\nGarden;G02\n"),
        ("t.txt", "00001 K01     0 Kitchen".ljust(77) + "Kitchen\n"
                  + "00002 K0111   1 Kettles".ljust(77) + "Kettles\n"
                  + "00003 K0112   1 Toasters".ljust(77) + "Toasters\n"
                  + "00004 G01     0 Garden".ljust(77) + "Garden\n"),
        ("t.txt", "stopwords:en: of\n\nen: Kitchen, Kitchens\nfr: Cuisine\n\n< en:Kitchens\nen: Kettles\n"
                  "wikidata:en: Q1\n\n< fr: cuisine\nen: Toasters\n\nen: Garden\n"),
        ("t.csv", "Node ID,Node Path\n1,/Kitchen\n2,/Kitchen/Kettles\n3,/Kitchen/Toasters\n4,/Garden\n"),
        ("t.csv", "path\nKitchen\nKitchen.Kettles\nKitchen.Toasters\nGarden\n"),
        ("t.csv", "code,description,parent\n01,Kitchen,TOTAL\n0101,Kettles,01\n0102,Toasters,01\n02,Garden,TOTAL\n"),
        ("t.csv", "kind,title\nchapter,Kitchen\nblock,- Kettles\nblock,- Toasters\nchapter,Garden\n"),
        ("t.csv", "title\nKitchen\n   Kettles\n   Toasters\nGarden\n"),
        ("t.json", '{"count": 2, "results": [{"id": 1, "name": "Kitchen", "children": [{"id": 2, "name": "Kettles", '
                   '"children": []}, {"id": 3, "name": "Toasters"}]}, {"id": 4, "name": "Garden", "children": []}]}'),
        ("t.json", '{"nodes": [{"id": 1, "label": "Kitchen"}, {"id": 2, "label": "Kettles"}, {"id": 3, "label": '
                   '"Toasters"}, {"id": 4, "label": "Garden"}], "links": [{"source": 1, "target": 2}, '
                   '{"source": 1, "target": 3}]}'),
    ],
)  # fmt: skip
def test_further_shapes_of_one_tree(read, name: str, content: str) -> None:
    """Name what is at the top, and what is below Kitchen, by the names of labels and nodes."""
    file = read(name, content)
    tree = build_native_tree(file.rows)
    names = {0: "", **{node.key: node.name for node in tree.nodes}}
    labels = {label.id: label.name for label in file.labels}
    below = {(names[parent], names[child]) for parent, child in tree.edges if parent in names}
    below |= {(names[node], labels[label]) for node, label in tree.placements if names[node] != labels[label]}
    assert {name for above, name in below if above == "Kitchen"} == {"Kettles", "Toasters"}
    assert {each.name for each in file.labels} >= {"Kettles", "Toasters", "Garden"}
    assert not {("Kitchen", "Garden"), ("Garden", "Kitchen")} & below


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ('{"id2label": {"0": "neg", "1": "pos"}}', ["neg", "pos"]),
        ('{"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}', ["neg", "pos"]),
        (
            '{"intents": [{"tag": "hello", "patterns": ["Hi"]}, {"tag": "bye", "patterns": ["Bye"]}]}',
            ["hello", "bye"],
        ),
    ],
)
def test_labels_of_models_and_of_chat_bots(read, content: str, names: list[str]) -> None:
    assert [label.name for label in read("t.json", content).labels] == names


def test_records_in_json_are_no_names_nested_as_keys(read) -> None:
    """Refuse records whose names are under an unknown key: their keys are no labels."""
    with pytest.raises(InputError, match="there is no column 'name'"):
        read("t.json", '{"meta": {"by": "x"}, "entries": [{"what": "Kettles"}, {"what": "Toasters"}]}')


def test_columns_of_levels_from_the_bottom_up(read) -> None:
    table = "topic_id,topic_name,field_id,field_name\n1,Zircon,9,Earth\n2,Lava,9,Earth\n3,Tariffs,8,Economy\n"
    file = read("t.csv", table)
    assert parents(file)["1"] == {"Earth"}
    assert parents(file)["9"] == {""}


def test_columns_that_shops_name_and_a_row_of_totals(read) -> None:
    rows = [
        "Division,Department,Category,Code",
        "Grocery,Dairy,Milk,1001",
        ",,Cheese,1002",
        ",Bakery,Bread,1003",
    ]
    table = "\n".join([*rows, "Total,,,3"])
    file = read("t.csv", table)
    assert {label.id: label.name for label in file.labels} == {
        "1001": "Milk",
        "1002": "Cheese",
        "1003": "Bread",
    }
    assert parents(file)["1002"] == {"Dairy"}
    assert any("a row of totals" in note for note in file.notes)


def test_the_columns_of_esco(read) -> None:
    table = (
        "conceptType,conceptUri,preferredLabel,altLabels,description\nX,http://x/1,weld,join metal,Join it\n"
    )
    file = read("t.csv", table)
    assert (file.labels[0].id, file.labels[0].name, file.labels[0].alternatives) == (
        "http://x/1",
        "weld",
        ("join metal",),
    )


def test_a_code_under_an_unusual_name(read) -> None:
    file = read(
        "t.csv",
        "Seq. No.,2022 US   Code,2022 US Title\n1,11,Farming\n2,111,Crops\n3,1111,Grain\n4,21,Mining\n",
    )
    assert parents(file)["111"] == {"Farming"}
    assert not any("leading zeros" in note for note in file.notes)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.yaml", "a: &x [b, c]\nd: *x\n", r"has an alias \(\*name\)"),
        ("t.yaml", "a: [b\n", "is no YAML that can be read"),
        ("t.xml", "<a><b></a>", "is no XML that can be read"),
        ("t.yaml", "just a text\n", "holds no labels that could be told from other YAML"),
        (
            "t.md",
            "# Guide\n\nA text about labels.\nNo list at all.\n",
            "is a document and no table of labels",
        ),
    ],
)
def test_nested_text_that_is_none(read, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(name, content)


def test_numbers_of_json_are_ids_with_the_digits_as_written(tmp_path: Path) -> None:
    file = tmp_path / "nace.json"
    file.write_text('[{"id": 1.10, "name": "a \\" 01"}, {"id": 1.1, "name": "b"}, {"id": 01, "name": "c"}]')
    assert [(label.id, label.name) for label in read_labels(file).labels] == [
        ("1.10", 'a " 01'),
        ("1.1", "b"),
        ("01", "c"),
    ]


def test_arrow_and_feather_files(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    feather = pytest.importorskip("pyarrow.feather")
    table = pyarrow.table({"id": ["1", "2"], "name": ["Tools", "Hammers"], "parent": [None, "1"]})
    feather.write_feather(table, tmp_path / "a.feather")
    with pyarrow.ipc.new_stream(tmp_path / "b.arrow", table.schema) as stream:
        stream.write_table(table)
    for name in ("a.feather", "b.arrow"):
        read = read_labels(tmp_path / name)
        assert [(row.label.id, row.parents) for row in read.rows] == [("1", ()), ("2", ("1",))]
    (tmp_path / "c.arrow").write_bytes(b"ARROW1 and no more")
    with pytest.raises(InputError, match=r"c\.arrow cannot be read as Arrow"):
        read_labels(tmp_path / "c.arrow")


@pytest.mark.parametrize(
    "header",
    [
        "Code,Kategorie,Unterkategorie",
        "Código,Categoría,Subcategoría",
        "Nr.,Catégorie,Sous-catégorie",
        "Nummer,Ebene 1,Ebene 2",
    ],
)
def test_columns_in_other_languages(read, header: str) -> None:
    file = read("t.csv", f"{header}\n1,Küche,\n2,Küche,Kessel\n3,Küche,Toaster\n4,Garten,\n")
    assert parents(file) == {"1": {""}, "2": {"Küche"}, "3": {"Küche"}, "4": {""}}


def test_a_name_in_several_places_is_one_label_if_asked(read) -> None:
    """Read a thesaurus in columns of levels, where a concept has several parents."""
    rows = [
        "Sun,,",
        "Sun,Fields,",
        "Sun,Fields,Weak fields",
        "Sky,,",
        "Sky,Fields,",
        "Sky,Fields,Weak fields",
    ]
    table = "\n".join(["level 1,level 2,level 3", *rows])
    apart = read("t.csv", table)
    assert len(apart.labels) == 6
    assert any("2 names, such as 'Fields', stand in several places" in note for note in apart.notes)
    once = read("t.csv", table, names_once=True)
    assert [label.id for label in once.labels] == ["Sun", "Fields", "Weak fields", "Sky"]
    assert parents(once) == {"Sun": {""}, "Sky": {""}, "Fields": {"Sun", "Sky"}, "Weak fields": {"Fields"}}


@pytest.mark.parametrize(
    "content",
    [
        '"Code","Title"\n"A","Farming"\n"01","Crops, animals"\n',
        "Code\tTitle\tNote\nA\tFarming\t\n01\tCrops, animals\tx\n",
        "Code;Title\nA;Farming\n01;Crops, animals\n",
    ],
)
def test_a_table_called_txt_is_a_table(read, content: str) -> None:
    labels = read("isic.txt", content).labels
    assert [(label.id, label.name) for label in labels] == [("A", "Farming"), ("01", "Crops, animals")]


def test_names_with_commas_are_no_table(read) -> None:
    assert len(read("l.txt", "Horses, asses, mules\nSheep, goats, other\nFish, live, fresh\n").labels) == 3
    assert len(read("l.txt", "a;b\nc;d\n", format="lines").labels) == 2


def test_descriptors_of_mesh_in_ascii(read) -> None:
    record = "*NEWRECORD\nRECTYPE = D\nMH = {}\n{}UI = {}\nMS = About it.\nENTRY = {}|T1|T2|NRW\n\n"
    content = record.format("Body", "MN = A01\n", "D1", "Frame")
    content += record.format("Breast", "MN = A01.236\nMN = B02.1\n", "D2", "Chest")
    file = read("d2026.bin.txt", content + "*NEWRECORD\nRECTYPE = Q\nSH = surgery\nUI = Q1\n")
    assert [(row.label.id, row.label.name, row.parents, row.label.alternatives) for row in file.rows] == [
        ("D1", "Body", (), ("Frame",)),
        ("D2", "Breast", ("D1",), ("Chest",)),
    ]
    assert file.labels[0].description == "About it."
    assert "passed over 1 records without a heading (MH)" in file.notes


def test_the_header_below_one_that_groups_columns(read) -> None:
    file = read(
        "t.csv", "Category,,Description\nCode,Name,Text\n1,Kitchen,all\n1.1,Kettles,boil\n1.2,Pots,cook\n"
    )
    assert [(row.label.id, row.label.name, row.parents) for row in file.rows] == [
        ("1", "Kitchen", ()),
        ("1.1", "Kettles", ("1",)),
        ("1.2", "Pots", ("1",)),
    ]


def test_the_column_that_parents_name_is_that_of_ids(read) -> None:
    file = read("t.csv", "HS,Description,Parent\nan,Animals,\nho,Horses,an\npu,Pure-bred,ho\n")
    assert [(row.label.id, row.parents) for row in file.rows] == [
        ("an", ()), ("ho", ("an",)), ("pu", ("ho",)),
    ]  # fmt: skip
    assert "the ids are in 'HS', as the parents say" in file.notes


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("CN;Text", ("CN", "Text")),
        ("HS_CODE_2022;HS_TITLE", ("HS_CODE_2022", "HS_TITLE")),
        ("Artikelgruppe;Bezeichnung", ("Artikelgruppe", "Bezeichnung")),
    ],
)
def test_codes_before_names_are_ids_whatever_their_column_is_called(read, header, columns) -> None:
    file = read("cn.csv", f"{header}\n01;Animals\n0101;Horses\n0101 21 00;Other\n02;Meat\n0201;Other\n")
    assert (file.reading.used["id"], file.reading.used["name"]) == columns
    assert parents(file) == {
        "01": {""}, "0101": {"Animals"}, "0101 21 00": {"Horses"}, "02": {""}, "0201": {"Meat"},
    }  # fmt: skip


def test_row_numbers_and_products_are_no_ids(read) -> None:
    assert [label.id for label in read("t.csv", "row;name\n1;Pens\n2;Cups\n").labels] == ["Pens", "Cups"]
    products = "sku,category\nAB-17,Pens\nAB-18,Pens\nAC-91,Cups\n"
    assert [label.id for label in read("t.csv", products).labels] == ["Pens", "Cups"]


def test_a_column_of_parents_under_an_unusual_name(read) -> None:
    file = read("t.csv", "CN_CODE,PARENT_CN_KEY,NAME_EN\nI,,Animals\n01,I,Live animals\n0101,01,Horses\n")
    assert parents(file) == {"I": {""}, "01": {"Animals"}, "0101": {"Live animals"}}


def test_texts_and_other_names_of_levels_with_codes(read) -> None:
    file = read(
        "gpc.csv",
        "SegmentCode,SegmentTitle,SegmentDefinition,BrickCode,BrickTitle,BrickDefinition_Includes,Keywords\n"
        "50,Food,All food,5001,Apples,Includes cox,pippin; cox\n50,Food,All food,5002,Pears,,\n",
    )
    assert [(label.id, label.description, label.alternatives) for label in file.labels] == [
        ("50", "All food", ()), ("5001", "Includes cox", ("pippin", "cox")), ("5002", "", ()),
    ]  # fmt: skip
    file = read(
        "unspsc.csv",
        "Segment,Segment Title,Family,Family Title,Definition\n10,Live,1010,Cats,They purr\n10,Live,1011,Dogs,\n",
    )
    assert [label.description for label in file.labels] == ["", "They purr", ""]


def test_a_table_without_a_header_may_have_descriptions(read) -> None:
    file = read(
        "featureCodes.txt",
        "A.ADM1\tfirst division\ta primary administrative division of a country\n"
        "H.BAY\tbay\ta coastal indentation between two capes or headlands\nH.LK\tlake\t\n"
        "P.PPL\ttown\ta place where people live and work\nL.PRK\tpark\tan area for the use of the public\n"
        "null\tnot available\t\n",
    )
    assert [label.id for label in file.labels][::5] == ["A.ADM1", "null"]
    assert file.labels[1].description == "a coastal indentation between two capes or headlands"


def test_paths_by_slashes_in_a_column_of_names_are_hinted_at(read) -> None:
    file = read("c.csv", "category\nHome/Heating/A\\/C Units\nElectronics/TV\nElectronics/Audio\n")
    assert not file.has_tree
    assert file.notes == (
        "names in 'category' look like paths divided by '/'; to read them so: --path-column 'category' "
        "--name-column 'category' --path-separator / (a / inside a name is written \\/)",
    )
    columns = LabelColumns(path="category", name="category", path_separator="/")
    assert parents(read("c.csv", "category\nHome/Heating/A\\/C Units\n", columns=columns)) == {
        "Home/Heating/A/C Units": {"Heating"}
    }


@pytest.mark.parametrize("name", ["t.dat", "t", "t.dmp"])
@pytest.mark.parametrize(
    "content",
    [
        "id\tname\tparent\n1\tFood\t\n2\tMeat\t1\n",
        '[{"id": 1, "name": "Food", "children": [{"id": 2, "name": "Meat"}]}]',
    ],
)
def test_an_unknown_suffix_is_read_by_its_content(read, name: str, content: str) -> None:
    assert parents(read(name, content)) == {"1": {""}, "2": {"Food"}}


def test_what_is_no_text_has_to_have_a_suffix(read) -> None:
    with pytest.raises(InputError, match=r"the suffix '.dat' is unknown"):
        read("t.dat", b"\x00\x01\x02id,name")
    with pytest.raises(InputError, match="make it a TSV"):
        read("names.dmp", "1\t|\troot\t|\n2\t|\tBacteria\t|\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(read, encoding: str) -> None:
    assert parents(read("t.csv", "id,name,parent\n1,Food,\n2,Käse,1\n".encode(encoding))) == {
        "1": {""},
        "2": {"Food"},
    }


@pytest.mark.parametrize(
    ("encoding", "word"),
    [("cp1252", "Stühle"), ("cp1250", "Řepa"), ("cp1251", "Мебель"), ("gb18030", "家具")],
)
def test_the_encodings_that_read_a_word_are_shown(read, encoding: str, word: str) -> None:
    with pytest.raises(InputError, match=f"--encoding {encoding} reads '{word}'"):
        read("t.csv", f"id;name\n1;{word};\n".encode(encoding))
