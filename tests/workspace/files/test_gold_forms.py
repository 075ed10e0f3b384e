"""Gold labels and texts in the forms people have them."""

from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item, Label
from taxonaut.workspace.core.resumable import unit_key
from taxonaut.workspace.files.given_items import given_items
from taxonaut.workspace.files.gold_forms import match_gold
from taxonaut.workspace.files.item_files import ItemColumns, open_items
from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

LABELS = """id,name,path,synonyms
1,Kitchen,Kitchen,
11,Kettles,Kitchen > Kettles,water boilers
12,Toasters,Kitchen > Toasters,
2,Garden,Garden,
21,Hoses,Garden > Hoses,
22,Lawn mowers,Garden > Lawn mowers,
31,Spares,Kitchen > Spares,
32,Spares,Garden > Spares,
http://e.org/7,Other,Other,
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A shop with 9 labels."""
    folder = tmp_path_factory.mktemp("gold")
    (folder / "labels.csv").write_text(LABELS, encoding="utf-8")
    with Workspace.init(folder / "shop") as opened:
        opened.import_labels(read_labels(folder / "labels.csv"))
        yield opened


@pytest.fixture
def gold(workspace, tmp_path: Path):
    """Read a file and match its gold labels: the texts with their labels, and the notes."""

    def gold(name: str, content: str, **options: object):
        (tmp_path / name).write_text(content, encoding="utf-8")
        rows = list(open_items(tmp_path / name, ItemColumns(**options)).rows())
        found, notes = match_gold(workspace.index, rows)
        return [(row.item.text, list(row.gold)) for row in found], notes

    return gold


TWO = [("electric kettle", ["11", "12"]), ("lawn mower", ["22"])]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("electric kettle,11;12\nlawn mower,22\n", ""),
        ('electric kettle,"[""11"", ""12""]"\nlawn mower,[22]\n', ""),
        ('electric kettle,"11,12"\nlawn mower,22\n', "divided by commas"),
        ("electric kettle,11|12\nlawn mower,22\n", "divided by bars"),
        ("electric kettle,\"['11', '12']\"\nlawn mower,['22']\n", "lists of Python"),
        ("electric kettle,<11> <12>\nlawn mower,<22>\n", "angle brackets"),
        ("electric kettle,11.0;12.0\nlawn mower,22.0\n", ""),
        ("electric kettle,Kettles;toasters\nlawn mower,Lawn mowers\n", "by name (3)"),
        ("electric kettle,Water boilers;12\nlawn mower,22\n", "by alternative name (1)"),
        (
            "electric kettle,Kitchen > Kettles;Kitchen/Toasters\nlawn mower,Garden>Lawn mowers\n",
            "by path (3)",
        ),
    ],
)
def test_forms_of_gold_labels(gold, content: str, note: str) -> None:
    found, notes = gold("items.csv", f"text,labels\n{content}")
    assert found == TWO
    assert not note or any(note in each for each in notes)


@pytest.mark.parametrize(
    ("content", "expected", "note"),
    [
        ("text,Kettles,Toasters,Hoses\nkettle,1,0,0\nhose reel,0,1,1\n",
         [("kettle", ["11"]), ("hose reel", ["12", "21"])], "3 columns with 0 or 1"),
        ("text,category,subcategory\nkettle,Kitchen,Kettles\nreel,Garden,Hoses\n",
         [("kettle", ["11"]), ("reel", ["21"])], "as paths from 'category', 'subcategory'"),
        ("text,category\nkettle,Kettles\nreel,Hoses\n",
         [("kettle", ["11"]), ("reel", ["21"])], "from the column 'category'"),
        ("text,labels,category\nkettle,11,x\nreel,,y\n", [("kettle", ["11"]), ("reel", [])], ""),
    ],
)  # fmt: skip
def test_gold_labels_in_other_columns(gold, content: str, expected: object, note: str) -> None:
    found, notes = gold("items.csv", content)
    assert found == expected
    assert not note or any(note in each for each in notes)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("l.jsonl", '{"text": "kettle", "labels": [{"id": "11", "name": "x"}]}\n{"text": "reel", "labels": null}\n',
         [("kettle", ["11"]), ("reel", [])]),
        ("train.txt", "__label__11 __label__12 electric kettle\n__label__22 petrol lawn mower\n",
         [("electric kettle", ["11", "12"]), ("petrol lawn mower", ["22"])]),
        ("tasks.json", '[{"id": 1, "data": {"text": "kettle"}, "annotations": [{"result": [{"type": "taxonomy", '
         '"value": {"taxonomy": [["Kitchen", "Kettles"]]}}]}]}, {"id": 2, "data": {"text": "reel"}, '
         '"annotations": [{"result": [{"type": "choices", "value": {"choices": ["Hoses"]}}]}]}]',
         [("kettle", ["11"]), ("reel", ["21"])]),
        ("annif.tsv", "a report on hoses\t<http://e.org/7>\nanother report\t<http://e.org/7>\n",
         [("a report on hoses", ["http://e.org/7"]), ("another report", ["http://e.org/7"])]),
    ],
)  # fmt: skip
def test_files_of_other_programs(gold, name: str, content: str, expected: object) -> None:
    assert gold(name, content)[0] == expected


