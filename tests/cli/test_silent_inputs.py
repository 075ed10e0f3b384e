"""What is given by mistake is refused, where it would silently mean something else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import packaged_embedder
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.cli.shared.lazy_command import LazyCommand


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command.load() if isinstance(command, LazyCommand) else command


def test_every_option_with_one_value_is_refused_when_given_twice(run: Any) -> None:
    checked = 0
    for words, command in commands(get_command(app)):
        for option in command.params:
            if not isinstance(option, TyperOption) or option.multiple or option.name == "help":
                continue
            if option.is_flag and not option.secondary_opts:
                continue
            spelled = (
                (option.opts[0], option.secondary_opts[0])
                if option.is_flag
                else (option.opts[0], "1", option.opts[-1], "1")
            )
            called = run(*words, *spelled)
            assert called.code == 2, (words, option.opts)
            assert f"option {' / '.join(option.opts)} is given 2 times; give it once" in called.err
            checked += 1
    assert checked > 200


def test_a_flag_may_be_repeated(run: Any, shop: Path) -> None:
    assert run("labels", "list", "--json", "--json", "-q", "-q", "-w", shop).code == 0


def test_two_workspaces_are_refused(run: Any, shop: Path) -> None:
    called = run("-w", "elsewhere", "labels", "list", "-w", shop)
    assert called.code == 2
    assert "-w / --workspace is given twice, as 'elsewhere' before the command" in called.err
    assert run("-w", shop, "labels", "list", "-w", shop).code == 0
    assert run("-w", shop, "-w", shop, "labels", "list").code == 2


@pytest.mark.parametrize("file", ["missing.csv", "missing.xlsx", "data/items.bin", "./items", "items.dat"])
@pytest.mark.parametrize("words", [("classify",), ("categorize",), ("vocabulary", "assign")])
def test_a_missing_file_is_not_labelled_as_a_text(
    run: Any, shop: Path, words: tuple[str, ...], file: str
) -> None:
    called = run(*words, file, "-w", shop)
    assert (called.code, called.out) == (2, "")
    assert f"{file!r}" in called.err
    assert "If it is a text and not a file, pipe it in and give - instead." in called.err


@pytest.mark.parametrize("text", ["apples 1.5 kg", "and/or pears", "U.S.", "3.14", "red…"])
def test_texts_that_look_a_little_like_files_are_texts(
    run: Any, shop: Path, given: GlobalOptions, text: str
) -> None:
    given.embedder = packaged_embedder()
    assert run("classify", text, "-w", shop).code == 0


def test_an_empty_separator_of_labels_is_refused(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("text,labels\na,apples\n", encoding="utf-8")
    called = run("evaluate", file, "--label-separator", "", "-w", shop)
    assert called.code == 2
    assert "(--label-separator) is empty; give a character such as ;" in called.err


@pytest.mark.parametrize("option", ["--text-column", "--labels-column", "--id-column"])
def test_a_column_named_by_option_that_is_empty_is_refused(
    run: Any, shop: Path, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "judged.csv"
    file.write_text("text,labels,nothing\na,apples,\nb,pears, \n", encoding="utf-8")
    called = run("evaluate", file, option, "nothing", "-w", shop)
    assert called.code == 2
    assert called.err == (
        f"error: judged.csv: the column 'nothing' is empty in every row; name another one with {option}\n"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_threshold_that_is_no_number_is_refused(run: Any, shop: Path, value: str) -> None:
    called = run("classify", "red apples", f"--threshold={value}", "-w", shop)
    assert (called.code, called.out) == (2, "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TAXONAUT_WALKS__TERMINALS", "did you mean TAXONAUT_WALK__KEY?"),
        ("TAXONAUT_WALK_TERMINALS", "did you mean TAXONAUT_WALK__KEY?"),
        ("TAXONAUT_XYZ__TERMINALS", "the tables are TASK, LABELS, EMBEDDINGS, MODELS, WALK"),
        ("TAXONAUT_WALK__TERMINALZ", "terminalz"),
    ],
)
def test_a_variable_that_names_no_setting_is_refused(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv(name, "3")
    called = run("index", "stats", "-w", shop)
    assert called.code == 2
    assert said in called.err


def test_a_key_of_the_settings_that_names_nothing_is_refused(run: Any, shop: Path) -> None:
    with (shop / "taxonaut.toml").open("a", encoding="utf-8") as file:
        file.write("\n[walkk]\nterminals = 3\n")
    called = run("index", "stats", "-w", shop)
    assert (called.code, "walkk" in called.err) == (2, True)


def test_a_header_with_one_name_twice_is_refused(run: Any, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("text,text\na,b\n", encoding="utf-8")
    called = run("classify", file, "-w", shop)
    assert (called.code, "'text' names more than one column" in called.err) == (2, True)


def test_a_trial_text_enters_no_export(run: Any, blank: Path, tmp_path: Path, given: GlobalOptions) -> None:
    given.embedder = packaged_embedder()
    file = tmp_path / "items.csv"
    rows = [f"{n},{word} {n}" for n, word in enumerate(("red fox", "grey whale", "green oak") * 8)]
    file.write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert run("vocabulary", "build", file, "-q", "-w", blank).code == 0
    export = ("vocabulary", "export", tmp_path / "out.json", "--format", "plain", "-q", "-w", blank)
    assert run(*export).code == 0
    before = (tmp_path / "out.json").read_bytes()
    assert run("vocabulary", "assign", "red fox on trial", "-w", blank).code == 0
    (tmp_path / "out.json").unlink()
    assert run(*export).code == 0
    assert (tmp_path / "out.json").read_bytes() == before
