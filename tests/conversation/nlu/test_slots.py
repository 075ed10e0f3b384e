"""What of the words in a slot is the argument."""

import pytest

from taxonaut.conversation.nlu.slots import new_name, sought, trimmed

KNOWN = frozenset(("find", "search", "labels", "anything", "the", "tree", "for", "about", "nodes"))


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("taxonomy for coffee grinding", "coffee grinding"),
        ("our catalogue for winter sports", "winter sports"),
        ("look in the catalog for wine", "wine"),
        ("all nodes around beekeeping", "beekeeping"),
        ("labels for kids", "kids"),
        ("anything with bamboo in its name", "bamboo"),
        ("shoes for kids", "shoes for kids"),
        ("horse riding anywhere", "horse riding"),
        ("find anything about tea in the tree", "tea"),
        ("Christmas tree lights", "Christmas tree lights"),
        ("tree", "tree"),
        ("check the hierarchy for soap", "soap"),
        ("find whatever relates to tea", "tea"),
    ],
)
def test_where_to_look_is_no_part_of_what_is_looked_for(words: str, query: str) -> None:
    assert sought(trimmed(words), KNOWN) == query


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("make it Adult", "Adult"),
        ("badly, call it Furnishings please", "Furnishings"),
        ("change that to Tools & Hardware", "Tools & Hardware"),
        ("called Make-Up", "Make-Up"),
        ("Refurbished Phones as child of", "Refurbished Phones"),
        ("Foot Stools yet", "Foot Stools"),
        ("Name Tags", "Name Tags"),
    ],
)
def test_a_new_name_is_cut_out(words: str, name: str) -> None:
    assert new_name(words) == name
