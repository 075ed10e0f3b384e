"""Noun phrases that name groups of texts."""

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import FakeEmbedder, word_vector, words_of
from hypothesis import given, settings
from hypothesis import strategies as st

from taxonaut.agents.support.group_names import GroupNamer, read_text
from taxonaut.agents.support.kind_words import KINDS
from taxonaut.models.encoder.languages import stop_words
from taxonaut.models.encoder.phrases import PhraseSettings
from taxonaut.tools.support.clustering import unit_rows

THINGS = frozenset(
    words_of(
        "tape caliper calipers pen pens notebook stapler case cases kettle kynä vihko muki schrauben muttern"
    )
)
KIND_WORDS = frozenset(word for kind in KINDS for word in words_of(kind)) | THINGS


def embedder() -> FakeEmbedder:
    """Texts that share words lie together; the last dimension tells short ones for things from those for traits."""

    def vector(text: str) -> np.ndarray:
        words = words_of(text)
        along = 0.0 if len(words) > 3 else 2.0 if words[-1] in KIND_WORDS else -2.0
        return np.append(sum(word_vector(word, 32) for word in words) / len(words), along)

    return FakeEmbedder("things", 33, vector)


def names(*groups: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    given = embedder()
    texts = [text for group in groups for text in group]
    centres = unit_rows(np.stack([given.embed(group).sum(axis=0) for group in groups]))
    return GroupNamer(lambda: texts, given.embed).name(groups, centres, taken)


TAPES = [
    "3M Scotch Duct Tape, 48 mm x 50 m, silver",
    "Gorilla black duct tape 30 m",
    "Tesa Duct Tape for repairs (2 pack)",
    "Nashua Extreme Duct Tape",
]
CALIPERS = [
    "LINC Digital Calipers 150 mm, stainless steel",
    "Mitutoyo 500 Digital Calipers with LCD",
    "Neiko digital caliper 0-6 inch",
    "Vinca DCLA Digital Calipers",
]


def test_a_name_is_what_a_shop_would_print() -> None:
    assert names(TAPES, CALIPERS) == ["Duct Tape", "Digital Calipers"]


def test_markup_article_numbers_and_units_are_in_no_name() -> None:
    pens = [
        "<b>Pen</b> blue 0.7mm 10 pcs SKU-10021",
        "<b>Pen</b> black 20 pcs SKU-10022",
        "Pen red 10 pcs SKU-10023",
    ]
    books = [
        "Notebook A5 dotted &amp; ruled 120 pages",
        "Notebook A4 ruled 80 pages",
        "Notebook A6 plain 60 pages",
    ]
    staplers = ["Stapler 24/6 metal SKU-30021", "Stapler mini plastic 26/6", "Stapler 10 pcs"]
    assert names(pens, books, staplers) == ["Pen", "Notebook", "Stapler"]


def test_what_all_groups_say_names_none() -> None:
    """A boilerplate in Finnish, with years and amounts; function words of the language are known."""
    end = "kpl pakkaus ja kestää käyttöä vuosia, malli"
    groups = [
        [f"{thing} {colour} {5 + 7 * (row % 2)} {end} {2001 + row}" for row, colour in enumerate(colours)]
        for thing, colours in (
            ("Kynä", ("sininen", "musta", "punainen", "vihreä")),
            ("Vihko", ("ruutu", "viiva", "sileä", "piste")),
            ("Muki", ("iso", "pieni", "valkoinen", "harmaa")),
        )
    ]
    assert names(*groups) == ["Kynä", "Vihko", "Muki"]


def test_scripts_without_spaces_and_compounds() -> None:
    kettles = ["不锈钢电热水壶 1.7升", "玻璃电热水壶 1升", "迷你电热水壶"]
    cleaners = ["无线手持吸尘器", "车载吸尘器 12伏", "家用吸尘器"]
    assert names(kettles, cleaners) == ["电热水壶", "吸尘器"]
    screws = ["Schrauben M8 x 40 verzinkt, 100 Stück", "Schrauben M6 Edelstahl für Holz"]
    nuts = ["Muttern M8 Edelstahl", "Muttern M6 verzinkt, 50 Stück"]
    assert names(screws, nuts) == ["Schrauben", "Muttern"]


def test_siblings_and_the_node_above_have_other_names() -> None:
    phones = ["Acme phone case", "Zeta phone case", "Kilo phone case", "Acme case"]
    pencils = ["Acme pencil case", "Zeta pencil case", "Kilo pencil case", "Zeta case"]
    found = names(phones, pencils, taken=["Cases"])
    assert [name.casefold() for name in found] == ["phone case", "pencil case"]
    same = [f"{brand} kettle" for brand in ("Acme", "Zeta", "Kilo", "Mono")]
    assert len({name.casefold() for name in names(same, same, same)}) == 3


def test_a_group_without_words_is_named_by_its_first_text() -> None:
    assert names(["123", "4-5"], ["..."], ["123"]) == ["123", "...", "123 (2)"]
    assert names(["x" * 200 + " 1"], ["🦊" * 100])[1] == "🦊" * 79 + "…"


def test_capitals_are_kept_where_they_mean_something() -> None:
    assert names(["RED KETTLE 5", "BLUE KETTLE 6", "KETTLE"], ["USB pen", "usb pen", "USB pen 8"]) == [
        "Kettle",
        "USB pen",
    ]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("Acme gel pen for left hands, blue", ["Acme gel pen", "left hands", "blue"]),
        ("Pen - Gel. Brand: Acme. A pen by Acme Gel Co", ["Pen", "Gel", "pen", "Gel Co"]),
        ("Weight: 5 kg. Steel nut", ["kg", "Steel nut"]),
        ("Pen <br> &amp; paper clips", ["Pen", "paper clips"]),
        ("5 x 7 (2)", []),
        ("Color toner, " + "9 " * 70 + "LaserJet pens", ["Color toner"]),
    ],
)
def test_a_text_is_divided_into_runs_of_words(text: str, runs: list[str]) -> None:
    found = read_text(text, stop_words(PhraseSettings().language)).runs
    assert [" ".join(word.text for word in run) for run in found] == runs


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=5), min_size=1, max_size=5))
def test_whatever_the_texts_no_two_names_say_the_same(groups: list[list[str]]) -> None:
    found = names(*groups)
    assert len(found) == len(groups) == len(set(found))
