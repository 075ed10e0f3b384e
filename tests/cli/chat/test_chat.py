"""`taxonaut chat` in scripts: one message, standard input, exit codes, threads."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import failing_embedder
from pulled import require_weights

from taxonaut.cli.chat.talk import Talk
from taxonaut.state.errors import ModelUnavailableError
from taxonaut.workspace.workspace import Workspace

pytestmark = pytest.mark.slow

SPORT = "Sport  #2\n  Shoes  (2 labels)\n  Camping  (1 label)\n"


@pytest.fixture
def encoder() -> None:
    """The real encoder, or no test."""
    require_weights()


local = pytest.mark.local


def nodes(folder: Path) -> int:
    with Workspace.open(folder) as workspace:
        return workspace.index.stats().nodes


@local
@pytest.mark.usefixtures("encoder")
def test_one_message(run: Any, shop: Path) -> None:
    called = run("chat", "--once", "show me what is under Sport", "-w", shop)
    assert (called.code, called.out) == (0, SPORT)
    understood, call = called.err.splitlines()
    assert understood.startswith("understood: ")
    assert re.fullmatch(r"✓ list_children: Sport: Shoes, Camping  \d+\.\d s", call)
    quiet = run("chat", "--once", "show me what is under Sport", "-w", shop, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, SPORT, "")


@local
@pytest.mark.usefixtures("encoder")
def test_what_is_not_understood_or_refused_ends_with_7(run: Any, shop: Path) -> None:
    called = run("chat", "--once", "hmm", "-w", shop)
    assert called.code == 7
    assert called.out.startswith("That is nothing I can do here.")
    refused = run("chat", "--once", "/remove 1", "-w", shop)
    assert refused.code == 7
    assert refused.err.startswith("✗ remove_node: ")


@local
@pytest.mark.usefixtures("encoder")
def test_a_change_waits_and_is_made_by_a_later_yes(run: Any, shop: Path) -> None:
    asked = run("chat", "--once", 'add a category for "Nuts" under Food', "-w", shop)
    assert (asked.code, asked.out) == (8, "add Nuts under Food\n+ Food > Nuts #7\n")
    assert asked.err.splitlines()[-1] == (
        f"nothing is changed yet; make it with: taxonaut chat --once yes -w {shop}"
    )
    assert nodes(shop) == 5
    assert "a change waits for yes" in run("chat", "--threads", "-w", shop).out
    made = run("chat", "--once", "yes", "-w", shop)
    assert (made.code, nodes(shop)) == (0, 6)
    assert made.out.startswith("done: add Nuts under Food\n")
    nothing = run("chat", "--once", "/add Seeds under Food", "-w", shop)
    assert nothing.code == 8
    other = run("chat", "--once", "/under Sport", "-w", shop)
    assert (other.code, nodes(shop)) == (0, 6)
    assert other.out.startswith("add Seeds under Food: not done. Nothing was changed.\nSport  #2\n")


@local
@pytest.mark.usefixtures("encoder")
def test_yes_in_advance(run: Any, shop: Path) -> None:
    called = run("chat", "--once", "/add Nuts under Food", "--yes", "-w", shop)
    assert (called.code, nodes(shop)) == (0, 6)
    assert "\ndone: add Nuts under Food\n" in called.out


@local
@pytest.mark.usefixtures("encoder")
def test_standard_input(run: Any, shop: Path) -> None:
    said = "# a comment\n\n/under Food\n/add Nuts under Food\nyes\n/help\n/thread other\n/log\n/quit\nnever read\n"
    called = run("chat", "-w", shop, "--quiet", stdin=said)
    assert (called.code, called.err) == (0, "")
    assert called.out.startswith("Food  #3\n  Fruit  (2 labels)\nadd Nuts under Food\n+ Food > Nuts #7\n")
    assert "  /thread NAME    go on in another thread, or begin one\n" in called.out
    assert "\nthis is thread other\n5" in called.out
    assert nodes(shop) == 6
    listed = json.loads(run("chat", "--threads", "--json", "-w", shop).out)
    assert [(row["name"], row["messages"], row["last"]) for row in listed] == [
        ("other", 1, "/log"),
        ("default", 2, "/add Nuts under Food"),
    ]


@local
@pytest.mark.usefixtures("encoder")
def test_an_error_does_not_end_a_script(run: Any, shop: Path) -> None:
    called = run("chat", "-w", shop, "--quiet", stdin="/bogus\n/under Fruit\n")
    assert (called.code, called.out) == (2, "Food > Fruit  #6\n  - Red apples\n  - Green pears\n")
    assert called.err.startswith("error: there is no command '/bogus'")


@local
@pytest.mark.usefixtures("encoder")
def test_as_json(run: Any, shop: Path) -> None:
    called = run("chat", "--json", "--once", "show me what is under Sport", "-w", shop)
    rows = [json.loads(line) for line in called.out.splitlines()]
    assert (called.code, called.err) == (0, "")
    assert [row["kind"] for row in rows] == ["understood", "tool_started", "tool_finished", "answered"]
    assert (rows[1]["name"], rows[1]["arguments"], rows[3]["text"]) == (
        "list_children",
        {"node": 2},
        SPORT.rstrip("\n"),
    )


@local
@pytest.mark.usefixtures("encoder")
def test_threads_are_listed_and_forgotten(run: Any, shop: Path) -> None:
    assert run("chat", "--threads", "-w", shop).out == "no conversation yet; begin one with: taxonaut chat\n"
    run("chat", "--thread", "spring", "--once", "/under Sport", "-w", shop)
    assert re.fullmatch(
        r"spring  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  1 turn    /under Sport\n",
        run("chat", "--threads", "-w", shop).out,
    )
    assert "there is no thread 'fall'; there are: spring" in run("chat", "--forget", "fall", "-w", shop).err
    called = run("chat", "--forget", "spring", "-w", shop)
    assert (called.code, called.err) == (
        0,
        "thread 'spring' is deleted; what it changed in the index stays\n",
    )
    assert run("chat", "--threads", "--json", "-w", shop).out == "[]\n"
    new = run("chat", "--new", "--once", "/under Sport", "-w", shop)
    (row,) = json.loads(run("chat", "--threads", "--json", "-w", shop).out)
    assert (new.code, row["messages"]) == (0, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d", row["name"])


@local
@pytest.mark.usefixtures("encoder")
def test_a_pipe_that_speaks_ascii_only(shop: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "taxonaut", "chat", "-w", str(shop), "--once", "/why jogging shoes"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "ok explain" in ended.stderr.decode("ascii")
    assert ended.stdout.startswith(b'"jogging shoes" went to Sport > Shoes > Running shoes')


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--once", " "], "--once was given an empty text"),
        (["--thread", ""], "--thread was given an empty name"),
        (["--thread", "a\nb"], "is not a thread name"),
        (["--new", "--thread", "x"], "leave out --thread 'x'"),
        (["--threads", "--forget", "x"], "give one of them"),
        (["--once", "a", "--model", "gpt"], "'gpt' is no model; give a role of taxonaut.toml (navigator, "),
        (["--forget", "x"], "there is no thread 'x'; there are: none"),
    ],
)
@pytest.mark.usefixtures("embedder")
def test_options_that_cannot_be(run: Any, shop: Path, options: list[str], said: str) -> None:
    called = run("chat", *options, "-w", shop, stdin="")
    assert (called.code, called.out) == (2, "")
    assert said in called.err


def test_where_there_is_nothing_to_talk_about(run: Any, blank: Path, tmp_path: Path) -> None:
    none = run("chat", "--once", "hello", "-w", tmp_path)
    assert (none.code, "is not a workspace" in none.err) == (3, True)
    empty = run("chat", "--once", "hello", "-w", blank)
    assert (empty.code, empty.err) == (
        2,
        f"error: {str(blank)!r} has no labels yet; import some: taxonaut labels import FILE\n",
    )
    labels = tmp_path / "labels.txt"
    labels.write_text("shoes\nboots\n", encoding="utf-8")
    run("labels", "import", labels, "-w", blank)
    flat = run("chat", "--once", "hello", "-w", blank)
    assert (flat.code, flat.err) == (
        2,
        f"error: the 2 labels of {str(blank)!r} are not in a tree yet; build one with: taxonaut index build\n",
    )


def test_a_workspace_that_another_process_holds(run: Any, shop: Path) -> None:
    hold = (
        "import sys\nfrom taxonaut.workspace.workspace import Workspace\n"
        f"workspace = Workspace.open({str(shop)!r})\nprint('open', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        called = run("chat", "--once", "how many labels are there?", "-w", shop)
        holder.communicate("")
    assert called.code == 0, called.err
    assert "5 labels" in called.out


@local
@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    "said",
    [
        "merge Shoes and Camping",
        "merge Shoes into it",
        "move Hiking shoes and more to Camping",
        "remove 'Shoes?'",
        "rename Shoes to Boots",
    ],
)
def test_yes_in_advance_makes_no_change_that_is_in_doubt(run: Any, shop: Path, said: str) -> None:
    run("chat", "--once", "show me what is under Camping", "-w", shop)
    with Workspace.open(shop) as workspace:
        version = workspace.index.version()
    called = run("chat", "--once", said, "--yes", "-w", shop)
    assert (called.code, called.out.splitlines()[0][:19]) == (7, "Nothing is changed.")
    with Workspace.open(shop) as workspace:
        assert workspace.index.version() == version


@local
@pytest.mark.usefixtures("encoder")
def test_a_reader_that_leaves_is_no_error(shop: Path) -> None:
    code = "import sys; from taxonaut.cli.main import app; app(sys.argv[1:])"
    words = [
        sys.executable,
        "-c",
        code,
        "chat",
        "--quiet",
        "--once",
        "show me what is under Sport",
        "-w",
        str(shop),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_what_fails_while_it_loads_is_left_to_the_answer(shop: Path) -> None:
    with (
        Workspace.open(shop, embedder=failing_embedder(ModelUnavailableError("no answer"))) as workspace,
        Talk(workspace, "default", warms=True) as talk,
    ):
        talk.ready()
        talk.loading.join()  # an exception in the thread would fail the test
        with pytest.raises(ModelUnavailableError, match="no answer"):
            list(talk.updates(lambda chat: chat.say("what is under Sport?")))
