"""Gold labels and texts in the forms people have them."""

from pathlib import Path

import pytest

from taxonaut.state.errors import InputError
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


def test_what_matches_nothing_is_named_with_the_nearest_label(gold) -> None:
    with pytest.raises(InputError) as caught:
        gold("items.csv", "text,labels\nkettle,Ketles\nmug,Cups\nspare,Spares\n")
    assert str(caught.value) == (
        "3 gold labels match no label of the index: 'Ketles' (items.csv, line 2; nearest is '11'), "
        "'Cups' (items.csv, line 3), 'Spares' (items.csv, line 4; it is the name of '31' and '32'). Import their "
        "labels, or correct them; a gold label is an id, a name or a path"
    )
