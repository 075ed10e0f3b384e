"""Users' events as people have them."""

import io
import json
from pathlib import Path

import pytest

from taxonaut.recommend import (
    Event,
    HistoryColumns,
    Query,
    read_histories,
    split_histories,
    write_inter,
    write_sequences,
)
from taxonaut.state.errors import InputError
from taxonaut.workspace.files.parquet import jsonl_to_parquet

EVENTS = [("u", "p2", 20), ("v", "p1", 5), ("u", "p1", 10)]
SORTED = {"u": (Event("p1", 10.0), Event("p2", 20.0)), "v": (Event("p1", 5.0),)}


def file_of(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("name", "head", "line"),
    [
        ("events.csv", "user_id,product_id,timestamp\n", "{},{},{}\n"),
        ("events.tsv", "reviewerID\tasin\tunixReviewTime\n", "{}\t{}\t{}\n"),
        ("events.inter", "user_id:token\titem_id:token\ttimestamp:float\n", "{}\t{}\t{}\n"),
        ("events.jsonl", "", '{{"user": "{}", "item": "{}", "time": {}}}\n'),
        ("events.csv", "Customer Id,SKU,Date\n", "{},{},1970-01-01T00:00:{:02d}Z\n"),
    ],
)
def test_files_of_events(tmp_path: Path, name: str, head: str, line: str) -> None:
    file = file_of(tmp_path, name, head + "".join(line.format(*event) for event in EVENTS))
    found = read_histories(file, {"p1", "p2"})
    assert (dict(found.users), found.rows, found.events, found.notes()) == (SORTED, 3, 3, [])


def test_parquet_with_times(tmp_path: Path) -> None:
    lines = file_of(
        tmp_path,
        "rows.jsonl",
        "".join(
            json.dumps({"userId": user, "movieId": item, "t": f"1970-01-01 00:00:{time}"}) + "\n"
            for user, item, time in [(1, 7, "02"), (1, 8, "01")]
        ),
    )
    jsonl_to_parquet(
        lines, tmp_path / "e.parquet", {"userId": "BIGINT", "movieId": "BIGINT", "t": "TIMESTAMP"}
    )
    found = read_histories(tmp_path / "e.parquet", columns=HistoryColumns(time="t"))
    assert dict(found.users) == {"1": (Event("8", 1.0), Event("7", 2.0))}


def test_a_history_a_line(tmp_path: Path) -> None:
    file = file_of(
        tmp_path,
        "h.jsonl",
        '{"user": "u", "history": [7, "9", 7]}\n{"user": "v", "history": []}\n{"user": "w", "history": [9]}\n',
    )
    found = read_histories(file)
    assert [(user, [event.item for event in events]) for user, events in found.users.items()] == [
        ("u", ["7", "9", "7"]),
        ("w", ["9"]),
    ]
    assert found.notes() == [
        "the file has no times: its order counts, and an event's time is its place in the file"
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.csv", 'user,history\nu,"[7, ""9""]"\n'),
        ("h.inter", "user_id:token\titem_id_list:token_seq\nu\t7 9\n"),
        ("h.json", '[{"user": "u", "items": [7, 9], "time": [1, 2]}]'),
    ],
)
def test_a_list_in_a_cell(tmp_path: Path, name: str, text: str) -> None:
    found = read_histories(file_of(tmp_path, name, text))
    assert dict(found.users) == {"u": (Event("7", 1.0), Event("9", 2.0))}


def test_unknown_items_are_counted_and_left_out_kept_or_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, "e.csv", "user,item,time\nu,p1,1\nu,x,2\nu,x,3\nv,y,4\n")
    dropped = read_histories(file, {"p1"})
    assert (dropped.unknown, list(dropped.users), dropped.events) == ({"x": 2, "y": 1}, ["u"], 1)
    assert dropped.notes() == ["3 of 4 events name unknown items (2 different: 'x', 'y'); they are left out"]
    kept = read_histories(file, {"p1"}, unknown="keep")
    assert (kept.events, kept.notes()[0][-13:]) == (4, "they are kept")
    with pytest.raises(
        InputError,
        match=r"3 of 4 events name unknown items [(]2 different, such as 'x'",
    ):
        read_histories(file, {"p1"}, unknown="refuse")
    with pytest.raises(
        InputError, match="known are items such as 'q', the events name such as 'p1', 'x', 'y'"
    ):
        read_histories(file, ["q"])


