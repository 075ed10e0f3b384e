"""Demonstrations: which labelled texts a prompt shows, and that it never shows what is known of the item itself."""

import numpy as np
import pytest
from fakes import word_embedder

from taxonaut.agents.general_expert import ExpertSettings, GeneralExpert
from taxonaut.agents.navigator import Navigator
from taxonaut.agents.support.demonstrations import Demonstrations, DemonstrationText
from taxonaut.models.scripted import ScriptedModel
from taxonaut.prompts.library import PromptLibrary
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.index import Index
from taxonaut.state.records import Item
from taxonaut.tools.expand_node import expand_node

ITEM = Item(ItemId("1"), "brown leather boots")
KNOWN = [
    ("1", "an older text of this very item", ("ball",)),
    ("2", " Brown leather  BOOTS", ("shoes",)),
    ("3", "black leather boots", ("boots",)),
    ("4", "leather football", ("ball", "gift")),
    ("5", "a warm scarf", ("scarf",)),
    ("6", "brown leather label nobody has", ("gone",)),
]


def demonstrations(index: Index, most: int) -> Demonstrations:
    embedder = word_embedder(64)
    texts = [
        DemonstrationText(ItemId(item), text, tuple(map(LabelId, labels))) for item, text, labels in KNOWN
    ]
    return Demonstrations(index, lambda: texts, embedder.embed, embedder.embed, most)


@pytest.mark.parametrize(
    ("most", "shown"),
    [(0, []), (1, ["black leather boots"]), (5, ["a warm scarf", "leather football", "black leather boots"])],
)
async def test_the_most_similar_labelled_texts_stand_next_to_the_item(
    index: Index, most: int, shown: list[str]
) -> None:
    model = ScriptedModel(rule=lambda _: [0])
    names = [LabelId(name) for name in ("shoes", "boots", "ball", "scarf")]
    labels = {label.id: label for label in index.labels(names)}
    paths = {label: ways[0] for label, ways in index.paths_of(names).items()}
    expert = GeneralExpert(
        model, PromptLibrary(), ExpertSettings(), "general_expert/rank_few_shot", demonstrations(index, most)
    )
    (answer,) = await expert.rank([(ITEM, names)], labels, paths)
    (request,) = model.history
    numbers = {label: number for number, label in enumerate(answer.question.offer.options, start=1)}
    right = {
        "black leather boots": f"{numbers[LabelId('boots')]}. Clothes > Shoes > Boots",
        "leather football": f"{numbers[LabelId('ball')]}. Sports > Balls > Footballs",
        "a warm scarf": f"{numbers[LabelId('scarf')]}. Clothes > Scarves",
    }
    lines = [line for text in shown for line in (f"Text: {text}", f"Right: {right[text]}")]
    head = ["Similar texts, and the candidates that are right for them:"] if shown else []
    assert [line for line in request.item.splitlines() if line] == [
        *head,
        *lines,
        "Text: brown leather boots",
    ]
    assert [line for line in request.blank_item.splitlines() if line] == [*head, *lines, "Text:"]
    assert request.text == ITEM.text


async def test_at_a_node_the_branches_above_the_labels_are_right(index: Index) -> None:
    model = ScriptedModel(rule=lambda _: [0])
    navigator = Navigator(
        model, PromptLibrary(), template="navigator/expand_few_shot", demonstrations=demonstrations(index, 2)
    )
    root = index.root()
    (expansion,) = expand_node(index, [root])
    (answer,) = await navigator.choose([(ITEM, root)], {root: expansion}, {root: ()})
    numbers = {branch: number for number, branch in enumerate(answer.question.offer.options, start=1)}
    both = sorted([f"{numbers[2]}. Clothes", f"{numbers[3]}. Sports"])
    assert model.history[0].item.splitlines()[1:5] == [
        "Text: leather football",
        f"Right: {numbers[3]}. Sports",
        "Text: black leather boots",
        f"Right: {'; '.join(both)}",
    ]


def test_a_hash_of_what_is_shown(index: Index) -> None:
    first, same, other = (demonstrations(index, most) for most in (2, 2, 3))
    assert first.digest == same.digest != other.digest
    other.texts = other.texts[1:]  # type: ignore[misc]
    assert len(first.texts) == len(KNOWN)
    assert np.asarray(first.vectors).shape == (len(KNOWN), 64)
