"""Descriptors on items: what is kept, what is asked again, and hands that change the vocabulary in between."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from taxonaut import Workspace
from taxonaut.models.requests import ModelRequest
from taxonaut.models.scripted import ScriptedModel
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError, ModelReplyError, ModelUnavailableError
from taxonaut.state.ids import ItemId, NodeId
from taxonaut.state.records import Item, Tree, TreeNode
from taxonaut.state.updates import OnUpdate, Progress
from taxonaut.workspace.vocabulary.reading import read_vocabulary
from taxonaut.workspace.vocabulary.vocabulary_agents import make_item_table

pytestmark = pytest.mark.slow

Open = Callable[..., Workspace]
KINDS = ("fox", "whale", "oak", "fern", "wasp")
EMPTY = "the text is empty"


def counting(done: list[int]) -> OnUpdate:
    """Note how much is done each time that progress is told."""
    return lambda update: done.append(update.done) if isinstance(update, Progress) else None


def draw(workspace: Workspace) -> dict[str, NodeId]:
    """Give the workspace a descriptor for each kind, and one for each colour of foxes; returns them by name."""
    nodes = [TreeNode(number, kind) for number, kind in enumerate(KINDS, start=1)]
    reds = [TreeNode(10, "foxred"), TreeNode(11, "foxgrey")]
    edges = (*((0, node.key) for node in nodes), (1, 10), (1, 11))
    workspace.index.load_tree(Tree("vocabulary", (*nodes, *reds), edges, ()))
    return {each.node.name: each.id for each in read_vocabulary(workspace).descriptors}


def paths(workspace: Workspace, taggings: list[Tagging]) -> list[str]:
    known = read_vocabulary(workspace).by_id
    return [" > ".join(known[node].node.name for node in tagging.path) for tagging in taggings]


def expected(things: list[Item]) -> list[str]:
    """The path of each thing on the drawn vocabulary."""
    found = []
    for each in things:
        kind, colour, _ = each.text.split()
        found.append(f"{kind} > {colour}" if colour in ("foxred", "foxgrey") else kind)
    return found


def test_one_best_path_that_stops_where_nothing_fits(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    done: list[int] = []
    stranger = Item(ItemId("x"), "zebra")
    taggings = workspace.assign_vocabulary([*things, stranger], on_update=counting(done))
    assert paths(workspace, taggings) == [*expected(things), ""]
    assert [(each.item_id, each.others, each.error) for each in taggings] == [
        (each.id, (), "") for each in (*things, stranger)
    ]
    assert read_vocabulary(workspace).taggings == taggings
    assert done == [61]


async def test_two_calls_at_a_time_with_one_id_get_an_answer_each(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    given = [Item(ItemId("1"), each.text) for each in things[:4]]
    at_once = await asyncio.gather(*(workspace.aassign_vocabulary([item]) for item in given))
    assert [paths(workspace, found) for found in at_once] == [expected([item]) for item in given]
    assert [await workspace.aassign_vocabulary([item]) for item in given] == at_once


def test_the_same_assignment_again_asks_nothing(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    first = workspace.assign_vocabulary(things)
    asked = server.stats()["requests"]
    assert workspace.assign_vocabulary(things) == first
    assert workspace.assign_vocabulary(things[::-1]) == first[::-1]
    assert server.stats()["requests"] == asked
    (run,) = workspace.runs.list("assign")
    assert (run.status, run.units) == ("finished", 60)


def test_prompts_name_columns_and_vectors_do_not(open_workspace: Open, server: Any) -> None:
    columns = (("kind", "red fox"), ("about", "a\nhunter"))
    given = [Item(ItemId("1"), "red fox\na\nhunter", columns), Item(ItemId("2"), "an oak")]
    asked: list[ModelRequest] = []

    def rule(request: ModelRequest) -> Any:
        asked.append(request)
        return {str(place): [0] for place in range(1, len(request.texts) + 1)}

    workspace = open_workspace(server)
    annotated = workspace.with_models({"annotator": ScriptedModel(rule=rule)})
    draw(annotated)
    annotated.assign_vocabulary(given)
    assert [request.item for request in asked] == [
        "Items:\n1. kind: red fox about: a hunter",
        "Items:\n1. an oak",
    ]
    table = make_item_table(workspace.wiring, given)
    assert (list(table.texts), list(table.plain)) == (
        ["kind: red fox about: a hunter", "an oak"],
        ["red fox a hunter", "an oak"],
    )
    assert np.array_equal(table.vectors, workspace.wiring.stored.lookup(table.plain))
    assert make_item_table(open_workspace().wiring, given).texts == table.plain


def test_new_items_need_no_rebuild(open_workspace: Open, server: Any, things: list[Item]) -> None:
    workspace = open_workspace(server, items_per_request=60)
    draw(workspace)
    workspace.assign_vocabulary(things[:30])
    server.reset()
    taggings = workspace.assign_vocabulary(things)
    assert paths(workspace, taggings) == expected(things)
    assert server.stats()["requests"] == 1
    assert {each.item_id for each in read_vocabulary(workspace).taggings} == {each.id for each in things}


def test_an_item_with_a_new_text_is_asked_about_and_replaced(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    made = draw(workspace)
    workspace.assign_vocabulary(things[:3])
    workspace.assign_vocabulary([replace(things[0], text="an old oak")])
    found = {each.item_id: each.path for each in read_vocabulary(workspace).taggings}
    assert found == {
        ItemId("i0"): (made["oak"],),
        **{ItemId(f"i{number}"): (made["fox"], made["foxred"]) for number in (1, 2)},
    }


def test_all_that_fits_beside_the_best_path(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(threshold=0.2)
    made = draw(workspace)
    both = Item(ItemId("b"), "whale oak")
    (tagging,) = workspace.assign_vocabulary([both])
    assert tagging == Tagging(both.id, (made["whale"],), (made["oak"],))
    assert workspace.assign_vocabulary([both], every=False) == [replace(tagging, others=())]
    assert read_vocabulary(workspace).taggings == [replace(tagging, others=())]


def test_items_without_a_text_and_twice_the_same(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    blank = Item(ItemId("none"), " \n")
    taggings = workspace.assign_vocabulary([things[0], blank, things[0]])
    assert taggings[0] == taggings[2]
    assert taggings[1] == Tagging(blank.id, error=EMPTY)
    assert len(read_vocabulary(workspace).taggings) == 2
    assert workspace.assign_vocabulary([blank]) == [taggings[1]]
    assert workspace.assign_vocabulary([]) == []


def test_two_items_with_one_id_are_refused(open_workspace: Open, server: Any, things: list[Item]) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    with pytest.raises(InputError, match="two items have the id 'i0'; give each item a unique id"):
        workspace.assign_vocabulary([things[0], replace(things[0], text="other")])
    assert server.stats()["requests"] == 0


def test_without_a_vocabulary(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace()
    with pytest.raises(InputError) as caught:
        workspace.assign_vocabulary(things)
    assert str(caught.value) == (
        f"{str(workspace.folder)!r} has no vocabulary yet; build one: taxonaut vocabulary build ITEMS"
    )
    assert workspace.runs.list() == []


def test_a_descriptor_renamed_by_hand(open_workspace: Open, server: Any, things: list[Item]) -> None:
    workspace = open_workspace(server)
    made = draw(workspace)
    before = workspace.assign_vocabulary(things)
    workspace.index.rename_node(made["oak"], "trees")
    vocabulary = read_vocabulary(workspace)
    assert vocabulary.taggings == before
    assert vocabulary.by_id[made["oak"]].path == ("trees",)
    again = paths(workspace, workspace.assign_vocabulary(things))
    assert again == [path if path != "oak" else "" for path in expected(things)]


def test_a_descriptor_dissolved_or_merged_by_hand(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    made = draw(workspace)
    workspace.assign_vocabulary(things)
    workspace.index.merge_nodes(made["whale"], made["oak"])
    workspace.index.dissolve_node(made["foxred"])
    vocabulary = read_vocabulary(workspace)
    gone = {made["oak"], made["foxred"]}
    assert gone.isdisjoint(vocabulary.by_id)
    assert all(gone.isdisjoint(each.path) for each in vocabulary.taggings)
    assert vocabulary.items_at[made["fox"]] == 12
    assert vocabulary.items_at[made["foxgrey"]] == 3
    assert len(workspace.assign_vocabulary(things)) == 60


def test_a_descriptor_moved_by_hand_leaves_the_paths_through_its_former_place(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server)
    made = draw(workspace)
    workspace.assign_vocabulary(things)
    workspace.index.move_node(made["foxred"], made["wasp"])
    vocabulary = read_vocabulary(workspace)
    assert vocabulary.by_id[made["foxred"]].path == ("wasp", "foxred")
    assert vocabulary.items_at.get(made["foxred"], 0) == 0
    assert vocabulary.items_at[made["fox"]] == 12


def test_what_a_server_answered_before_it_was_gone_is_kept(
    open_workspace: Open, start_server: Any, things: list[Item]
) -> None:
    first = start_server(delay=0.01)
    workspace = open_workspace(first, items_per_request=1)
    draw(workspace)

    def halfway() -> None:
        first.wait("answered=20")
        first.close()

    thread = threading.Thread(target=halfway)
    thread.start()
    with pytest.raises(ModelUnavailableError):
        workspace.assign_vocabulary(things)
    thread.join()
    (run,) = workspace.runs.list("assign")
    assert run.status == "failed"
    kept = workspace.database.rows("SELECT count(*) FROM answers")[0][0]
    assert 12 <= kept < 66
    assert read_vocabulary(workspace).taggings == []


def test_an_item_that_failed_keeps_what_it_had_and_is_asked_again(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server, items_per_request=1)
    draw(workspace)
    before = workspace.assign_vocabulary(things[:4])
    hostile = replace(things[0], text="fox BEHAVE:unknown")
    other = open_workspace(server, items_per_request=1, characters=399)
    fine, failed = other.assign_vocabulary([things[1], hostile])
    assert (fine.path, fine.error) == (before[1].path, "")
    assert failed.path == ()
    assert "made no valid call of assign_label" in failed.error
    assert sorted(read_vocabulary(other).taggings, key=lambda each: each.item_id) == before
    server.reset()
    assert other.assign_vocabulary([things[1]]) == [fine]
    assert server.stats()["requests"] == 0
    with pytest.raises(ModelUnavailableError, match="1 request got no answer"):
        other.assign_vocabulary([hostile])
    assert server.stats()["requests"] > 0


def test_undo_brings_the_taggings_back(open_workspace: Open, server: Any, things: list[Item]) -> None:
    workspace = open_workspace(server)
    draw(workspace)
    before = workspace.assign_vocabulary(things)
    workspace.index.load_tree(Tree("vocabulary", (TreeNode(1, "fox"),), ((0, 1),), ()))
    assert read_vocabulary(workspace).taggings == []
    workspace.assign_vocabulary(things[:2])
    workspace.index.undo()
    assert read_vocabulary(workspace).taggings == before


def test_items_in_many_batches(
    open_workspace: Open, server: Any, things: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxonaut.workspace.vocabulary.assign.BATCH", 7)
    workspace = open_workspace(server)
    draw(workspace)
    done: list[int] = []
    assert paths(workspace, workspace.assign_vocabulary(iter(things), on_update=counting(done))) == expected(
        things
    )
    assert done == [7, 14, 21, 28, 35, 42, 49, 56, 60]


def test_many_items_that_are_never_answered_cost_themselves_alone(
    open_workspace: Open, things: list[Item]
) -> None:
    def rule(request: ModelRequest) -> Any:
        if any("fox" in text for text in request.texts):
            return ModelReplyError("the reply holds no call")
        return {str(place): [1] for place in range(1, len(request.texts) + 1)}

    bad = [Item(ItemId(f"bad{number}"), f"fox {number}") for number in range(25)]
    annotated = open_workspace().with_models({"annotator": ScriptedModel(rule=rule)})
    draw(annotated)
    for _ in range(2):
        taggings = annotated.assign_vocabulary([*bad, Item(ItemId("good"), "an oak")])
        assert [tagging.item_id for tagging in taggings if tagging.error] == [item.id for item in bad]
