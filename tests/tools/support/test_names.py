"""Names of clusters by c-TF-IDF terms."""

from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.tools.support.names import class_terms, name_centres


def test_names_hold_what_tells_a_class_from_its_siblings():
    assert name_centres(
        [
            ["repair brakes", "Repair engines", "tune engines", "the engine room"],
            ["cook pasta", "cook rice", "the rice market"],
            ["the choir", "conduct the orchestra", "conduct choirs"],
        ]
    ) == ["engines, repair, brakes", "cook, rice, market", "conduct, choir, orchestra"]


def test_terms_keep_their_most_frequent_spelling_and_their_signs():
    assert name_centres(
        [["C++ basics", "C++", "JavaScript"], ["Vögel füttern", "anti-oppressive Vögel"]]
    ) == [
        "C++, basics, JavaScript",
        "Vögel, anti-oppressive, füttern",
    ]


def test_a_class_without_terms_of_its_own_takes_what_it_has():
    assert name_centres([["🦊", "🦉"], ["red fox"], ["red fox"]]) == ["🦊", "fox, red", "fox, red (2)"]


def test_more_terms_where_names_would_be_alike():
    assert name_centres([["a1 b1 c1 d1"], ["a1 b1 c1 e1"], ["x y"], ["zz"]], terms=2)[:2] == [
        "d1, a1",
        "e1, a1",
    ]
    assert name_centres([["aa bb cc"], ["aa bb"], ["zz"], ["yy"]], terms=2)[:2] == ["cc, aa", "aa, bb"]
    assert name_centres([["aa bb"], ["aa bb cc"], ["zz"], ["yy"]], terms=1)[:2] == ["aa", "cc"]
    assert name_centres([["aa bb"], ["aa bb"], ["zz"], ["yy"]], terms=1)[:2] == ["aa", "aa, bb"]


def test_names_are_short_however_long_a_text_is():
    long = "手" * 2_000
    names = name_centres([[f"{long}机", f"{long}表"], [f"{long}鞋"], ["🦊" * 2_000], ["a\nb"]])
    cut = "手" * 39 + "…"
    assert names == [f"{cut}, {cut}", cut, "🦊" * 79 + "…", "a b"]


def test_many_different_words_take_no_longer_than_they_are_many():
    """Comparing each word with all before it took minutes here."""
    classes = [[f"word{number * 4 + place:05} kind{place}" for number in range(5_000)] for place in range(4)]
    assert name_centres(classes, terms=2) == [f"kind{place}, word{place:05}" for place in range(4)]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), min_size=1, max_size=6))
def test_no_two_names_are_alike_whatever_the_texts(classes):
    names = name_centres(classes)
    assert len(names) == len(set(names)) == len(classes)


def test_terms_of_classes_leave_out_what_a_class_has_once_where_there_are_others() -> None:
    pens = ["Acme gel pen", "Zeta ink pen", "gel ink pen"]
    paper = ["A4 paper pad", "A5 paper block"]
    assert class_terms([pens, paper, ["one Kite"], []], 3) == [
        ("pen", "gel", "ink"),
        ("paper",),
        ("Kite", "one"),
        (),
    ]
