"""The review queue: nobody gets doubles, undo and stop and continue work, and a kill loses nothing."""

from pathlib import Path

import pytest

from taxonaut.state.errors import InputError, NotFoundError, WorkspaceError
from taxonaut.state.ids import ItemId, LabelId
from taxonaut.state.records import Item
from taxonaut.workspace.review.review_queue import ReviewDecision, ReviewQueue
from taxonaut.workspace.review.suspects import Suggestion, Suspect

KEEP = ReviewDecision("keep")


def suspect(name: str, given: str = "a", text: str = "") -> Suspect:
    suggestion = Suggestion(LabelId("b"), ("B",), 0.9)
    item = Item(ItemId(name), text or f"text of {name}")
    return Suspect(item, (LabelId(given),), (("A",),), (suggestion,), 0.8, ("why",), {"doubted": given})


def queue(folder: Path, person: str = "anna", session: str = "here:0") -> ReviewQueue:
    return ReviewQueue(folder, person, session=session, clock=lambda: 1000.0)


def given_to(who: ReviewQueue) -> str | None:
    found = who.next()
    return None if found is None else found.suspect.item.id


def test_two_people_get_no_doubles_and_an_item_is_kept_for_who_stopped(tmp_path: Path) -> None:
    anna, ben = queue(tmp_path), queue(tmp_path, "ben", "there:1")
    assert anna.put("errors", [suspect(name) for name in "pqr"]) == 3
    assert [given_to(anna), given_to(anna), given_to(ben)] == ["p", "p", "q"]
    anna.answer(anna.items()[0].key, KEEP)
    assert given_to(anna) == "r"
    again = queue(tmp_path)
    assert given_to(again) == "r"
    assert given_to(ben) == "q"
    later = ReviewQueue(tmp_path, "ben", session="there:1", clock=lambda: 1000.0 + 3600)
    later.answer(later.items()[1].key, KEEP)
    assert given_to(later) == "r"


def test_skipped_items_come_last_and_undo_gives_the_latest_item_again(tmp_path: Path) -> None:
    anna = queue(tmp_path)
    anna.put("errors", [suspect(name) for name in "pq"])
    first = anna.next()
    assert first is not None
    anna.answer(first.key, ReviewDecision("skip"))
    assert given_to(anna) == "q"
    second = anna.next()
    assert second is not None
    anna.answer(second.key, ReviewDecision("label", (LabelId("b"),)))
    assert given_to(anna) == "p"
    assert anna.progress().skipped == 1
    undone = anna.undo()
    assert undone is not None
    assert undone.suspect.item.id == "q"
    assert anna.answers() == {}
    assert [(each.decision.kind, each.item.suspect.item.id) for each in anna.unsent()] == [
        ("label", "q"),
        ("skip", "q"),
    ]
    assert anna.undo() is None


def test_a_correction_of_a_correction_is_undone_to_the_first(tmp_path: Path) -> None:
    anna = queue(tmp_path)
    anna.put("errors", [suspect("p")])
    key = anna.items()[0].key
    anna.answer(key, ReviewDecision("label", (LabelId("b"),)))
    anna.answer(key, ReviewDecision("label", (LabelId("c"),)))
    assert [each.decision.labels for each in anna.answers()[key]] == [("c",)]
    anna.undo()
    assert [each.decision.labels for each in anna.answers()[key]] == [("b",)]
    assert [each.decision.labels for each in anna.unsent()] == [("b",), ("c",), ("b",)]
    anna.mark_sent(2)
    assert [each.decision.labels for each in queue(tmp_path).unsent()] == [("b",)]


def test_half_a_line_of_a_killed_process_is_none(tmp_path: Path) -> None:
    anna = queue(tmp_path)
    anna.put("errors", [suspect(name) for name in "pq"])
    anna.answer(anna.items()[0].key, KEEP)
    whole = anna.path.read_bytes()
    for cut in range(1, 40, 7):
        anna.path.write_bytes(whole + b'{"kind": "answer", "key": "p", "person": "an'[:cut])
        again = queue(tmp_path)
        assert given_to(again) == "q"
        again.answer(again.items()[1].key, KEEP)
        assert (given_to(again), again.progress().answered) == (None, 2)
        assert queue(tmp_path).progress().answered == 2


def test_a_list_made_anew_takes_the_place_of_what_is_open(tmp_path: Path) -> None:
    anna = queue(tmp_path)
    anna.put("errors", [suspect(name) for name in "pqr"])
    anna.put("next", [suspect("n")])
    anna.answer(anna.items()[0].key, ReviewDecision("label", (LabelId("b"),)))
    assert anna.put("errors", [suspect("p", "b"), suspect("q"), suspect("s")]) == 2
    assert [each.suspect.item.id for each in anna.items()] == ["p", "n", "q", "s"]
    assert anna.put("errors", [suspect("p", "c")]) == 1
    assert [each.suspect.item.id for each in anna.items()] == ["n", "p"]
    assert anna.undo() is None
    with pytest.raises(NotFoundError, match="not in the review queue any more"):
        anna.answer("gone", KEEP)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the name of the reviewer is ' '; give one with --person NAME"):
        queue(tmp_path, " ")
    anna = queue(tmp_path)
    assert (given_to(anna), anna.undo()) == (None, None)
    anna.put("errors", [suspect("p")])
    with pytest.raises(InputError, match=r"a decision of kind 'label' with the labels \[\]"):
        anna.answer(anna.items()[0].key, ReviewDecision("label"))
    with anna.path.open("a", encoding="utf-8") as file:
        file.write('{"kind": "of tomorrow"}\n')
    with pytest.raises(WorkspaceError, match="has an unreadable line"):
        queue(tmp_path).next()
