"""What is said of texts of which only a part is read."""

from taxonaut.models.encoder.passages import PassageSettings
from taxonaut.state.ids import ItemId
from taxonaut.state.records import Item
from taxonaut.state.updates import TextsShortened, Update, listening
from taxonaut.workspace.core.long_texts import TextLimits

LONG = Item(ItemId("long"), "Nobody came to the meeting. " * 100)
SHORT = Item(ItemId("short"), "A kettle.")


def told(limits: TextLimits) -> list[Update]:
    updates: list[Update] = []
    with listening(updates.append):
        limits.tell_shortened([SHORT, LONG])
    return updates


def test_texts_with_more_passages_than_are_read_are_told() -> None:
    settings = PassageSettings(whole=30, tokens=30, most=4)
    assert told(TextLimits(passages=settings)) == [TextsShortened("passages", ((ItemId("long"), 4, 20),))]
    assert told(TextLimits(passages=PassageSettings())) == []


def test_texts_that_prompts_cut_are_told() -> None:
    assert told(TextLimits(characters=1_000)) == [TextsShortened("prompt", ((ItemId("long"), 1_000, 2_800),))]
    assert told(TextLimits(characters=400, shown_by="vocabulary")) == [
        TextsShortened("vocabulary", ((ItemId("long"), 400, 2_800),))
    ]
    assert told(TextLimits()) == []