def test_several_columns_and_nested_keys_make_a_text(gold, tmp_path: Path) -> None:
    found, _ = gold("t.csv", "title,about,labels\nX200,electric kettle,11\nY,,12\n", text="title,about")
    assert found == [("X200\nelectric kettle", ["11"]), ("Y", ["12"])]
    found, _ = gold("t.jsonl", '{"data": {"title": "kettle"}, "labels": "11"}\n', text="data.title")
    assert found == [("kettle", ["11"])]
    with pytest.raises(InputError, match=r"no column 'abuot'.*Did you mean --text-column 'about'"):
        gold("t.csv", "title,about,labels\nX200,electric kettle,11\n", text="title,abuot")


def test_several_columns_keep_their_names_and_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('id,title,"long\nname",empty\n1,<b>X</b>200,electric <i>kettle</i>,\n2,Y, ,\n', "utf-8")

    def read(text: str, html: bool = False) -> list[Item]:
        return [row.item for row in open_items(path, ItemColumns(text=text, html=html)).rows()]

    first, second = read("title,long\nname,empty", html=True)
    assert first == Item(
        ItemId("1"), "X200\nelectric kettle", (("title", "X200"), ("long name", "electric kettle"))
    )
    assert (first.named_text, second.named_text) == (
        "title: X200\nlong name: electric kettle",
        "title: Y",
    )
    assert read("title", html=True) == [Item(ItemId("1"), "X200"), Item(ItemId("2"), "Y")]
    assert Item(ItemId("1"), "X200").named_text == "X200"
    rows = [{"id": 1, "title": "X200", "about": "kettle"}]
    given = given_items(rows, ItemColumns(text="title,about", labels=""))
    assert [item.named_text for item in given.items()] == ["title: X200\nabout: kettle"]


def test_the_key_of_an_item_is_that_of_its_text_alone() -> None:
    columns = (("title", "X200"), ("about", "kettle"))
    joined = Item(ItemId("1"), "X200\nkettle", columns)
    assert (
        unit_key(joined) == unit_key(Item(ItemId("1"), "X200\nkettle")) == "ded4066e6c40dc1cb626016bb0b178fc"
    )


def test_what_matches_nothing_is_named_with_the_nearest_label(gold) -> None:
    with pytest.raises(InputError) as caught:
        gold("items.csv", "text,labels\nkettle,Ketles\nmug,Cups\nspare,Spares\n")
    assert str(caught.value) == (
        "3 gold labels match no label of the index: 'Ketles' (items.csv, line 2; nearest is '11' (Kettles)), "
        "'Cups' (items.csv, line 3), 'Spares' (items.csv, line 4; it is the name of '31' and '32'). Import their "
        "labels, or correct them; a gold label is an id, a name or a path"
    )


def test_gold_of_former_labels_is_read_through_the_mappings(workspace, gold) -> None:
    index = workspace.index
    with index.change("former labels"):
        index.merge_labels("11", ["12"])
        index.reid_labels({"22": "22b"})
        index.split_label("21", [Label("21a", "Long hoses"), Label("21b", "Short hoses")])
        index.retire_labels(["31"])
    try:
        found, notes = gold(
            "items.csv", "text,labels\na,12;22\nb,21;11\nc,31\nd,Toasters\ne,<22>\nf,Hoses;12\n"
        )
        assert [labels for _, labels in found] == [["11", "22b"], ["11"], [], ["11"], ["22b"], ["11"]]
        assert notes[-3:] == [
            "4 gold labels read as what replaced them: '12' to '11' (2), '22' to '22b' (2)",
            "2 gold labels of labels that were split, any part of which may be right; left out: "
            "'21' to '21a' or '21b' (2)",
            "1 gold label of retired labels without a replacement; left out, as no label: '31' (1)",
        ]
        assert index.present(["12", "21", "31", "22", "never"]) == ("11", "22b", "never")
    finally:
        index.undo()
