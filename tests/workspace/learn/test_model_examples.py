"""Examples for language models: what is sampled, that agents ask it the same way, and the files of them."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator, NavigatorSettings
from taxonaut.agents.writers.feedback_writer import FeedbackWriter
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.models.validation import checked
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import InputError, ModelReplyError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId, NodeId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.workspace.learn.example_files import FORMATS, write_examples
from taxonaut.workspace.learn.feedback import MarkedItem
from taxonaut.workspace.learn.model_examples import (
    Example,
    ExampleBuilder,
    ExampleSet,
    ExampleSettings,
    sample_options,
)

SHOE = MarkedItem(
    Item(ItemId("1"), "football boots, size 42"),
    right=(LabelId("boots"), LabelId("ball")),
    errors=(LabelId("scarf"),),
    missed=(LabelId("boots"),),
    nodes={NodeId(2): "error", NodeId(3): "hit", NodeId(4): "miss", NodeId(5): "hit"},
)
TASK = "A shop."


def explain(request: ModelRequest) -> Mapping[str, Any]:
    fits = request.tool.parameters["properties"]["fits"]["enum"][0]
    return {"reasons": f"It is about football, so {fits}.", "fits": fits}


def builder(index: Index, model: ScriptedModel | None = None, **settings: Any) -> ExampleBuilder:
    model = model or ScriptedModel(rule=explain)
    prompts = PromptLibrary()
    labels = settings.pop("labels", None)
    return ExampleBuilder(
        index,
        Navigator(model, prompts, NavigatorSettings(task=TASK)),
        GeneralExpert(model, prompts, ExpertSettings(task=TASK)),
        ExampleSettings(**settings),
        labels=labels,
        explainers=dict.fromkeys(("navigator", "general_expert"), FeedbackWriter(model, prompts, TASK)),
    )


def marks_of(example: Example) -> dict[str, str]:
    return dict(zip(example.options, example.marks, strict=True))


async def test_both_kinds_about_one_to_one(index: Index) -> None:
    found = await builder(index, none=0.0, nodes=2).build([SHOE])
    assert found.counts() == {"inductive": 3, "deductive": 3}
    shortlist, *branches = [each for each in found.examples if each.kind == "inductive"]
    assert marks_of(shortlist) == {
        "boots": "miss",
        "ball": "hit",
        "scarf": "error",
        "shoes": "irrelevant",
        "gift": "irrelevant",
        "puck": "irrelevant",
    }
    numbers = {label: number for number, label in enumerate(shortlist.options, start=1)}
    assert sorted(shortlist.arguments["labels"]) == sorted((numbers["boots"], numbers["ball"]))
    assert [(each.agent, each.node) for each in branches] == [("navigator", 1), ("navigator", 3)]
    assert [marks_of(each) for each in branches] == [{"2": "error", "3": "hit"}, {"4": "miss", "5": "hit"}]


async def test_agents_send_these_requests(index: Index) -> None:
    """A shortlist and a node as an example are, but for the order, what the walk's agents ask."""
    found = await builder(index, kinds=("inductive",), none=0.0).build([SHOE])
    model = ScriptedModel(rule=lambda request: [0])
    labels = {label.id: label for label in index.all_labels()}
    paths = {label: ways[0] for label, ways in index.paths_of(list(labels)).items()}
    expert = GeneralExpert(model, PromptLibrary(), ExpertSettings(task=TASK, seed=found.examples[0].seed))
    await expert.rank([(SHOE.item, list(labels))], labels, paths)
    assert model.history == [found.examples[0].request]
    for example in found.examples:
        chosen, _ = checked(example.request, example.arguments)
        assert tuple(place + 1 for place in example.right) == chosen


async def test_the_same_seed_makes_the_same_examples(index: Index) -> None:
    first, second, other = [await builder(index, options=3, seed=seed).build([SHOE]) for seed in (0, 0, 1)]
    assert first.examples == second.examples
    assert first.examples != other.examples


async def test_labels_held_out_are_in_no_example(index: Index) -> None:
    shown = [LabelId(name) for name in ("ball", "puck", "gift")]
    found = await builder(index, labels=shown, none=0.0, nodes=0).build([SHOE])
    assert {option for each in found.examples for option in each.options} <= set(shown) | {"2", "4"}
    assert (
        await builder(index, labels=[LabelId("gift"), LabelId("puck")], nodes=0).build([SHOE])
    ).counts() == {
        "inductive": 0,
        "deductive": 0,
    }


