"""Reading user histories, and finding held-out events among the training ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxonaut.recommend.interactions import Interactions, Query, read_interactions
from taxonaut.recommend.leakage import (
    Timeline,
    before_held_out,
    count_easy_lines,
    describe_leakage,
    timeline,
    without_leakage,
)
from taxonaut.state.errors import InputError


def write(folder: Path, **files: list[Any]) -> Path:
    """Write each file's objects, a line each."""
    for name, lines in files.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def small(train: dict[str, tuple[int, ...]]) -> Interactions:
    """Two users: u asked for 3 (valid), then 4 (test), after 1 2; v asked for 0 (test) after 5."""
    return Interactions(
        tuple("abcdef"),
        train,
        (Query("u", (1, 2), 3),),
        (Query("u", (1, 2, 3), 4), Query("v", (5,), 0)),
    )


def test_files_are_read_interactions(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        items=[{"id": 7, "text": "a"}, {"id": 9, "text": "b"}],
        train_reconstructed=[{"user": "u", "history": [7, 9, 7]}],
        valid=[{"user": "u", "history": [7], "target": 9}],
        test=[{"user": "w", "history": [9], "target": 9}],
    )
    data = read_interactions(folder)
    assert data == Interactions(("7", "9"), {"u": (0, 1, 0)}, (Query("u", (0,), 1),), (Query("w", (1,), 1),))
    assert data.longest == 3


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no '{folder}/items.jsonl'; --data DIR names a folder with items.jsonl, train.jsonl, "),
        ({"items": [{"id": 1}, {"id": 1}]}, "an id stands there twice"),
        (
            {"items": [{"id": 1}], "train": [{"user": "u"}]},
            'train.jsonl:1: \'{{"user": "u"}}\\n\' is no object',
        ),
        (
            {"items": [{"id": 1}], "train": [{"user": "u", "history": [1, 2]}]},
            "train.jsonl:1: item 2 is not in items.jsonl",
        ),
        (
            {"items": [{"id": 1}], "train": [{"user": "u", "history": []}]},
            "train.jsonl:1: [] is no list of item ids with at least one",
        ),
        (
            {"items": [{"id": 1}], "train": [{"user": "u", "history": [1]}] * 2},
            "train.jsonl:2: user 'u' has a training sequence already",
        ),
        (
            {"items": [{"id": 1}], "train": [{"user": "u", "history": [1]}], "valid": [], "test": []},
            "valid.jsonl' has no line; training, choosing and measuring each need some",
        ),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, files: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(InputError) as raised:
        read_interactions(write(tmp_path, **files))
    assert message.format(folder=tmp_path) in str(raised.value)


def test_lines_are_chained_into_a_timeline() -> None:
    chained = [Query("u", (1, 2), 3), Query("u", (2, 3), 4), Query("u", (9, 4), 5)]
    assert timeline(chained[:2]) == Timeline((1, 2, 3, 4), 2, 0)
    assert timeline(chained) == Timeline((1, 2, 3, 4, 9, 4, 5), 2, 1)


@pytest.mark.parametrize(
    ("sequence", "kept"),
    [
        ((1, 2), 2),
        ((2,), 1),
        ((0, 1, 2), 3),
        ((1,), 1),
        ((9, 1), None),
        ((1, 2, 3), 2),
        ((2, 3, 4), 1),
        ((3, 4), 0),
        ((4, 1), None),
        ((1, 3), None),
    ],
)
def test_a_training_sequence_is_kept_up_to_the_first_held_out_target(
    sequence: tuple[int, ...], kept: int | None
) -> None:
    assert before_held_out(sequence, Timeline((1, 2, 3, 4), 2, 0)) == kept


@given(st.lists(st.integers(0, 9), min_size=2, max_size=8, unique=True), st.data())
def test_what_is_kept_came_before_the_first_target(events: list[int], draw: st.DataObject) -> None:
    first = draw.draw(st.integers(1, len(events) - 1))
    start = draw.draw(st.integers(0, len(events) - 1))
    end = draw.draw(st.integers(start + 1, len(events)))
    kept = before_held_out(events[start:end], Timeline(tuple(events), first, 0))
    assert kept == max(0, min(end, first) - start)


def test_leakage_is_cut_off_and_describe_leakage() -> None:
    data, found = without_leakage(small({"u": (1, 2, 3), "v": (2, 5, 1), "w": (4, 5)}))
    assert data.train == {"u": (1, 2), "w": (4, 5)}
    assert list(describe_leakage(data, found)) == [
        "Training: 2 sequences, 2 transitions, 4 of 6 items.",
        "Held-out events in training sequences: 1, in 1 sequences; they were cut off.",
        "Training sequences that fit their user's held-out lines nowhere: 1; they were left out.",
        "Held-out lines that do not go on where the same user's line before stopped: 0.",
    ]


def test_clean_data_stays_as_it_is() -> None:
    clean = small({"u": (1, 2), "v": (5,), "w": (3, 5, 0)})
    data, found = without_leakage(clean)
    assert (data, found.events, found.sequences, found.unplaced, found.broken) == (clean, 0, 0, 0, 0)


def test_what_makes_lines_easy_is_counted() -> None:
    assert count_easy_lines(small({"u": (1, 2), "w": (3, 5, 0)})) == [
        ("lines", "1", "2"),
        ("users", "1", "2"),
        ("lines of users that the other part has too", "100.0 %", "50.0 %"),
        ("lines of users without a training sequence", "0.0 %", "50.0 %"),
        ("history holds an item the same user is asked for in the other part", "0.0 %", "50.0 %"),
        ("the same history and target are in the other part", "0.0 %", "0.0 %"),
        ("the same history and target are in training", "0.0 %", "0.0 %"),
        ("target follows the last item in training", "0.0 %", "50.0 %"),
        ("target is in the history", "0.0 %", "0.0 %"),
        ("target is the last item again", "0.0 %", "0.0 %"),
        ("target is not in training", "0.0 %", "50.0 %"),
        ("last item is not in training", "0.0 %", "0.0 %"),
        ("history as long as the longest", "0.0 %", "50.0 %"),
    ]
