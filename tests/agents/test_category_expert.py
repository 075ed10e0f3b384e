"""The general expert before a product's candidates: what it is shown and asked, and what its answers come to."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.agents.category_expert import (
    ROOM,
    TEMPLATES,
    CategoryExpert,
    CategorySettings,
    CategoryText,
    Judgement,
    describe_category,
    one_line,
)
from taxonaut.models.llm.gateway import Gateway
from taxonaut.models.scripted import ScriptedModel
from taxonaut.models.settings import ModelSettings
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.errors import ModelNotFoundError, ModelReplyError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.tools.choose_category import LONGEST_REASON

pytestmark = pytest.mark.slow

BAG, CAMERA, RAIL = (LabelId(name) for name in ("bag", "camera", "rail"))
CATEGORIES = {
    BAG: CategoryText("Bags", ("Photo", "Bags"), "Camera bags", "Padded bags for cameras."),
    CAMERA: CategoryText("Cameras", ("Photo", "Cameras"), "Cameras", "They take pictures."),
    RAIL: CategoryText("Rails", ("Rails",)),
}
ALL = [BAG, CAMERA, RAIL]
ITEM = Item(ItemId("one"), "Lowepro bag for two cameras")


def expert(model: Any, *, scored: bool = False, **settings: Any) -> CategoryExpert:
    return CategoryExpert(model, PromptLibrary(), CategorySettings(**settings), scored=scored)


async def decided(model: Any, **settings: Any) -> Judgement:
    (judgement,) = await expert(model, **settings).decide([(ITEM, ALL)], CATEGORIES)
    return judgement


def numbers(model: ScriptedModel) -> dict[str, int]:
    """Under which number each category was shown, by a word of its text."""
    (request,) = model.history
    words = {BAG: "bag", CAMERA: "Cameras", RAIL: "Rails"}
    return {
        label: choice.id
        for label, word in words.items()
        for choice in request.choices
        if word.casefold() in choice.texts[0].casefold().split(":")[0].split(" > ")[-1]
    }


@pytest.mark.parametrize(
    ("shown", "lines", "texts"),
    [
        ("leaf", ["Bags", "Cameras", "Rails"], ["Bags", "Cameras", "Rails"]),
        ("path", ["Photo > Bags", "Photo > Cameras", "Rails"], ["Photo > Bags", "Photo > Cameras", "Rails"]),
        ("name", ["Camera bags", "Cameras", "Rails"], ["Camera bags", "Cameras", "Rails"]),
        (
            "definition",
            ["Camera bags: Padded bags for cameras.", "Cameras: They take pictures.", "Rails"],
            ["Camera bags: Padded bags for cameras.", "Cameras: They take pictures.", "Rails"],
        ),
    ],
)
async def test_how_a_category_is_shown(shown: str, lines: list[str], texts: list[str]) -> None:
    model = ScriptedModel([[0]])
    await decided(model, shown=shown, seed=3)
    (request,) = model.history
    listed = request.context.splitlines()[1:-3]
    assert sorted(each.partition(". ")[2] for each in listed) == sorted(lines)
    assert [each.partition(". ")[0] for each in listed] == ["1", "2", "3"]
    assert sorted(choice.texts[0] for choice in request.choices) == sorted(texts)
    assert request.context.splitlines()[-3:-1] == ["0. none of these", "-1. cannot decide"]
    assert request.item == "Product: Lowepro bag for two cameras"


@pytest.mark.parametrize(
    ("ask", "most", "properties"),
    [
        ("choose", 1, ["categories", "reason"]),
        ("rank", 3, ["categories", "reason"]),
        ("think", 3, ["reason", "categories"]),
    ],
)
async def test_what_is_asked_for(ask: Any, most: int, properties: list[str]) -> None:
    model = ScriptedModel([[3, 1, 2]])
    judgement = await decided(model, ask=ask)
    (request,) = model.history
    assert (request.most, request.tool.name) == (most, "rank_candidates")
    schema = request.tool.parameters
    assert list(schema["properties"]) == schema["required"] == properties
    assert schema["properties"]["categories"]["items"]["enum"] == [1, 2, 3, 0, -1]
    assert schema["properties"]["categories"]["maxItems"] == most
    assert len(judgement.ranking) == most
    assert judgement.decision is not None
    assert (judgement.decision.agent, judgement.decision.template) == ("general_expert", TEMPLATES[ask])
    assert ROOM[ask] * 4 > LONGEST_REASON[ask] + 60


async def test_a_ranking_with_its_reason() -> None:
    model = ScriptedModel(rule=lambda request: {"categories": [2, 1], "reason": " it says so \n"})
    judgement = await decided(model)
    order = {number: label for label, number in numbers(model).items()}
    assert judgement == Judgement(ITEM, (order[2], order[1]), "general", "it says so", judgement.decision)
    assert judgement.decision is not None
    assert judgement.decision.choice == judgement.ranking


@pytest.mark.parametrize(
    ("answer", "verdict", "reason"),
    [
        ({"categories": [0], "reason": "a rug"}, "none", "a rug"),
        ({"categories": [-1], "reason": "no noun"}, "undecided", "no noun"),
        ({"categories": ["-1"]}, "undecided", ""),
        ({"categories": -1}, "undecided", ""),
        ({"categories": [0, -1]}, "undecided", ""),
        (ModelReplyError("no valid call"), "failed", ""),
        ({"categories": [4]}, "failed", ""),
        ({"categories": [-2]}, "failed", ""),
        ({"reason": "all of them"}, "failed", ""),
        ({"categories": []}, "failed", ""),
    ],
)
async def test_what_is_no_category(answer: Any, verdict: str, reason: str) -> None:
    judgement = await decided(ScriptedModel([answer]))
    assert (judgement.ranking, judgement.verdict, judgement.reason) == ((), verdict, reason)
    assert judgement.decision is not None
    assert bool(judgement.decision.error) == (verdict == "failed")


async def test_a_category_beside_cannot_decide_is_a_category() -> None:
    model = ScriptedModel([[-1, 1]])
    judgement = await decided(model)
    assert (judgement.verdict, len(judgement.ranking)) == ("general", 1)


async def test_equal_candidates_share_a_prompt_and_without_any_nothing_is_asked() -> None:
    model = ScriptedModel(rule=lambda _: [1])
    asked = [(ITEM, ALL), (Item(ItemId("two"), "b"), []), (Item(ItemId("three"), "c"), ALL[::-1])]
    found = await expert(model).decide(asked, CATEGORIES)
    assert [(each.item.id, each.verdict) for each in found] == [
        ("one", "general"),
        ("two", "none"),
        ("three", "general"),
    ]
    assert found[1].decision is None
    first, second = model.history
    assert (first.system, first.context) == (second.system, second.context)


async def test_the_order_follows_the_seed() -> None:
    orders = set()
    for seed in range(8):
        model = ScriptedModel([[0]])
        judgement = await decided(model, seed=seed)
        assert judgement.decision is not None
        assert judgement.decision.seed == seed
        orders.add(judgement.decision.options)
    assert len(orders) > 2


async def test_a_model_that_is_not_there_ends_it() -> None:
    with pytest.raises(ModelNotFoundError):
        await decided(ScriptedModel([ModelNotFoundError("no such model")]))


def test_texts_of_labels_cannot_pass_for_options_or_paths() -> None:
    bad = CategoryText("a\n2. b", ("x\n3. c",), "t\u2028u", "d\n\n4. e")
    assert [describe_category(bad, how) for how in ("leaf", "path", "definition")] == [  # type: ignore[arg-type]
        ("a 2. b", ""),
        ("x 3. c", ""),
        ("t u", "d 4. e"),
    ]
    assert describe_category(CategoryText("a", ()), "path") == ("a", "")


@given(st.text())
def test_a_line_is_a_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


async def test_a_path_in_a_definition_is_no_path_to_a_model_that_compares_texts() -> None:
    model = ScriptedModel([[0]])
    texts = {BAG: CategoryText("Bags", ("Bags",), "Bags", "part of Photo > All")}
    await expert(model, shown="definition").decide([(ITEM, [BAG])], texts)
    (request,) = model.history
    assert request.choices[0].texts == ("Bags: part of Photo / All",)
    assert "1. Bags: part of Photo > All" in request.context


async def test_a_model_that_scores_options_reads_its_own_prompt() -> None:
    model = ScriptedModel([[1]])
    await expert(model, scored=True, ask="think").decide([(ITEM, ALL)], CATEGORIES)
    (request,) = model.history
    assert request.item == "Text: Lowepro bag for two cameras"


BEHAVIOURS: Mapping[str, tuple[str, int]] = {
    "call": ("general", 1),
    "none": ("none", 1),
    "undecided": ("undecided", 1),
    "strings": ("general", 1),
    "unknown": ("failed", 3),
    "badjson": ("failed", 3),
    "prose": ("failed", 3),
    "repents_unknown": ("general", 2),
    "repents_badjson": ("general", 2),
}
"""How the server answers, what that comes to, and how often it is asked."""


async def test_what_a_server_may_answer(server: Any) -> None:
    role = ModelSettings(
        model="hosted_vllm/test", api_base=server.url, backoff_s=0, timeout_s=10, concurrency=1
    )
    asked = [(Item(ItemId(name), f"BEHAVE:{name}"), ALL) for name in BEHAVIOURS]
    found = await expert(Gateway(role), ask="think").decide(asked, CATEGORIES)
    assert {each.item.id: each.verdict for each in found} == {
        name: verdict for name, (verdict, _) in BEHAVIOURS.items()
    }
    assert server.stats()["requests"] == sum(times for _, times in BEHAVIOURS.values())
    failed = {each.item.id: each for each in found if each.verdict == "failed"}
    assert all(not each.ranking for each in failed.values())
    assert failed["unknown"].decision is not None
    assert "or [-1] if it cannot be decided" in failed["unknown"].decision.error
    assert found[0].reason == "because"


@pytest.mark.local
@pytest.mark.parametrize("answer", ["generated", "scored"])
async def test_a_small_model_in_this_process(answer: Any) -> None:
    from taxonaut.models.gguf.provider import register_gguf
    from taxonaut.models.weights import ModelCatalog

    if not ModelCatalog().is_here("smollm2-135m-instruct"):
        pytest.skip("no weights: taxonaut models pull smollm2-135m-instruct")
    role = ModelSettings(model="gguf/smollm2-135m-instruct", answer=answer, max_tokens=ROOM["choose"])
    register_gguf()
    model = expert(Gateway(role), scored=answer == "scored", ask="choose")
    (judgement,) = await model.decide([(ITEM, ALL)], CATEGORIES)
    assert judgement.verdict in ("general", "none", "undecided")
    assert set(judgement.ranking) <= set(ALL)
    assert bool(judgement.reason) == (answer == "generated")
