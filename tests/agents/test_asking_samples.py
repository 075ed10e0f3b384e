"""What decisions are made from is handed to whoever keeps samples of it."""

from collections.abc import Mapping
from typing import Any

from taxonaut.agents.asking import ITEMS_OF_A_QUESTION, Asker, Question
from taxonaut.agents.icxml import LabelWriter
from taxonaut.models.requests import Choice
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Item
from taxonaut.tools.expand_node import FIELD, expand_node_spec
from taxonaut.tools.support.offers import Offer

EXPAND = "navigator/expand"
ITEMS = [Item(ItemId(str(number)), f"text {number} {{{{ 7 * 7 }}}}") for number in range(4)]


class Noting:
    """Takes everything, up to a number."""

    def __init__(self, most: int = 99) -> None:
        self.most = most
        self.noted: list[tuple[str, Mapping[str, Any]]] = []

    def wants(self, template: str) -> bool:
        return len(self.noted) < self.most

    def note(self, template: str, variables: Mapping[str, Any]) -> None:
        self.noted.append((template, variables))


def question(asker: Asker, name: str, asked: list[str]) -> Question[NodeId]:
    """A question with one option; `asked` gets its name once its variables are built."""

    def variables() -> dict[str, Any]:
        asked.append(name)
        option = {"id": 1, "name": name, "description": "", "path": "", "examples": []}
        return {"node": name, "path": name, "options": [option], "most": 1}

    system, context = asker.render_shared(variables)
    offer, choices = Offer((NodeId(1),), 0), (Choice(1, (name,)),)
    spec = expand_node_spec(1, 1)
    return Question(NodeId(1), offer, choices, spec, FIELD, 1, system, context, sample=asker.sample)


async def asked_about(recorder: Noting | None, *, reads: bool) -> tuple[list[str], ScriptedModel]:
    """Ask two questions about each item, and say of which questions variables were built."""
    model = ScriptedModel(rule=lambda _: [1])
    model.reads_prompts = reads
    asker = Asker("navigator", model, PromptLibrary(None, recorder).get(EXPAND), "A task.")
    built: list[str] = []
    questions = [question(asker, name, built) for name in ("a", "b")]
    await asker.ask([(item, each) for each in questions for item in ITEMS])
    return built, model


async def test_a_few_items_of_each_question_are_noted_with_what_it_was_rendered_with() -> None:
    for reads in (True, False):
        recorder = Noting()
        built, model = await asked_about(recorder, reads=reads)
        assert built == ["a", "b"]
        found = [(name, sample["node"], sample["text"], sample["task"]) for name, sample in recorder.noted]
        assert found == [
            (EXPAND, node, item.text, "A task.") for node in "ab" for item in ITEMS[:ITEMS_OF_A_QUESTION]
        ]
        assert [request.item for request in model.history[:1]] == (
            ["Text: text 0 {{ 7 * 7 }}"] if reads else [""]
        )


async def test_variables_that_nobody_needs_are_not_built() -> None:
    assert (await asked_about(None, reads=False))[0] == []
    assert (await asked_about(Noting(most=0), reads=False))[0] == []
    assert (await asked_about(Noting(most=0), reads=True))[0] == ["a", "b"]


async def test_an_agent_that_writes_its_own_requests_is_noted_too() -> None:
    recorder = Noting()
    model = ScriptedModel(rule=lambda _: {"labels": ["x"]})
    await LabelWriter(model, PromptLibrary(None, recorder), "A task.", ["Shoes"], 3).write(ITEMS)
    assert recorder.noted == [
        ("label_writer/write", {"task": "A task.", "like": ["Shoes"], "most": 3, "text": ITEMS[0].text})
    ]
