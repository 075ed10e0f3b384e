"""A cache of phrases' vectors: bounded, shared by processes, and never the reason for a failure."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from taxonaut.state.stores.phrase_vectors import PhraseVectors


def vectors(*values: float) -> np.ndarray:
    return np.array([[value, 1.0] for value in values], np.float16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "phrases.sqlite"


def plain(found: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {phrase: vector.tolist() for phrase, vector in found.items()}


def test_what_is_kept_is_found_by_embedder_and_phrase(file: Path) -> None:
    kept = PhraseVectors(file, 10)
    assert kept.get("one", ["red apples"]) == {}
    kept.put("one", ["red apples", "apples"], vectors(0.5, 0.25))
    kept.put("one", ["apples"], vectors(7.0))
    assert plain(PhraseVectors(file, 10).get("one", ["apples", "pears", "red apples"])) == {
        "red apples": [0.5, 1.0],
        "apples": [0.25, 1.0],
    }
    assert kept.get("two", ["apples"]) == {}
    assert b"apples" not in file.read_bytes()
    kept.forget()
    assert kept.get("one", ["apples"]) == {}


def test_the_oldest_go_first(file: Path) -> None:
    kept = PhraseVectors(file, 3)
    for number in range(5):
        kept.put("one", [f"phrase {number}"], vectors(number))
    assert sorted(kept.get("one", [f"phrase {number}" for number in range(5)])) == [
        "phrase 2",
        "phrase 3",
        "phrase 4",
    ]


def test_a_file_that_cannot_be_read_or_written_is_as_good_as_none(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b"not SQLite" * 100)
    for path in (file, tmp_path / "no folder" / "phrases.sqlite"):
        kept = PhraseVectors(path, 10)
        kept.put("one", ["apples"], vectors(1.0))
        assert kept.get("one", ["apples"]) == {}


WRITER = """
import sys
from pathlib import Path
import numpy as np
from taxonaut.state.stores.phrase_vectors import PhraseVectors

kept, number = PhraseVectors(Path(sys.argv[1]), 100_000), 0
while True:
    kept.put(sys.argv[2], [f"{number}"], np.full((1, 2), number % 100, np.float16))
    if kept.get(sys.argv[2], [f"{number}"]):  # not where the other held the file for too long
        print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_two_processes_write_and_one_is_killed(file: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file), name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    said: list[list[str]] = []
    for writer in writers:
        assert writer.stdout is not None
        said.append([writer.stdout.readline().strip() for _ in range(20)])
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
    kept = PhraseVectors(file, 100_000)
    for name, numbers in zip(("one", "two"), said, strict=True):
        assert plain(kept.get(name, numbers)) == {each: [int(each) % 100] * 2 for each in numbers}
