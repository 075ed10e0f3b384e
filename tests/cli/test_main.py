"""The frame of the command line: help, version, exit codes, and errors without tracebacks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import failing_embedder, interrupting_embedder
from typer.main import get_command

from taxonaut import __version__
from taxonaut.cli.main import app
from taxonaut.cli.shared.global_options import GlobalOptions
from taxonaut.state.errors import MissingExtraError

pytestmark = pytest.mark.slow

HEAVY = "litellm llama_cpp numpy duckdb langgraph pydantic_ai pydantic_settings jinja2 taxonaut.workspace.workspace"
MODEL_LIBRARIES = "litellm llama_cpp langgraph pydantic_ai torch sklearn prompt_toolkit"
LONG_TO_IMPORT = (
    f"{MODEL_LIBRARIES} numpy duckdb langchain_core scipy matplotlib taxonaut.workspace.workspace"
)


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every command below the root that does something itself."""
    for name, below in command.commands.items():
        if hasattr(below, "commands"):
            yield from commands(below, (*words, name))
        else:
            yield (*words, name), below


ALL = dict(commands(get_command(app)))


def test_the_commands_are_these() -> None:
    assert sorted(" ".join(words) for words in ALL) == [
        "calibrate",
        "categorize",
        "chat",
        "classify",
        "demo",
        "distribute run",
        "distribute train",
        "evaluate",
        "expert audit",
        "expert define",
        "expert disagreements",
        "expert list",
        "expert remove",
        "expert show",
        "expert train",
        "explain",
        "feedback add",
        "feedback conflicts",
        "feedback correct",
        "feedback list",
        "index build",
        "index diff",
        "index export",
        "index import",
        "index log",
        "index merge",
        "index move",
        "index remove",
        "index rename",
        "index show",
        "index split",
        "index stats",
        "index undo",
        "init",
        "labels add",
        "labels import",
        "labels language",
        "labels list",
        "labels map",
        "labels mapping",
        "labels match",
        "labels merge",
        "labels move",
        "labels rename",
        "labels restore",
        "labels retire",
        "labels search",
        "labels show",
        "labels split",
        "labels update",
        "langgraph",
        "learn adapter",
        "learn adopt",
        "learn compare",
        "learn export",
        "learn log",
        "learn run",
        "learn show",
        "learn undo",
        "mcp",
        "models embed",
        "models list",
        "models pull",
        "models replies",
        "models test",
        "prompts check",
        "prompts diff",
        "prompts eject",
        "prompts learn",
        "prompts list",
        "prompts log",
        "prompts restore",
        "prompts show",
        "prompts try",
        "recommend evaluate",
        "recommend export",
        "recommend slots",
        "review apply",
        "review errors",
        "review export",
        "review import",
        "review next",
        "review start",
        "runs list",
        "runs show",
        "serve",
        "tools",
        "trust",
        "vocabulary assign",
        "vocabulary build",
        "vocabulary export",
        "vocabulary report",
        "vocabulary show",
    ]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_with_an_example(run: Any, words: tuple[str, ...]) -> None:
    called = run(*words, "--help")
    assert called.code == 0
    command = ALL[words].load()
    assert command.help
    example = " ".join(command.epilog.split())
    assert example.startswith(
        (f"Example: taxonaut {' '.join(words)}", f"Examples: taxonaut {' '.join(words)}")
    )
    assert command.epilog in called.out
    assert "--workspace" in called.out


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_a_group_lists_a_command_by_the_first_line_of_its_own_help(words: tuple[str, ...]) -> None:
    command = ALL[words].load()
    assert command.name == words[-1]
    assert ALL[words].help == command.help.split("\n\n")[0]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_both_spellings_of_help(run: Any, option: str) -> None:
    for words in ([], ["index"], ["index", "stats"]):
        assert run(*words, option).out == run(*words, "--help").out
        assert "Usage:" in run(*words, option).out


def test_help_documents_the_exit_codes(run: Any) -> None:
    called = run("--help")
    assert called.code == 0
    lines = [line.split()[0] for line in called.out.partition("Exit codes:")[2].splitlines() if line.strip()]
    assert lines == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130"]


def test_no_arguments_show_help(run: Any) -> None:
    for words in ([], ["labels"]):
        called = run(*words)
        assert (called.code, called.out, called.err) == (2, run(*words, "--help").out, "")


def test_version(run: Any) -> None:
    assert run("--version").out == run("-V").out == f"taxonaut {__version__}\n"


