"""What stands around a request is told from the request."""

import pytest

from taxonaut.conversation.nlu.lead_ins import ends, inside, plain
from taxonaut.conversation.nlu.utterance import read

KNOWN = frozenset(
    ("i", "do", "you", "know", "where", "which", "category", "would", "could", "go", "put", "be", "find", "the",
     "of", "for", "right", "in", "tree", "with")
)  # fmt: skip


def words(said: str) -> str:
    """Return the words that are left of a message."""
    return " ".join(token.word for token in plain(read(said)).tokens)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("I wonder where red shoes would go", "where red shoes would go"),
        ("do you know which category fits?", "which category fits"),
        ("any idea where this goes", "where this goes"),
        ("create one right below it", "create one below it"),
        ("what is just next to that", "what is next to that"),
        ("the right category for shoes", "the right category for shoes"),
        ("we got shoes, where do they go", "we got shoes , where do they go"),
        ('I know "where eagles dare"', "i know where eagles dare"),
    ],
)
def test_what_leads_up_to_a_question_is_left_out(said: str, left: str) -> None:
    assert words(said) == left


@pytest.mark.parametrize(
    ("said", "requests"),
    [
        (
            "find nodes about tea, what have we got?",
            ["find nodes about tea , what have we got", "find nodes about tea ,"],
        ),
        (
            "add tea to food. It is missing, please",
            ["add tea to food it is missing , please", "add tea to food it is missing ,", "add tea to food"],
        ),
        ("kids boots, yellow, size 28", ["kids boots , yellow , size 28"]),
        ('add it, "we like it"', ["add it , we like it"]),
    ],
)
def test_a_message_may_end_before_what_was_added(said: str, requests: list[str]) -> None:
    utterance = read(said)
    assert [" ".join(token.word for token in utterance.tokens[:end]) for end in ends(utterance)] == requests


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("where a red lamp with stand would wind up", "a red lamp with stand"),
        ("in the tree would a red lamp be", "a red lamp"),
        ("what shelf does a red lamp belong on", "a red lamp"),
        ("find the category of a red lamp", "a red lamp"),
        ("where would you shelve a red lamp", "a red lamp"),
        ("where could one sell a red lamp", "a red lamp"),
        ("where you would stick a red lamp", "a red lamp"),
        ("find the category for: boots, dinosaur print", "boots, dinosaur print"),
        ("Lego: red bricks with plates", "Lego: red bricks with plates"),
        ("red lamp with stand", "red lamp with stand"),
        ("where would lamps", "lamps"),
    ],
)
def test_a_text_is_cut_out_of_a_question(said: str, text: str) -> None:
    utterance = read(said)
    assert utterance.text(*inside(utterance, 0, len(utterance.tokens), KNOWN)) == text
