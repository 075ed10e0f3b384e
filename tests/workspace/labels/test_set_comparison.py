"""What differs between two versions of a label set, and how labels are known again."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut import read_labels
from taxonaut.state.ids import LabelId
from taxonaut.workspace.labels.label_sets import LabelSet, set_from_file
from taxonaut.workspace.labels.set_comparison import Change, Comparison, compare_sets

SHOP = """\
id,path,description,synonyms
1,Apparel,,
2,Apparel > Shoes,,
3,Apparel > Hats,,caps|headgear
4,Home,,
5,Home > Lamps,,
6,Home > Cups and Mugs,,
"""


@pytest.fixture
def read(tmp_path: Path) -> "Read":
    return Read(tmp_path)


class Read:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str) -> LabelSet:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        path.write_text(text, encoding="utf-8")
        return set_from_file(read_labels(path))


def lines(comparison: Comparison | Sequence[Change]) -> list[str]:
    changes = comparison.changes if isinstance(comparison, Comparison) else comparison
    return [
        f"{each.kind} {each.name}: {each.before} -> {each.after}"
        + ("" if each.is_certain else f" ({each.by}?)")
        for each in changes
    ]


def test_ids_tell_names_texts_and_places_apart(read: Read) -> None:
    new = """\
id,path,description,synonyms
1,Clothes,,
2,Clothes > Footwear,Shoes and boots,
3,Home > Hats,,caps|headgear
4,Home,,
5,Home > Lamps,,lights
7,Home > Rugs,,
"""
    found = compare_sets(read(SHOP), read(new))
    assert lines(found) == [
        "new Rugs:  -> Home > Rugs",
        "renamed Apparel: Apparel -> Clothes",
        "renamed Shoes: Shoes -> Footwear",
        "moved Hats: Apparel -> Home",
        "described Shoes:  -> Shoes and boots",
        "alternatives Lamps:  -> lights",
        "gone Cups and Mugs: Home > Cups and Mugs -> ",
    ]
    assert found.matched == 5


def test_another_order_is_no_difference(read: Read) -> None:
    head, *rows = SHOP.splitlines()
    assert compare_sets(read(SHOP), read("\n".join([head, *reversed(rows)]))).changes == ()


def test_new_ids_everywhere_are_found_by_path(read: Read) -> None:
    new = SHOP.replace("\n", "\nX").removesuffix("X")
    found = compare_sets(read(SHOP), read(new))
    assert found.counts() == {"ids": 6}
    assert all(change.is_certain for change in found.changes)


def test_without_ids_a_label_that_moved_is_known_by_its_name(read: Read) -> None:
    found = compare_sets(
        read("path\nHome > Lamps\nHome > Cups\nApparel > Hats"),
        read("path\nHome > Cups\nApparel > Hats\nApparel > Lamps"),
    )
    assert lines(found) == ["moved Lamps: Home -> Apparel"]


def test_a_category_that_is_no_label_is_renamed_not_its_labels_moved(read: Read) -> None:
    found = compare_sets(
        read("id,path\n1,Apparel > Hats\n2,Apparel > Shoes\n"),
        read("id,path\n1,Clothes > Hats\n2,Clothes > Shoes\n"),
    )
    assert lines(found) == ["renamed Apparel: Apparel -> Clothes"]


def test_an_alternative_name_says_what_a_label_was_merged_into(read: Read) -> None:
    new = SHOP.replace("3,Apparel > Hats,,caps|headgear\n", "").replace("Shoes,,", "Shoes,,hats|boots")
    found = compare_sets(read(SHOP), read(new))
    assert "merged Hats: Apparel > Hats -> Apparel > Shoes" in lines(found)
    assert [change.into for change in found.changes if change.kind == "merged"] == [("2",)]
    assert "gone" not in found.counts()


def test_words_of_a_name_say_what_a_label_was_split_into(read: Read) -> None:
    new = SHOP.replace("6,Home > Cups and Mugs,,\n", "8,Home > Cups,,\n9,Home > Mugs,,\n")
    found = compare_sets(read(SHOP), read(new))
    assert lines(found) == [
        "new Cups:  -> Home > Cups",
        "new Mugs:  -> Home > Mugs",
        "split Cups and Mugs: Home > Cups and Mugs -> Home > Cups and Home > Mugs (words of the name?)",
        "gone Cups and Mugs: Home > Cups and Mugs ->  (?)",
    ]


def test_an_id_that_was_given_to_another_label_is_a_guess(read: Read) -> None:
    new = SHOP.replace("5,Home > Lamps", "5,Home > Kayaks") + "9,Home > Lamps,,\n"
    found = compare_sets(read(SHOP), read(new))
    assert "renamed Lamps: Lamps -> Kayaks (id?)" in lines(found)
    assert found.notes == ("the id '5' is 'Lamps' here and 'Kayaks' in the file, where 'Lamps' is '9'",)


def test_a_name_elsewhere_under_another_id_is_a_guess_where_ids_are_kept(read: Read) -> None:
    new = SHOP.replace("5,Home > Lamps", "50,Apparel > Lamps")
    found = compare_sets(read(SHOP), read(new))
    assert lines(found) == [
        "new Lamps:  -> Apparel > Lamps",
        "ids Lamps: 5 (Home > Lamps) -> 50 (Apparel > Lamps) (name?)",
        "gone Lamps: Home > Lamps ->  (?)",
    ]


def test_labels_in_several_places_and_homonyms_stay_apart(read: Read) -> None:
    old = "id,path\n1,A\n2,B\n3,A > Other\n4,B > Other\n5,A > Both\n5,B > Both\n"
    assert compare_sets(read(old), read(old)).changes == ()
    without_ids = "path\nA > Other\nB > Other\nC > Thing"
    assert compare_sets(read(without_ids), read(without_ids)).changes == ()
    found = compare_sets(read(old), read(old.replace("5,B > Both\n", "")))
    assert lines(found) == ["moved Both: A; B -> A"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(0, 5)),
        max_size=25,
        unique_by=lambda row: row[0],
    )
)
def test_a_set_does_not_differ_from_itself(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int]]
) -> None:
    text = "id,path\n0,Top\n" + "".join(f"{a + 1},Top > G{b} > N{c}\n" for a, b, c in rows)
    one = Read(tmp_path_factory.mktemp("sets"))(text)
    found = compare_sets(one, one)
    assert found.changes == ()
    assert {pair.former for pair in found.pairs} == set(one.entries)
    assert LabelId("0") in one.entries


def test_a_label_with_another_id_and_name_is_known_by_what_is_below_it(read: Read) -> None:
    old = "id,path\n1,Home\n2,Home > Lights\n3,Home > Lights > Lamps\n4,Home > Lights > Bulbs\n"
    new = "id,path\na,Home\nb,Home > Luminaires\nc,Home > Luminaires > Lamps\nd,Home > Luminaires > Bulbs\n"
    found = compare_sets(read(old), read(new))
    assert found.counts() == {"renamed": 1, "ids": 4}
    kept = old.replace("2,Home > Lights\n", "22,Home > Luminaires\n").replace("Lights", "Luminaires")
    assert lines(compare_sets(read(old), read(kept))) == [
        "new Luminaires:  -> Home > Luminaires",
        "moved Lamps: Home > Lights -> Home > Luminaires",
        "moved Bulbs: Home > Lights -> Home > Luminaires",
        "ids Lights: 2 (Home > Lights) -> 22 (Home > Luminaires) (what is below?)",
        "gone Lights: Home > Lights ->  (?)",
    ]
