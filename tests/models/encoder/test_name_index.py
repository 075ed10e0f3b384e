"""Names are found in texts word by word: the longest, inflected, with care for short and common words."""

import pytest

from taxonaut.models.encoder.name_index import NameIndex

NAMES = [
    "big data", "data", "IT", "will", "university", "MI", "myocardial infarction", "cardArrival", "咖啡豆",
    "hiking boots",
]  # fmt: skip


def found(text: str, names: list[str] | None = None) -> list[str]:
    return [match.text for match in NameIndex(names or NAMES).find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("old MI, then a Myocardial-Infarction", ["MI", "Myocardial-Infarction"]),
        ("we sort big data", ["big data"]),
        ("data and Big  Data", ["data", "Big  Data"]),
        ("it will run in our IT", ["IT"]),
        ("universe of universities", ["universities"]),
        ("my card arrival", ["card arrival"]),
        ("阿拉比卡咖啡豆 1公斤", ["咖啡豆"]),
        ("a hiking boot", ["hiking boot"]),
        ("midata bigger", []),
        ("", []),
    ],
)
def test_names_in_a_text(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_overlapping_names_are_both_found_and_nested_ones_are_not() -> None:
    assert found("big data analysis", ["big data", "data analysis", "data"]) == ["big data", "data analysis"]


def test_a_match_says_where_it_is_and_how_telling() -> None:
    index = NameIndex([*NAMES, "data mining", "data model"])
    [match] = index.find("big data")
    assert (match.start, match.is_whole, match.name in index.numbers("Big Data")) == (0, True, False)
    assert index.numbers("big data") == (match.name,)
    assert [one.is_whole for one in index.find("big data!  and so on")] == [False]
    rare, common = index.numbers("MI")[0], index.numbers("data")[0]
    assert 0 < index.weight(common) < index.weight(rare) < 1
