"""Learning in rounds: what the gate measures and refuses, versions, and what a killed run leaves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import packaged_embedder

from taxonaut import InputError, Item, ItemRow, Workspace
from taxonaut.models.adapt.adapter import STAGE as ADAPTING
from taxonaut.state.errors import WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Label, Tree, TreeNode
from taxonaut.state.updates import Progress, Update

COUNT = 24


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Workspace]:
    """24 labels called by one word in two nodes; what people write of them shares no word with the names."""
    with Workspace.init(tmp_path / "told", embedder=packaged_embedder()) as workspace:
        ids = [LabelId(f"l{at}") for at in range(COUNT)]
        workspace.index.add_labels([Label(id_, f"name{at}") for at, id_ in enumerate(ids)])
        nodes = (TreeNode(1, "First"), TreeNode(2, "Second"))
        places = tuple((1 + at % 2, id_) for at, id_ in enumerate(ids))
        workspace.index.load_tree(Tree("drawn", nodes, ((0, 1), (0, 2)), places))
        yield workspace


def rows_of(count: int = 6, labels: int = COUNT) -> list[ItemRow]:
    """Items of each label: two words of its own, and one of the item's."""
    return [
        ItemRow(
            Item(ItemId(f"i{label}-{at}"), f"slang{label} jargon{label} extra{label}x{at}"),
            (LabelId(f"l{label}"),),
        )
        for label in range(labels)
        for at in range(count)
    ]


def test_what_was_learned_is_measured_adopted_used_and_undone(told: Workspace) -> None:
    done = told.learn(rows_of(), adopt="auto", rounds=1)
    parts = done.card.measures["parts"]
    assert (done.version, done.passed, done.adopted) == (1, True, True)
    assert list(parts) == ["seen labels", "unseen labels", "unseen labels among all"]
    assert parts["seen labels"]["P@1"]["after"][0] > 0.9 > parts["seen labels"]["P@1"]["before"][0]
    assert told.classify(["slang3 jargon3"])[0].labels[0].label_id == "l3"
    assert (told.learned.in_use, len(told.learned.log())) == (1, 1)
    told.learned.undo()
    assert told.learned.in_use == 0
    assert told.classify(["slang3 jargon3"])[0].labels[0].label_id != "l3"
    told.learned.adopt(1)
    assert told.classify(["slang3 jargon3"])[0].labels[0].label_id == "l3"
    with pytest.raises(InputError, match="version 1 is in use already"):
        told.learned.adopt(1)


def test_nothing_is_adopted_unasked_and_an_equal_call_repeats_nothing(told: Workspace) -> None:
    done = told.learn(rows_of(3), rounds=1, learners=["exemplars"])
    assert (done.version, done.adopted, told.learned.in_use) == (1, False, 0)
    again = told.learn(rows_of(3), rounds=1, learners=["exemplars"])
    assert (again.version, again.known, len(told.learned.cards())) == (1, True, 1)


def test_a_killed_run_continues_with_the_round_that_it_stopped_in(told: Workspace) -> None:
    begun: list[Update] = []

    def stop_in_the_second_round(update: Update) -> None:
        if isinstance(update, Progress) and (update.stage, update.done) == (ADAPTING, 0):
            begun.append(update)
            if len(begun) == 2:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        told.learn(rows_of(3), rounds=2, learners=["adapter"], on_update=stop_in_the_second_round)
    assert told.learned.cards() == []
    done = told.learn(rows_of(3), rounds=2, learners=["adapter"], on_update=stop_in_the_second_round)
    assert [each.number for each in done.rounds] == [1, 2]
    assert len(begun) == 4, "the second round again, and the whole; not the first"
    assert [path.name for path in (told.folder / "learned").iterdir()] == ["1"]


def test_one_item_labels_all_alike_and_labels_outside_the_index_are_refused(told: Workspace) -> None:
    with pytest.raises(InputError, match="0 labelled items are too few"):
        told.learn()
    with pytest.raises(InputError, match="1 labelled item is too few"):
        told.learn(rows_of(1, 1))
    with pytest.raises(InputError, match="all 3 labelled items have the label 'l0'"):
        told.learn(rows_of(3, 1))
    with pytest.raises(InputError, match="too few to learn from"):
        told.learn([ItemRow(Item(ItemId("x"), "a"), (LabelId("elsewhere"),))])
    with pytest.raises(InputError, match="there is no learner 'magic'; there are"):
        told.learn(rows_of(2), learners=["magic"])
    with pytest.raises(InputError, match=r"invalid \[learning\] settings: rounds"):
        told.learn(rows_of(2), rounds=0)


def test_contradictions_are_left_out_and_told(told: Workspace) -> None:
    rows = rows_of(2)
    rows.append(ItemRow(rows[0].item, (LabelId("l1"),)))
    done = told.learn(rows, rounds=1, learners=["exemplars"])
    assert any("1 item with contradicting labels" in note for note in done.notes)


def test_a_repeated_item_counts_once(told: Workspace) -> None:
    poison = [
        ItemRow(Item(ItemId(f"p{at}"), "slang3 jargon3 extra3x1"), (LabelId("l9"),)) for at in range(1_000)
    ]
    rows = [row for row in rows_of(4) if row.item.id != "i3-1"]
    done = told.learn([*rows, *poison], adopt="auto", rounds=1, learners=["exemplars"])
    assert any("999 items repeat" in note for note in done.notes)
    assert told.classify(["slang3 jargon3"])[0].labels[0].label_id != "l9"


def test_what_makes_answers_worse_is_not_adopted(told: Workspace) -> None:
    good = [
        ItemRow(Item(ItemId(f"g{at}"), f"name{at} plain{at}"), (LabelId(f"l{at}"),)) for at in range(COUNT)
    ]
    shuffled = [
        ItemRow(
            Item(ItemId(f"b{at}-{copy}"), f"name{at} word{copy}"), (LabelId(f"l{(at + 1 + copy) % COUNT}"),)
        )
        for at in range(COUNT)
        for copy in range(8)
    ]
    done = told.learn([*good, *shuffled], adopt="auto", rounds=1, learners=["adapter"])
    assert done.adopted == done.passed
    assert told.learned.in_use == (1 if done.passed else 0)


def test_labels_may_change_and_the_embedder_may_go(told: Workspace) -> None:
    told.learn(rows_of(4), adopt="auto", rounds=1)
    told.index.add_labels([Label(LabelId("new"), "brand")])
    told.merge_labels("l3", ["l4"])
    told.rename_label("l5", new_id="five")
    told.retire_labels(["l6"])
    found = told.classify(["slang4 jargon4", "slang5 jargon5", "brand"])
    assert [each.labels[0].label_id for each in found] == ["l3", "five", "new"]
    folder = told.folder
    told.close()
    other = packaged_embedder()
    other.name = "another"
    with Workspace.open(folder, embedder=other) as later:
        with pytest.raises(WorkspaceError, match="taxonaut learn undo"):
            later.classify(["slang4"])
        assert later.learned.in_use == 1
        later.learned.undo()
        later.classify(["slang4"])


def test_the_next_version_is_compared_with_the_gates_fit_of_the_one_in_use(told: Workspace) -> None:
    told.learn(rows_of(3), adopt="auto", rounds=1, learners=["exemplars"])
    done = told.learn(rows_of(6), rounds=1, learners=["exemplars"])
    assert done.card.measures["compared_with"] == 1
    assert done.card.parent == 1
    found = told.learned.compare(0, 1, rows_of(6))
    assert found.change["P@1"].low > 0
    assert told.learned.learned_from(1, rows_of(6)) == 3 * COUNT
