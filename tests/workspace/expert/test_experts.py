"""Trained experts on disk: kept whole or not at all, read back, and what a damaged folder says."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taxonaut import Workspace
from taxonaut.state.errors import DiskError, InputError, NotFoundError, WorkspaceError
from taxonaut.state.records import Item
from taxonaut.workspace.expert.experts import ExpertCard, Experts
from taxonaut.workspace.expert.training_data import Example

CARD = ExpertCard("head", {"products": 3}, {"epochs": 2}, {"accuracy": 0.5})
EXAMPLES = [
    Example(Item("p1", "line one\nline two"), ("boots",), 3.0),
    Example(Item("p2", "“tea” \ud800"), ("tea", "boots")),
    Example(Item("p3", "X200\nkettle", (("title", "X200"), ("about", "kettle"))), ("tea",)),
]
READ = [EXAMPLES[0], Example(Item("p2", "“tea” ?"), ("tea", "boots")), EXAMPLES[2]]


@pytest.fixture
def experts(tmp_path: Path) -> Iterator[Experts]:
    with Workspace.init(tmp_path / "w") as workspace:
        yield workspace.experts


def write(folder: Path) -> None:
    (folder / "head.npz").write_bytes(b"weights")


def test_no_expert_yet(experts: Experts) -> None:
    assert experts.cards() == []
    with pytest.raises(NotFoundError) as refused:
        experts.card()
    there = str(experts.workspace.folder)
    assert str(refused.value) == f"no expert was trained in {there!r} yet: taxonaut expert train ITEMS"


def test_saved_experts_are_numbered_and_read_back(experts: Experts) -> None:
    first, second = experts.save(CARD, write, EXAMPLES), experts.save(CARD, write)
    assert (first.number, second.number, first.name) == (1, 2, "expert/1")
    assert first.made.endswith("+00:00")
    assert experts.cards() == [first, second]
    assert (experts.card(), experts.card(1)) == (second, first)
    assert sorted(each.name for each in experts.path(1).iterdir()) == [
        "card.json",
        "examples.jsonl",
        "head.npz",
    ]
    assert experts.examples(1) == {"boots": READ[:2], "tea": READ[1:]}
    assert experts.examples() == {}
    with pytest.raises(NotFoundError, match=r"^there is no expert 7; there are: 1, 2$"):
        experts.card(7)


def test_deleting_the_folder_or_removing_it_is_the_same(experts: Experts) -> None:
    for _ in range(3):
        experts.save(CARD, write)
    experts.remove(2)
    assert experts.numbers() == [1, 3]
    assert experts.save(CARD, write).number == 4
    with pytest.raises(NotFoundError, match="there is no expert 2"):
        experts.remove(2)


def test_a_failed_writing_leaves_nothing(experts: Experts) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise ZeroDivisionError

    def fill(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ZeroDivisionError):
        experts.save(CARD, fail)
    with pytest.raises(DiskError, match="No space left on device; free disk space or change the permissions"):
        experts.save(CARD, fill)
    assert list(experts.folder.iterdir()) == []


def test_a_folder_that_cannot_be_written(experts: Experts) -> None:
    experts.folder.write_text("a file")
    with pytest.raises(DiskError, match=r"^cannot write to '.*experts': "):
        experts.save(CARD, write)


def test_a_killed_writing_leaves_nothing_half_made_and_is_cleared(experts: Experts) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom types import SimpleNamespace\n"
        "from taxonaut.workspace.expert.experts import ExpertCard, Experts\n"
        "experts = Experts(SimpleNamespace(folder=Path(sys.argv[1])))\n"
        "experts.save(ExpertCard('head'), lambda folder: os.kill(os.getpid(), 9))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(experts.workspace.folder)], check=False)
    assert ended.returncode == -9
    (left,) = experts.folder.iterdir()
    assert left.name.startswith(".new-")
    assert experts.cards() == []
    assert experts.save(CARD, write).number == 1
    assert left.exists(), "another process may be writing it"
    os.utime(left, (0, 0))
    assert experts.save(CARD, write).number == 2
    assert sorted(each.name for each in experts.folder.iterdir()) == ["1", "2"]


def test_a_number_that_another_process_took_is_left_to_it(experts: Experts) -> None:
    def meanwhile(folder: Path) -> None:
        write(folder)
        experts.path(1).mkdir()
        (experts.path(1) / "theirs").touch()

    assert experts.save(CARD, meanwhile).number == 2
    assert (experts.path(1) / "theirs").exists()


def test_what_another_thread_is_writing_stays(experts: Experts) -> None:
    inner: list[int] = []
    outer = experts.save(CARD, lambda _: inner.append(experts.save(CARD, write).number))
    assert (inner, outer.number, experts.numbers()) == ([1], 2, [1, 2])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_text('{"kind": '), "is damaged: JSONDecodeError"),
        (lambda path: path.write_text("[]"), "is damaged: TypeError"),
        (lambda path: path.write_text("{}"), "is damaged: KeyError('data')"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is damaged: UnicodeDecodeError"),
        (lambda path: path.unlink() or path.mkdir(), "cannot be read: Is a directory"),
    ],
)
def test_a_damaged_card_names_the_file_and_the_way_out(
    experts: Experts, damage: Callable[[Path], object], said: str
) -> None:
    experts.save(CARD, write)
    damage(experts.path(1) / "card.json")
    for read in (experts.cards, experts.card, experts.examples):
        with pytest.raises(WorkspaceError) as refused:
            read()
        message = str(refused.value)
        assert message.startswith(f"{str(experts.path(1) / 'card.json')!r} {said}")
        assert message.endswith(
            f"restore it, or delete the folder {str(experts.path(1))!r} and train again: taxonaut expert train ITEMS"
        )


@pytest.mark.parametrize("line", ["{", '{"id": "1"}', "3", '{"id": "1", "text": "t", "labels": 3}'])
def test_damaged_examples(experts: Experts, line: str) -> None:
    experts.save(CARD, write, EXAMPLES)
    path = experts.path(1) / "examples.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(WorkspaceError) as refused:
        experts.examples()
    assert str(refused.value).startswith(f"{str(path)!r} is damaged: ")


def test_other_folders_are_no_experts(experts: Experts) -> None:
    experts.save(CARD, write)
    for name in ("02", "²", "notes", ".new-0-x"):
        (experts.folder / name).mkdir()
    (experts.folder / "5").write_text("a file")
    assert experts.numbers() == [1]


def test_a_card_is_plain_json(experts: Experts) -> None:
    experts.save(CARD, write)
    values = json.loads((experts.path(1) / "card.json").read_text(encoding="utf-8"))
    assert {**values, "made": ""} == {
        "kind": "head",
        "data": {"products": 3},
        "settings": {"epochs": 2},
        "metrics": {"accuracy": 0.5},
        "number": 1,
        "made": "",
    }
    assert os.stat(experts.path(1)).st_mode & 0o777 == 0o755


def test_training_without_labels_is_refused(experts: Experts) -> None:
    workspace = experts.workspace
    for train in (workspace.train_expert, lambda rows: asyncio.run(workspace.atrain_expert(rows))):
        with pytest.raises(InputError, match="has no labels yet; import some: taxonaut labels import FILE"):
            train([])
