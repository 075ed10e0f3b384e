"""A vocabulary from items: what comes of it, continued and repeated builds, and taking it back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taxonaut import Workspace
from taxonaut.state.descriptors import Tagging
from taxonaut.state.errors import InputError, ModelUnavailableError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.index.diff import diff
from taxonaut.state.records import Item, Label
from taxonaut.state.updates import Progress, Update
from taxonaut.workspace.vocabulary.reading import Vocabulary, read_history, read_vocabulary

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = {
    "categories": 4,
    "split_threshold": 8,
    "per_descriptor": 2,
    "anomaly_threshold": 3,
    "items_per_request": 5,
    "sample": 12,
}
Open = Callable[..., Workspace]

WITH_A_SERVER = """\
fern, oak: 24
  fern: 12
    fernblue, fernwhite: 6
    fernred: 3
    ferngrey: 3
  oakgrey, oakwhite, oakada: 6
  oakblue, oakred, oakada: 6
fox: 12
  foxwhite, foxbob, foxada: 6
  foxada: 3
  foxcyd: 3
whale: 12
  whalered: 6
  whalegrey: 3
  whaleblue: 3
Wasp: 12
  waspwhite, waspbob, waspada: 6
  waspada: 3
  waspcyd: 3
"""


def items(*texts: str) -> list[Item]:
    return [Item(ItemId(f"i{number}"), text) for number, text in enumerate(texts)]


def drawn(vocabulary: Vocabulary) -> str:
    """The vocabulary as text, each descriptor with the number of its items."""
    return "".join(
        f"{'  ' * (each.level - 1)}{each.node.name}: {vocabulary.items_at.get(each.id, 0)}\n"
        for each in vocabulary.descriptors
    )


def names(vocabulary: Vocabulary, level: int = 1) -> list[str]:
    return [each.node.name for each in vocabulary.descriptors if each.level == level]


def test_the_whole_build_on_a_language_model(open_workspace: Open, server: Any, things: list[Item]) -> None:
    workspace = open_workspace(server, **SMALL)
    told: list[Update] = []
    build = workspace.build_vocabulary(things, on_update=told.append)
    workspace.assign_vocabulary(things)
    vocabulary = read_vocabulary(workspace)
    assert drawn(vocabulary) == WITH_A_SERVER
    assert replace(build, run=build.run) == build
    assert (build.items, build.groups, build.descriptors, build.problems, build.again) == (
        60,
        6,
        19,
        {},
        False,
    )
    stages = [update for update in told if isinstance(update, Progress)]
    assert stages[-1] == Progress("building", 6, 6)
    assert {update.stage for update in stages} == {"embedding items", "building"}
    wasp = next(each for each in vocabulary.descriptors if each.node.name == "Wasp")
    assert (wasp.node.description, wasp.node.includes) == ("Things with the word wasp", ("wasp",))
    assert set(wasp.node.examples) <= {each.text for each in things if "wasp" in each.text}
    (run,) = workspace.runs.list("vocabulary")
    assert (run.id, run.status) == (build.run, "finished")
    assert workspace.decisions.totals(run.id).requests == server.stats()["requests"]


def test_the_history_says_how_what_the_architect_left_out_came_in(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server, **SMALL)
    workspace.build_vocabulary(things)
    top = read_history(workspace)[0]
    assert (top.level, top.refined.initial, len(top.nodes)) == (1, 3, 4)
    assert [(each.items, each.assigned) for each in top.refined.rounds] == [(60, 48), (60, 60)]
    first, twin, few, one = top.refined.rounds[0].changes
    assert (first.kind, first.size, first.approved, first.reason) == (
        "create",
        6,
        True,
        "proposal 1 is told apart",
    )
    assert (twin.kind, twin.approved) == ("create", False)
    assert twin.reason == "'Wasp' stands under this node already; use it, or name what is different"
    assert [(each.kind, each.size, each.approved) for each in (few, one)] == [
        ("ignore", 2, None),
        ("ignore", 1, None),
    ]


def test_without_a_language_model_the_items_vote(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL)
    build = workspace.build_vocabulary(things)
    taggings = workspace.assign_vocabulary(things)
    assert all(tagging.path and not tagging.error for tagging in taggings)
    vocabulary = read_vocabulary(workspace)
    kinds = {each.text.split()[0] for each in things}
    for descriptor in vocabulary.children[vocabulary.root]:
        held = {
            item.text.split()[0]
            for item, tagging in zip(things, taggings, strict=True)
            if descriptor.id in tagging.path
        }
        assert len(held) == 1
        kinds -= held
    assert kinds == set()
    assert workspace.decisions.totals(build.run).prompt_tokens == 0


def test_the_same_build_again_asks_nothing_and_changes_nothing(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server, **SMALL)
    first = workspace.build_vocabulary(things)
    version, asked = workspace.index.version(), server.stats()["requests"]
    again = workspace.build_vocabulary(things)
    assert again == replace(first, again=True)
    assert (workspace.index.version(), server.stats()["requests"]) == (version, asked)


def test_other_settings_build_another(open_workspace: Open, things: list[Item]) -> None:
    runs = [open_workspace(**SMALL).build_vocabulary(things).run]
    for changed in ({"depth": 1}, {"depth": 1, "categories": 3}, {"depth": 1, "seed": 5}):
        workspace = open_workspace(**{**SMALL, **changed})
        build = workspace.build_vocabulary(things)
        assert not build.again
        assert workspace.index.tree_settings() == {"run": build.run}
        assert read_vocabulary(workspace).depth == 1
        runs.append(build.run)
    assert len(set(runs)) == 4


def test_undo_brings_back_what_was_before_with_its_taggings(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL, depth=1)
    workspace.build_vocabulary(things)
    workspace.assign_vocabulary(things)
    before, version = read_vocabulary(workspace), workspace.index.version()
    deeper = open_workspace(**SMALL)
    deeper.build_vocabulary(things)
    assert read_vocabulary(deeper).taggings == []
    deeper.assign_vocabulary(things[:5])
    assert len(read_vocabulary(deeper).taggings) == 5
    found = diff(deeper.index.snapshot(version), deeper.index.snapshot())
    assert (found.replaced, found.removed) == (True, ())
    assert len(found.inserted) == len(read_vocabulary(deeper).descriptors) - len(before.descriptors)
    deeper.index.undo_change(deeper.index.events.changes(1)[0].id)
    assert read_vocabulary(deeper) == before
    assert read_history(deeper)[0].refined.rounds[0].items == 60
    deeper.index.undo_change(deeper.index.events.changes()[-1].id)
    with pytest.raises(InputError, match="has no vocabulary yet"):
        read_vocabulary(deeper)


def test_the_log_has_a_build_as_one_change_with_an_event_a_level_and_round(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server, **SMALL)
    workspace.build_vocabulary(things)
    (change,) = workspace.index.events.changes()
    assert change.note == "vocabulary build: 60 items"
    assert dict(change.operations) == {"load_tree": 1, "create_nodes": 4}


def test_a_vocabulary_that_was_undone_is_built_again_without_a_question(
    open_workspace: Open, server: Any, things: list[Item]
) -> None:
    workspace = open_workspace(server, **SMALL)
    first = workspace.build_vocabulary(things)
    shape, asked = drawn(read_vocabulary(workspace)), server.stats()["requests"]
    workspace.index.undo_change(workspace.index.events.changes()[0].id)
    again = workspace.build_vocabulary(things)
    assert (again.run, again.again) == (first.run, False)
    assert (drawn(read_vocabulary(workspace)), server.stats()["requests"]) == (shape, asked)
    assert read_history(workspace)[0].nodes == tuple(
        each.id for each in read_vocabulary(workspace).children[workspace.index.root()]
    )


def test_a_sample_is_drawn_once_and_for_all(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL)
    build = workspace.build_vocabulary(things, sample=30)
    assert build.items == 30
    assert sum(map(len, read_history(workspace)[0].refined.members)) <= 30
    assert workspace.build_vocabulary(things, sample=30) == replace(build, again=True)
    assert len(workspace.assign_vocabulary(things)) == 60
    assert workspace.build_vocabulary(things, sample=60).items == 60
    assert workspace.build_vocabulary(things, sample=10_000).again


def test_an_item_goes_on_with_all_that_fits_at_branching_0(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL, branching=0, threshold=-1, fits=3, depth=2)
    workspace.build_vocabulary(things)
    members = read_history(workspace)[0].refined.members
    assert sum(map(len, members)) > 60
    taggings = workspace.assign_vocabulary(things, every=True)
    assert all(len(tagging.path) >= 1 for tagging in taggings)


@pytest.mark.parametrize("count", [1, 3])
def test_very_few_items(open_workspace: Open, server: Any, count: int) -> None:
    given = items("a red fox", "an old oak", "a blue whale")[:count]
    for workspace in (open_workspace(folder="plain"), open_workspace(server, folder="server")):
        build = workspace.build_vocabulary(given)
        taggings = workspace.assign_vocabulary(given)
        vocabulary = read_vocabulary(workspace)
        assert build.descriptors == len(vocabulary.descriptors)
        assert [tagging.item_id for tagging in taggings] == [each.id for each in given]
        assert not any(tagging.error for tagging in taggings)
        if count == 1:
            assert (build.groups, vocabulary.descriptors) == (0, [])
            assert workspace.build_vocabulary(given).again


def test_items_that_are_all_the_same(open_workspace: Open, server: Any) -> None:
    given = items(*["the same thing"] * 40)
    for workspace in (open_workspace(folder="plain"), open_workspace(server, folder="server")):
        build = workspace.build_vocabulary(given)
        taggings = workspace.assign_vocabulary(given)
        assert len({tagging.path for tagging in taggings}) == 1
        assert build.descriptors == len(read_vocabulary(workspace).descriptors)


def test_items_without_a_text_are_left_out(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL)
    given = [*things, Item(ItemId("none"), ""), Item(ItemId("blank"), " \t\n")]
    assert workspace.build_vocabulary(given).items == 60
    taggings = workspace.assign_vocabulary(given)
    assert taggings[-2:] == [Tagging(ItemId(id_), error="the text is empty") for id_ in ("none", "blank")]
    assert workspace.build_vocabulary(things).again


@pytest.mark.parametrize("given", [[], [""], ["", "  ", "\n"]])
def test_only_items_without_a_text(open_workspace: Open, given: list[str]) -> None:
    workspace = open_workspace()
    with pytest.raises(InputError) as caught:
        workspace.build_vocabulary(items(*given))
    assert str(caught.value) == "none of the items has a text; a vocabulary is built from texts"
    assert workspace.runs.list() == []


def test_five_languages_and_odd_characters(open_workspace: Open, server: Any) -> None:
    words = ["noten Stift", "crayon gris", "赤い ペン", "красная ручка", "قلم أحمر"]
    ids = ["a b", "ü/ö?", "'; DROP TABLE items; --", "[red]x[/red]", "{{ x }}"]
    given = [Item(ItemId(f"{ids[n % 5]}{n}"), f"{words[n % 5]} [b]{n % 4}[/b]") for n in range(40)]
    for workspace in (
        open_workspace(folder="plain", **SMALL),
        open_workspace(server, folder="server", **SMALL),
    ):
        workspace.build_vocabulary(given)
        taggings = workspace.assign_vocabulary(given)
        assert [tagging.item_id for tagging in taggings] == [each.id for each in given]
        assert all(tagging.path for tagging in taggings)
        assert read_vocabulary(workspace).taggings == taggings


def test_a_workspace_with_labels_is_refused(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace()
    workspace.index.add_labels([Label(LabelId("a"), "A")])
    with pytest.raises(InputError) as caught:
        workspace.build_vocabulary(things)
    assert str(caught.value) == (
        f"{str(workspace.folder)!r} has 1 label; build a vocabulary in a separate workspace: taxonaut init DIR"
    )


def test_two_items_with_one_id_are_refused(open_workspace: Open, things: list[Item]) -> None:
    workspace = open_workspace(**SMALL)
    twice = [*things, replace(things[0], text="something else")]
    with pytest.raises(InputError) as caught:
        workspace.build_vocabulary(twice)
    assert str(caught.value) == "two items have the id 'i0'; give each item a unique id"
    assert workspace.build_vocabulary([*things, things[0]]).items == 60


def test_a_server_that_goes_away_leaves_what_was_answered(
    open_workspace: Open, start_server: Any, things: list[Item]
) -> None:
    first = start_server(delay=0.005)
    workspace = open_workspace(first, **SMALL)

    def gone(update: Update) -> None:
        is_late = isinstance(update, Progress) and update.stage == "building" and update.done >= 3
        if is_late and first.process.poll() is None:
            first.close()

    with pytest.raises(ModelUnavailableError):
        workspace.build_vocabulary(things, on_update=gone)
    (run,) = workspace.runs.list("vocabulary")
    assert run.status == "failed"
    assert run.units >= 1
    with pytest.raises(InputError, match="has no vocabulary yet"):
        read_vocabulary(workspace)
