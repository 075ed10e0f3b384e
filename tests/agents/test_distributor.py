"""Each method on a scripted model that gives log-probabilities, against numbers worked out by hand."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from taxonaut.agents.distributor import (
    Distributor,
    DistributorSettings,
    OfferedLabel,
    Shot,
    requests_per_item,
)
from taxonaut.graphs.distribute import distribute
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import LogProbabilities, ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item

LABELS = [OfferedLabel(LabelId(name), name) for name in ("joy", "anger", "joy of life")]
ITEM = Item(ItemId("1"), "what a day!")


def answers(request: ModelRequest, shares: Mapping[str, float]) -> LogProbabilities:
    return LogProbabilities({each.id: math.log(shares[each.texts[0]]) for each in request.choices})


def made(model: ScriptedModel, settings: DistributorSettings, shots: tuple[Shot, ...] = ()) -> Distributor:
    return Distributor(model, PromptLibrary(), LABELS, settings, shots)


async def run(distributor: Distributor):  # type: ignore[no-untyped-def]
    state = await distribute(distributor).compile().ainvoke({"items": [ITEM]})
    return state["listings"]["1"], state["decisions"]


async def test_compare_to_none_asks_once_for_whole_strings() -> None:
    shares = {"joy": 0.3, "anger": 0.05, "joy of life": 0.1, "none": 0.1}
    model = ScriptedModel(rule=lambda request: answers(request, shares))
    listing, decisions = await run(made(model, DistributorSettings("compare-to-none")))
    assert listing.values == pytest.approx([0.75, 1 / 3, 0.5])
    (request,) = model.history
    assert (request.likelihoods, request.lead) == (True, "Labels:")
    assert [decision.tool for decision in decisions] == ["compare-to-none"]
    assert decisions[0].choice == ("joy",)


STEPS: dict[str, dict[str, float]] = {
    "Labels:": {"joy": 0.5, "anger": 0.2, "joy of life": 0.1, "none": 0.2},
    "Labels: joy": {", joy": 0.1, ", anger": 0.6, ", joy of life": 0.1, "": 0.2},
    "Labels: joy, anger": {", joy": 0.1, ", anger": 0.1, ", joy of life": 0.1, "": 0.7},
}


@pytest.mark.parametrize(("method", "values"), [("hard", [0.95, 0.95, 0.05]), ("max", [0.5, 0.75, 0.125])])
async def test_lists_go_on_until_the_end_is_likelier(method: str, values: list[float]) -> None:
    model = ScriptedModel(rule=lambda request: answers(request, STEPS[request.lead]))
    settings = DistributorSettings(method, epsilon=0.05)  # type: ignore[arg-type]
    listing, _ = await run(made(model, settings))
    assert listing.written == [0, 1]
    assert listing.values == pytest.approx(values)
    assert [request.lead for request in model.history] == list(STEPS)


async def test_a_list_without_labels_is_none() -> None:
    shares = {"joy": 0.1, "anger": 0.1, "joy of life": 0.1, "none": 0.7}
    model = ScriptedModel(rule=lambda request: answers(request, shares))
    hard, _ = await run(made(model, DistributorSettings("hard")))
    assert hard.values.tolist() == [0.01, 0.01, 0.01]
    most, _ = await run(made(model, DistributorSettings("max")))
    assert most.values == pytest.approx([0.1, 0.1, 0.1])


async def test_unary_asks_about_each_label() -> None:
    reasonable = {"joy": 0.9, "anger": 0.2, "joy of life": 0.5}

    def rule(request: ModelRequest) -> LogProbabilities:
        label = request.item.split("Label: ")[1].splitlines()[0]
        return answers(
            request, {"reasonable": reasonable[label] / 2, "unreasonable": (1 - reasonable[label]) / 2}
        )

    model = ScriptedModel(rule=rule)
    listing, decisions = await run(made(model, DistributorSettings("unary")))
    assert listing.values == pytest.approx([0.9, 0.2, 0.5])
    assert len(model.history) == len(decisions) == 3
    assert len({request.item.split("Label:")[0] for request in model.history}) == 1


async def test_binary_recovers_the_strengths_behind_its_answers() -> None:
    strengths = {"joy": 1.0, "anger": -1.0, "joy of life": 0.5, "none": -0.5}

    def rule(request: ModelRequest) -> LogProbabilities:
        return LogProbabilities({each.id: strengths[each.texts[0]] for each in request.choices})

    model = ScriptedModel(rule=rule)
    settings = DistributorSettings("binary", penalty=1e-9)
    listing, _ = await run(made(model, settings))
    wanted = [1 / (1 + math.exp(-(strengths[label.name] + 0.5))) for label in LABELS]
    assert listing.values == pytest.approx(wanted, abs=1e-6)
    assert len(model.history) == 6 == requests_per_item(settings, 3)
    seen = [{each.texts[0] for each in request.choices} for request in model.history]
    assert len({frozenset(pair) for pair in seen}) == 6


def test_requests_of_each_method() -> None:
    count = {
        method: requests_per_item(DistributorSettings(method), 18)  # type: ignore[arg-type]
        for method in ("compare-to-none", "hard", "max", "unary", "binary")
    }
    assert count == {"compare-to-none": 1, "hard": 5, "max": 5, "unary": 18, "binary": 171}


async def test_a_failed_request_ends_its_item_with_the_error() -> None:
    model = ScriptedModel([ModelReplyError("cut off")])
    listing, decisions = await run(made(model, DistributorSettings("compare-to-none")))
    assert (listing.error, listing.values) == ("cut off", None)
    assert decisions[0].error == "cut off"


async def test_sampled_answers_are_counted() -> None:
    # three samplers, two say reasonable (option 1): (2 + 1) / (3 + 2)
    settings = DistributorSettings("unary", samples=3)
    samplers = [ScriptedModel(rule=lambda _, said=said: [said]) for said in (1, 1, 2)]  # type: ignore[misc]
    distributor = Distributor(samplers[0], PromptLibrary(), LABELS, settings, samplers=samplers)
    listing, _ = await run(distributor)
    assert listing.values == pytest.approx([0.6] * 3)
    assert not samplers[0].history[0].likelihoods


def test_the_order_is_shuffled_by_the_seed_and_kept_without_one() -> None:
    model = ScriptedModel()
    orders = {made(model, DistributorSettings("max", seed=seed)).order for seed in range(10)}
    assert len(orders) > 1
    assert (
        made(model, DistributorSettings("max", seed=3)).order
        == made(model, DistributorSettings("max", seed=3)).order
    )
    assert made(model, DistributorSettings("max", seed=None)).order == (0, 1, 2)


def test_examples_show_their_labels_and_none() -> None:
    shots = (Shot("a", (LabelId("anger"),)), Shot("b", ()))
    context = made(ScriptedModel(), DistributorSettings("hard", seed=None), shots).blocks[1]
    assert "Text: a\nLabels: anger" in context
    assert "Text: b\nLabels: none" in context


def test_letters_where_a_server_answers() -> None:
    distributor = made(ScriptedModel(), DistributorSettings("hard", seed=None, codes=True))
    (asked,) = distributor.next_requests(distributor.start(ITEM))
    assert [each.texts[0] for each in asked.request.choices] == ["A", "B", "C", "0"]
    assert "- A: joy" in asked.request.context
    assert asked.request.lead == ""


def test_a_label_called_none_is_told_from_none() -> None:
    labels = [OfferedLabel(LabelId("1"), "None"), OfferedLabel(LabelId("2"), "joy, or joy\nagain")]
    distributor = Distributor(
        ScriptedModel(), PromptLibrary(), labels, DistributorSettings("compare-to-none", seed=None)
    )
    assert distributor.names == ["None", "joy or joy again", "no label"]
    assert np.isfinite(distributor.requests_per_item())
