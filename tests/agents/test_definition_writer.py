"""The writer of definitions: what it is shown of a category, and what comes of its answers."""

from typing import Any

import pytest

from taxonaut.agents.writers.definition_writer import DefinitionWriter, Subject
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelNotFoundError, ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.tools.write.write_definition import WrittenDefinition

PRODUCTS = tuple(
    Item(ItemId(f"i{number}"), text) for number, text in enumerate(("sand mould", "beach ball", "spade"))
)
BEACH = Subject(LabelId("beach"), ("Toys", "Outdoor", "Beach Toys"), ("Swings", "Sandboxes"), PRODUCTS)
RARE = Subject(LabelId("kites"), ("Toys", "Kites"), (), ())
GOOD = {"title": "Beach and sand toys", "definition": "Toys for sand and water."}


def writer(*answers: Any) -> tuple[DefinitionWriter, ScriptedModel]:
    model = ScriptedModel(answers)
    return DefinitionWriter(model, PromptLibrary(), "A toy shop."), model


async def test_what_is_shown_of_a_category() -> None:
    one, model = writer(GOOD, GOOD)
    await one.write([BEACH, RARE])
    first, second = model.history
    assert first.context.splitlines() == [
        "The category: Toys > Outdoor > Beach Toys",
        "Its neighbours, from which it must be told apart:",
        "- Swings",
        "- Sandboxes",
        "Call write_definition with the name and the definition.",
    ]
    assert first.item == "Products in it:\n- sand mould\n- beach ball\n- spade"
    assert second.context.splitlines() == [
        "The category: Toys > Kites",
        "Hardly any of its products are known: go by its path and its neighbours.",
        "Call write_definition with the name and the definition.",
    ]
    assert second.item == "Products in it:\n- (none)"
    assert "A toy shop." in first.system
    assert first.system == second.system


async def test_what_comes_of_the_answers() -> None:
    one, _ = writer(GOOD, {"title": " ", "definition": "x"}, ModelReplyError("no call"), {"title": "x"})
    written = await one.write([BEACH, RARE, BEACH, RARE])
    assert [each.words for each in written] == [WrittenDefinition(**GOOD), None, None, None]
    assert [bool(each.error) for each in written] == [False, True, True, True]
    decision = written[0].decision
    assert (decision.item_id, decision.agent, decision.template, decision.tool) == (
        "category beach",
        "general_expert",
        "general_expert/define",
        "write_definition",
    )
    assert (decision.options, decision.choice, decision.error) == (
        ("i0", "i1", "i2"),
        tuple(GOOD.values()),
        "",
    )
    assert written[2].decision.error == "no call"


async def test_a_model_that_is_not_there_ends_it() -> None:
    one, _ = writer(ModelNotFoundError("no such model"))
    with pytest.raises(ModelNotFoundError):
        await one.write([BEACH])
