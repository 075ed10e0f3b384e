"""Examples are laid over messages."""

import pytest

from taxonaut.conversation.nlu.alignment import fit
from taxonaut.conversation.nlu.index_names import Names
from taxonaut.conversation.nlu.phrasing import Vocabulary, marked, masked, masked_pattern, pattern
from taxonaut.conversation.nlu.utterance import read
from taxonaut.tools.support.chat_tool import Slot

SLOTS = {
    "text": Slot("text", "Which text?"),
    "node": Slot("node", "Which category?"),
    "name": Slot("name", "What name?"),
    "file": Slot("file", "Which file?"),
}
EXAMPLES = (
    "where would {text} go?",
    "show me what is under {node}",
    "rename {node} to {name}",
    "add a category for {name} next to {node}",
    "label {file}",
    "please undo the last change",
)
NAMES = Names(
    places={("audio",): [1], ("label",): [2]}, having={"audio": {("audio",)}, "label": {("label",)}}
)
VOCABULARY = Vocabulary.of(pattern(example, SLOTS) for example in EXAMPLES)


def spans(example: str, said: str) -> dict[str, str]:
    """Return what an example's slots are filled with."""
    utterance = marked(read(said), NAMES, VOCABULARY)
    found = fit(pattern(example, SLOTS), utterance.tokens, VOCABULARY.words)
    return {slot: utterance.text(first, last) for slot, first, last in found.spans}


@pytest.mark.parametrize(
    ("example", "said", "expected"),
    [
        (0, "where would red shoes for kids go?", {"text": "red shoes for kids"}),
        (0, 'so where would "undo the last change" go', {"text": "undo the last change"}),
        (1, "show what's under Audio please", {"node": "Audio"}),
        (1, "show me what is beneath it", {"node": "it"}),
        (2, "rename Audio to Sound & Music", {"node": "Audio", "name": "Sound & Music"}),
        (3, "create a category for smart rings beside Audio", {"name": "smart rings", "node": "Audio"}),
        (4, "label my.csv", {"file": "my.csv"}),
        (4, "label that", {}),
    ],
)
def test_slots_are_filled(example: int, said: str, expected: dict[str, str]) -> None:
    assert spans(EXAMPLES[example], said) == expected


def test_the_better_worded_example_costs_less() -> None:
    tokens = read("where would red shoes go").tokens
    costs = [fit(pattern(example, SLOTS), tokens, VOCABULARY.words).cost for example in EXAMPLES]
    assert min(costs) == costs[0] < 0.5


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("where would red shoes go?", "where would something go"),
        ("udno the last change", "undo the last change"),
        ("show me what is under audio", "show me what is under something"),
        ("label data.csv", "label items.csv"),
        ("rename Labels to Tags", "rename something to something"),
        ("label something", "label something"),
    ],
)
def test_messages_and_examples_in_one_form(said: str, form: str) -> None:
    assert masked(marked(read(said), NAMES, VOCABULARY), VOCABULARY) == form


def test_a_word_of_small_talk_beside_a_strange_one_is_part_of_a_text() -> None:
    small_talk = Vocabulary(frozenset({"sleep", "well"}))
    said = marked(read("where would sleep earplugs go"), NAMES, VOCABULARY)
    assert masked(said, VOCABULARY, small_talk) == "where would something go"
    assert masked(read("where would sleep well go"), VOCABULARY, small_talk) == "where would sleep well go"


def test_examples_in_the_same_form() -> None:
    assert [masked_pattern(pattern(example, SLOTS)) for example in EXAMPLES[:3]] == [
        "where would something go",
        "show me what is under something",
        "rename something to something",
    ]
    assert masked_pattern(pattern("what changed {period}", SLOTS)) == "what changed last week"