def imported(arguments: list[str], names: str) -> str:
    """Return which of these modules a call of the command line imports."""
    code = (
        "import sys\nfrom taxonaut.cli.main import app\n"
        f"try:\n    app({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print(*[name for name in {names!r}.split() if name in sys.modules], file=sys.stderr)"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("arguments", [["--help"], ["vocabulary", "--help"], ["--version"], ["clasify"]])
def test_a_list_of_commands_imports_none_of_them(arguments: list[str]) -> None:
    assert imported(arguments, HEAVY).splitlines()[-1] == ""


def test_a_command_loads_no_library_that_it_does_not_need(shop: Path) -> None:
    for words in (["index", "stats"], ["labels", "list"], ["labels", "show", "boots"], ["prompts", "list"]):
        assert imported([*words, "-w", str(shop)], MODEL_LIBRARIES) == "\n"


def test_help_of_all_commands_imports_nothing_that_takes_long() -> None:
    code = (
        "import sys\nfrom taxonaut.cli.main import app\n"
        f"for words in {list(ALL)}:\n"
        "    app([*words, '--help'], standalone_mode=False)\n"
        f"    loaded = [name for name in {LONG_TO_IMPORT!r}.split() if name in sys.modules]\n"
        "    assert not loaded, (words, loaded)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_python_m_taxonaut() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "taxonaut", "--version"], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"taxonaut {__version__}\n"


def test_an_unknown_command_is_a_usage_error(run: Any) -> None:
    called = run("clasify")
    assert called.code == 2
    assert "Did you mean 'classify'" in called.err
    assert called.out == ""


def test_no_workspace(run: Any, tmp_path: Path) -> None:
    called = run("index", "stats", "-w", tmp_path)
    assert called.code == 3
    assert (
        called.err
        == f"error: {str(tmp_path)!r} is not a workspace; create one with: taxonaut init {tmp_path}\n"
    )
    assert called.out == ""


def test_a_workspace_is_found_from_any_folder_below_it(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = shop / "items" / "2026"
    below.mkdir(parents=True)
    for folder in (shop, below):
        monkeypatch.chdir(folder)
        assert json.loads(run("index", "stats", "--json").out)["labels"] == 5
    inner = run("init", "inner")
    assert (inner.code, inner.err) == (
        0,
        "made a workspace in inner; next: taxonaut labels import FILE -w inner\n",
    )
    monkeypatch.chdir(below / "inner")
    assert json.loads(run("index", "stats", "--json").out)["labels"] == 0
    assert json.loads(run("index", "stats", "--json", "-w", shop).out)["labels"] == 5
    monkeypatch.setenv("TAXONAUT_WORKSPACE", str(shop))
    assert json.loads(run("index", "stats", "--json").out)["labels"] == 5


def test_no_workspace_here_or_above(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    called = run("index", "stats")
    assert (called.code, called.out) == (3, "")
    assert called.err == (
        f"error: no workspace in {str(tmp_path)!r} or any directory above it (none has a taxonaut.toml); "
        "name one with -w DIR, or make one with: taxonaut init DIR\n"
    )


def test_the_workspace_before_the_command_after_it_and_in_the_environment(
    run: Any, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = run("index", "stats", "--json", "-w", shop)
    before = run("--workspace", shop, "index", "stats", "--json")
    monkeypatch.setenv("TAXONAUT_WORKSPACE", str(shop))
    around = run("index", "stats", "--json")
    assert after.out == before.out == around.out
    assert json.loads(after.out)["labels"] == 5


def test_an_error_of_ours_is_one_line_and_its_own_exit_code(
    run: Any, shop: Path, given: GlobalOptions
) -> None:
    given.embedder = failing_embedder(MissingExtraError("gguf", "gguf"))
    called = run("index", "build", "--quiet", "-w", shop)
    assert (called.code, called.out) == (5, "")
    assert called.err == "error: gguf is not installed; install it with: pip install 'taxonaut[gguf]'\n"


def test_an_unforeseen_error_is_one_line_unless_debugging(run: Any, shop: Path, given: GlobalOptions) -> None:
    given.embedder = failing_embedder(ZeroDivisionError("no \x1b[31mway\x1b[0m"))
    called = run("index", "build", "--quiet", "-w", shop)
    assert called.code == 1
    assert called.err == (
        "error: ZeroDivisionError: no  [31mway [0m; run again with --debug to see where, and please report it\n"
    )
    debugged = run("index", "build", "--quiet", "-w", shop, "--debug")
    assert debugged.code == 1
    assert debugged.err.startswith("Traceback")
    assert run("--debug", "index", "build", "--quiet", "-w", shop).err.startswith("Traceback")


def test_ctrl_c_is_130(run: Any, shop: Path, given: GlobalOptions) -> None:
    given.embedder = interrupting_embedder()
    called = run("index", "build", "--quiet", "-w", shop)
    assert (called.code, called.err) == (130, "interrupted\n")


def test_a_pipe_that_closes_early_is_silent(run: Any, tmp_path: Path) -> None:
    folder, labels = tmp_path / "many", tmp_path / "labels.txt"
    labels.write_text("".join(f"label number {number}\n" for number in range(4_000)), encoding="utf-8")
    run("init", folder)
    run("labels", "import", labels, "-w", folder)
    for form in ([], ["--json"]):
        arguments = ["labels", "list", "--limit", "0", "-w", str(folder), *form]
        with subprocess.Popen(
            [sys.executable, "-m", "taxonaut", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert b"label number 0" in process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 0


def test_a_command_reads_what_another_process_holds(shop: Path, run: Any) -> None:
    hold = (
        "import sys\nfrom taxonaut.workspace.workspace import Workspace\n"
        f"workspace = Workspace.open({str(shop)!r})\nprint('open', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        called = run("index", "stats", "-w", shop)
        holder.communicate("")
    assert (called.code, called.err) == (0, "")
    assert "labels" in called.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--order", "sideways"], "'--order': 'sideways' is not one of 'breadth', 'depth'."),
        (["--top", "0"], "'--top': must be greater than or equal to 1"),
        (["--top", "many"], "'--top': must be a valid integer"),
    ],
)
def test_an_invalid_value_is_answered_with_what_is_allowed(run: Any, arguments: list[str], said: str) -> None:
    called = run("classify", *arguments, "a text")
    assert (called.code, called.err.splitlines()[-1]) == (2, f"Error: Invalid value for {said}")
