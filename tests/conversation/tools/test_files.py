"""Files that are labelled and evaluated, and the losses that are known from then on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxonaut.state.errors import InputError, NotFoundError

ROWS = "id,title,labels\n1,over-ear headphones,ob\n2,bird cages,ca\n3,,fo\n4,dog food,ib\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "goods.csv"
    path.write_text(ROWS)
    return path


def test_a_file_is_labelled_beside_itself(say: Callable[..., Any], file: Path) -> None:
    done = say("/label goods.csv")
    out = file.with_name("goods.labelled.csv")
    assert done.text.splitlines()[0] == "4 texts of goods.csv -> goods.labelled.csv"
    assert out.read_text().splitlines()[1].startswith("1,over-ear headphones,ob,Over-ear headphones,ob,")
    assert done.focus.file == "goods.csv"
    assert done.data["blank"] == 1


def test_only_what_was_written_here_is_written_over(say: Callable[..., Any], file: Path) -> None:
    say("/label goods.csv")
    say("/label goods.csv")
    file.with_name("goods.labelled.csv").write_text("mine")
    with pytest.raises(InputError, match="is not overwritten"):
        say("/label goods.csv")
    say("/label goods.csv to other.jsonl")
    assert file.with_name("goods.labelled.csv").read_text() == "mine"
    assert len(file.with_name("other.jsonl").read_text().splitlines()) == 4
    with pytest.raises(InputError, match="is not overwritten"):
        say("/label goods.csv to goods.csv")


def test_the_column_is_guessed_or_asked_for(say: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("id,title,description\n1,earbuds,small\n")
    with pytest.raises(InputError, match="several columns that may hold the text: 'title', 'description'"):
        say("/label two.csv")
    assert say("/label two.csv column title").data["items"] == 1
    (tmp_path / "odd name.txt").write_text("earbuds\nspeakers\n")
    assert say("/label 'odd name.txt'").data["out"] == "odd name.labelled.csv"
    with pytest.raises(InputError, match="cannot follow the file"):
        say("/label two.csv quickly now")


def test_a_file_is_evaluated_and_its_gold_labels_are_known(say: Callable[..., Any], file: Path) -> None:
    with pytest.raises(NotFoundError, match="/evaluate FILE"):
        say("/lost")
    done = say("/evaluate goods.csv")
    lines = done.text.splitlines()
    assert lines[0].split() == ["P@1", "R@5", "R@10", "requests", "comparisons"]
    assert [line.split()[0] for line in lines[1:3]] == ["navigate", "dense"]
    assert lines[3].startswith("P@1 is 50.0 %: the walk's first label is right for 2 of 4 texts")
    lost = say("/lost")
    assert lost.data["items"] == 3
    assert lost.data["gold"] == 3
    assert lost.data["outcomes"]["found"] >= 2
    assert say("/lost yesterday").text.startswith(
        "yesterday: no text whose right labels are known was walked"
    )


def test_a_file_without_right_labels_is_not_evaluated(say: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("text\nearbuds\n")
    with pytest.raises(InputError, match="has no gold labels"):
        say("/evaluate plain.csv")