async def test_reasons_are_the_model_s_own_and_asked_without_the_verdict(index: Index) -> None:
    model = ScriptedModel(rule=explain)
    found = await builder(index, model, kinds=("deductive",)).build([SHOE])
    assert [(each.agent, each.options, each.marks, each.node) for each in found.examples] == [
        ("general_expert", ("scarf",), ("error",), None),
        ("general_expert", ("boots",), ("miss",), None),
        ("navigator", ("2",), ("error",), 2),
        ("navigator", ("4",), ("miss",), 4),
    ]
    assert [each.arguments["fits"] for each in found.examples] == [False, True, False, True]
    assert all("It is known" in asked.context for asked in model.history)
    assert not any("It is known" in each.request.context for each in found.examples)
    assert len(found.decisions) == 4


async def test_what_the_model_does_not_explain_is_counted(index: Index) -> None:
    model = ScriptedModel([ModelReplyError("no call")], rule=explain)
    found = await builder(index, model, kinds=("deductive",)).build([SHOE])
    assert (len(found.examples), found.unexplained, len(found.decisions)) == (3, 1, 4)
    assert found.decisions[0].error == "no call"


def test_what_a_shortlist_is_sampled_from() -> None:
    source = random.Random(0)
    labels = [LabelId(str(number)) for number in range(100)]
    right, errors = labels[:6], labels[6:20]
    found = sample_options(right, errors, labels, 10, source)
    assert len(set(found)) == 10
    kinds = [sum(each in group for each in found) for group in (right, errors)]
    assert kinds == [5, 2]
    assert sample_options(right, (), labels[:3], 10, source).__len__() == 5
    assert not set(sample_options((), (), labels, 90, source, without=labels[:20])) & set(labels[:20])


def test_settings_without_examples_are_refused() -> None:
    with pytest.raises(InputError, match="kinds of examples are inductive, deductive, not abductive"):
        ExampleSettings(kinds=("abductive",))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 2 options, not 1"):
        ExampleSettings(options=1)


@pytest.fixture
async def examples(index: Index) -> ExampleSet:
    return await builder(index, none=0.0).build([SHOE])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_openai_s_format(examples: ExampleSet, tmp_path: Path) -> None:
    assert write_examples(tmp_path / "a.jsonl", examples.examples, "openai") == 4
    for row, example in zip(read(tmp_path / "a.jsonl"), examples.examples, strict=True):
        assert set(row) == {"messages", "tools", "parallel_tool_calls"}
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
        (call,) = row["messages"][-1]["tool_calls"]
        (tool,) = row["tools"]
        assert (call["type"], call["function"]["name"]) == ("function", tool["function"]["name"])
        assert json.loads(call["function"]["arguments"]) == example.arguments
        assert row["messages"][1]["content"] == "Text: football boots, size 42"


async def test_trl_s_format(examples: ExampleSet, tmp_path: Path) -> None:
    write_examples(tmp_path / "a.jsonl", examples.examples, "trl")
    for row, example in zip(read(tmp_path / "a.jsonl"), examples.examples, strict=True):
        assert set(row) == {"prompt", "completion", "tools"}
        assert [message["role"] for message in row["prompt"]] == ["system", "user"]
        (answer,) = row["completion"]
        assert answer["tool_calls"][0]["function"]["arguments"] == example.arguments


async def test_messages_without_tools_and_sharegpt(examples: ExampleSet, tmp_path: Path) -> None:
    write_examples(tmp_path / "a.jsonl", examples.examples, "messages")
    write_examples(tmp_path / "b.jsonl", examples.examples, "sharegpt")
    names = {"system": "system", "human": "user", "gpt": "assistant"}
    for row, other, example in zip(
        read(tmp_path / "a.jsonl"), read(tmp_path / "b.jsonl"), examples.examples, strict=True
    ):
        assert [set(message) for message in row["messages"]] == [{"role", "content"}] * 3
        assert json.loads(row["messages"][-1]["content"]) == {
            "name": example.request.tool.name,
            "arguments": example.arguments,
        }
        assert example.request.tool.name in row["messages"][0]["content"]
        turns = [{"role": names[turn["from"]], "content": turn["value"]} for turn in other["conversations"]]
        assert turns == row["messages"]


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="no format 'alpaca' of examples; there are openai, trl, messages, sharegpt"
    ):
        write_examples(tmp_path / "a.jsonl", [], "alpaca")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        write_examples(tmp_path / "nowhere/a.jsonl", [])
    assert list(FORMATS) == ["openai", "trl", "messages", "sharegpt"]