def test_equal_events_count_once_but_not_without_times(tmp_path: Path) -> None:
    timed = read_histories(file_of(tmp_path, "e.csv", "user,item,time\nu,p,1\nu,p,1\nu,p,2\n"))
    assert (timed.events, timed.duplicates) == (2, 1)
    assert timed.notes() == ["events that say the same as another, time included, are left out: 1"]
    untimed = read_histories(file_of(tmp_path, "e.csv", "user,item\nu,p\nu,p\n"))
    assert (untimed.events, untimed.duplicates, untimed.timed) == (2, 0, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user,thing\nu,p\n", "there is no column 'item'; the columns are 'user', 'thing'.*--item-column"),
        ("user,item,time\nu,p,soon\n", "line 2: 'time' is 'soon', not a time; give a number or an ISO date"),
        ("user,item,time\nu,p,\n", "line 2: 'time' is '', not a time"),
        ("user,item,time\nu,p,inf\n", "line 2: 'time' is 'inf', not a time"),
        ("user,item\n,p\n", "line 2: 'user' is empty; every event needs a user and an item"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_histories(file_of(tmp_path, "e.csv", text))


def test_an_empty_item_in_a_list(tmp_path: Path) -> None:
    file = file_of(tmp_path, "h.jsonl", '{"user": "u", "history": ["a", null]}\n')
    with pytest.raises(InputError, match=r"h\.jsonl, line 1: item 2 of 'history' is empty; leave it out"):
        read_histories(file)


def test_no_such_choice(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="unknown items: 'ask' is no choice; it can be one of drop, keep, refuse"
    ):
        read_histories(tmp_path / "e.csv", unknown="ask")  # type: ignore[arg-type]


def test_recbole_reads_what_is_written(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    ids = ['q"uote', "a b", "tab\there", "é", "长"]
    file = file_of(
        tmp_path,
        "e.jsonl",
        "".join(json.dumps({"user": id_, "item": id_, "time": 1.5}) + "\n" for id_ in ids),
    )
    histories = read_histories(file)
    raw = io.BytesIO()
    assert write_inter(histories, raw) == 0
    table = pandas.read_csv(
        io.BytesIO(raw.getvalue()),
        delimiter="\t",
        dtype={"user_id:token": str, "item_id:token": str, "timestamp:float": float},
        encoding="utf-8",
        engine="python",
    )
    assert list(table.columns) == ["user_id:token", "item_id:token", "timestamp:float"]
    assert table.values.tolist() == [[id_, id_, 1.5] for id_ in ids]
    (tmp_path / "again.inter").write_bytes(raw.getvalue())
    assert read_histories(tmp_path / "again.inter").users == histories.users
    raw = io.BytesIO()
    write_sequences(histories, raw)
    assert json.loads(raw.getvalue().splitlines()[1]) == {"user": "a b", "history": ["a b"]}


def test_ids_that_pandas_takes_for_missing_are_counted(tmp_path: Path) -> None:
    file = file_of(tmp_path, "e.csv", "user,item\nNA,p\nu,NULL\nu,p\n")
    assert write_inter(read_histories(file), io.BytesIO()) == 2


def test_the_last_items_are_held_out(tmp_path: Path) -> None:
    lines = ["user,item", *(f"u,{item}" for item in "abcd"), "v,a", "v,b", "w,c"]
    data = split_histories(read_histories(file_of(tmp_path, "e.csv", "\n".join(lines) + "\n")), "abcd")
    assert data.train == {"u": (0, 1), "v": (0,), "w": (2,)}
    assert data.valid == (Query("u", (0, 1), 2),)
    assert data.test == (Query("u", (0, 1, 2), 3), Query("v", (0,), 1))
    short = read_histories(file_of(tmp_path, "e.csv", "user,item\nu,a\nu,b\n"))
    with pytest.raises(InputError, match="no user of 1 has three events"):
        split_histories(short, "ab")
    with pytest.raises(InputError, match="user 'u' had 'b', which is not among the items"):
        split_histories(short, "a")
