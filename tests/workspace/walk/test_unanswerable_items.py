"""Items that no model ever answers cost themselves alone, however often the same items are given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import packaged_embedder

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.errors import ModelReplyError, ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item, Label


def rule(request: ModelRequest) -> Any:
    return ModelReplyError("the reply holds no call") if "bad" in request.text else [request.choices[0].id]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(
        tmp_path / "shop",
        embedder=packaged_embedder(),
        models={"general_expert": ScriptedModel(rule=rule)},
        walk={"batch": 4},
    ) as opened:
        opened.index.add_labels([Label(LabelId(name), name) for name in ("apples", "pears")])
        opened.build_index()
        yield opened


def named(*texts: str) -> list[Item]:
    return [Item(ItemId(f"i{number}"), text) for number, text in enumerate(texts)]


def failed(results: Any) -> list[str]:
    return [result.item_id for result in results if result.error]


def test_many_among_others_do_not_end_the_second_call(workspace: Workspace) -> None:
    items = named(*(f"bad {n}" if n % 3 == 0 else f"good {n}" for n in range(30)))
    expected = [item.id for item in items if "bad" in item.text]
    for _ in range(3):
        assert failed(workspace.classify(items)) == expected
    more = [*items, Item(ItemId("new"), "good and new")]
    assert failed(workspace.classify(more)) == expected


def test_a_call_in_which_nothing_is_answered_says_so_each_time(workspace: Workspace) -> None:
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match="got no answer: the reply holds no call"):
            workspace.classify(named("bad"))


def test_many_at_the_start_are_passed_in_the_end(workspace: Workspace) -> None:
    items = named(*(f"bad {n}" for n in range(10)), "good")
    for _ in range(10):
        try:
            results = workspace.classify(items)
            break
        except ModelUnavailableError:
            continue
    assert failed(results) == [item.id for item in items[:-1]]
    assert results[-1].labels
